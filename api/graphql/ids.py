"""Relay's global ids: opaque to the client, type and key to us."""

import base64
from binascii import Error as Base64Error

from api.services.errors import BadInputError


def global_id(type_name: str, key: str) -> str:
    """The global id of a node."""
    return base64.urlsafe_b64encode(f"{type_name}:{key}".encode()).decode().rstrip("=")


def parse_global_id(value: str) -> tuple[str, str]:
    """Type and key of a global id.

    Raises:
        BadInputError: it is none.
    """
    try:
        raw = base64.b64decode(value + "=" * (-len(value) % 4), altchars=b"-_", validate=True).decode()
        type_name, separator, key = raw.partition(":")
    except (Base64Error, ValueError):
        separator = ""
    if not separator:
        raise BadInputError("id is not a global id", field="id", remedy="pass an id as this server gave it, unchanged")
    return type_name, key
