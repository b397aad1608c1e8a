"""Who sent a request: by an API key, by a token, or, while there are no keys, by coming from this machine."""

from collections.abc import Mapping
from typing import Any

from api.keys import KeyRing, given_keys
from api.services.callers import Caller, Role
from api.services.errors import UnauthenticatedError
from api.settings import Settings
from api.tokens import KeySet, Tokens

ROLE_HEADER = b"x-pathrec-role"
KEY_HEADER = b"x-api-key"
TRUSTED = Caller(frozenset({Role.STOREFRONT, Role.SERVER}))
EXPERT = Caller(TRUSTED.roles | {Role.EXPERT})
_REMEDY = "send `authorization: Bearer KEY`; `pathrec key create` makes one"


class Authority:
    """Tells callers by what they show."""

    def __init__(self, settings: Settings) -> None:
        """Raises:
        KeySetError: the JWKS file cannot be read.
        """
        given = settings.api_keys.get_secret_value() if settings.api_keys else ""
        self._ring = KeyRing(settings.home, given_keys(given))
        self._tokens = _tokens(settings)
        self._closed = settings.has_keys

    @property
    def closed(self) -> bool:
        """Whether keys are asked for. A server that has seen keys once never again trusts whoever comes without."""
        self._closed = self._closed or self._ring.exists()
        return self._closed

    def caller(self, headers: Mapping[bytes, bytes]) -> Caller:
        """Who sent a request with some headers.

        Raises:
            UnauthenticatedError: they show nothing, or nothing valid.
        """
        if not self.closed:
            return EXPERT if headers.get(ROLE_HEADER) == Role.EXPERT.value.encode() else TRUSTED
        shown = _shown(headers)
        if not shown:
            raise UnauthenticatedError("this needs a key", remedy=_REMEDY)
        return self.known(shown)

    def greeting(self, payload: Mapping[str, Any]) -> Caller:
        """Who begins a WebSocket with some payload of `connection_init`, which is all that a browser can set.

        Raises:
            UnauthenticatedError: it shows nothing, or nothing valid, as `authorization` or `x-api-key`.
        """
        named = {name.lower().encode(): value.encode() for name, value in payload.items() if isinstance(value, str)}
        return self.caller({name: value for name, value in named.items() if name in (b"authorization", KEY_HEADER)})

    def known(self, shown: str) -> Caller:
        """Who a key or a token belongs to.

        Raises:
            UnauthenticatedError: nobody.
        """
        key = self._ring.find(shown)
        if key is not None:
            return Caller(frozenset(key.roles), key=key.id, name=key.note or key.id)
        if self._tokens is None:
            raise UnauthenticatedError("the key is not known", remedy=_REMEDY)
        return self._tokens.caller(shown)


def _shown(headers: Mapping[bytes, bytes]) -> str:
    scheme, _, credentials = headers.get(b"authorization", b"").decode("latin-1").partition(" ")
    if scheme.lower() == "bearer" and credentials.strip():
        return credentials.strip()
    return headers.get(KEY_HEADER, b"").decode("latin-1").strip()


def _tokens(settings: Settings) -> Tokens | None:
    key: str | KeySet
    if settings.jwt_jwks is not None:
        key = KeySet(settings.jwt_jwks)
    elif settings.jwt_key is not None:
        key = settings.jwt_key.get_secret_value()
    else:
        return None
    return Tokens(
        key,
        settings.algorithms,
        audience=settings.jwt_audience,
        issuer=settings.jwt_issuer,
        role_claim=settings.jwt_role_claim,
    )
