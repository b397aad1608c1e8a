"""JSON Web Tokens: signed by the shop's own login, checked here with pinned algorithms."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import jwt
import structlog

from api.services.callers import Caller, Role
from api.services.errors import UnauthenticatedError
from schema.errors import PathrecError

_LEEWAY_SECONDS = 10  # clocks of different machines differ a little
_log = structlog.get_logger()


class KeySetError(PathrecError):
    """The keys that tokens are checked with cannot be read."""


class KeySet:
    """Public keys in a JWKS file, read again when it changes."""

    def __init__(self, file: Path) -> None:
        """Raises:
        KeySetError: there is no such file, or it holds no keys.
        """
        self._file = file
        self._seen = 0
        self._keys: list[jwt.PyJWK] = []
        self._follow()

    def of(self, token: str) -> jwt.PyJWK:
        """The key that a token names; the only one if it names none.

        Raises:
            jwt.InvalidTokenError: there is no such key.
        """
        try:
            self._follow()
        except KeySetError as error:
            _log.error("key_set_not_read", problem=str(error))  # what was read before goes on being used
        name = jwt.get_unverified_header(token).get("kid")
        found = [key for key in self._keys if key.key_id == name] if name else self._keys
        if len(found) != 1:
            raise jwt.InvalidTokenError("no key of that name")
        return found[0]

    def _follow(self) -> None:
        try:
            now = self._file.stat().st_mtime_ns
            if now != self._seen:
                self._keys = jwt.PyJWKSet.from_dict(json.loads(self._file.read_bytes())).keys
                self._seen = now
        except (OSError, ValueError, AttributeError, jwt.PyJWTError) as error:
            raise KeySetError(f"{self._file}: holds no set of keys ({error}); give a JWKS file") from error


class Tokens:
    """Checks tokens and says who they speak for."""

    def __init__(
        self,
        key: str | KeySet,
        algorithms: tuple[str, ...],
        *,
        audience: str | None = None,
        issuer: str | None = None,
        role_claim: str = "role",
    ) -> None:
        """Args:
        key: a secret (HS256 and its like), a public key in PEM, or a set of public keys.
        algorithms: the only ones that are taken, whatever a token says of itself.
        audience, issuer: what `aud` and `iss` must be; not looked at if None.
        role_claim: name of the claim with a role or a list of them; a token without it is a storefront's.
        """
        self._key = key
        self._algorithms = list(algorithms)
        self._audience = audience
        self._issuer = issuer
        self._role_claim = role_claim

    def caller(self, token: str) -> Caller:
        """Whom a token speaks for.

        Raises:
            UnauthenticatedError: it is not signed by the shop, is over, or is meant for others.
        """
        try:
            claims = self._claims(token)
        except jwt.ExpiredSignatureError:
            raise UnauthenticatedError("the token is over", remedy="get a new one") from None
        except (jwt.PyJWTError, ValueError):
            # Which check failed is nothing for whoever made the token up.
            raise UnauthenticatedError("the token is not valid", remedy="get one from the shop's login") from None
        roles = _roles(claims.get(self._role_claim, Role.STOREFRONT.value))
        subject = claims.get("sub") or None
        caller = Caller(roles, key="token", user=subject, name=subject)
        # The shop's own are named in logs, its visitors are not.
        return caller if caller.is_visitor else replace(caller, key=f"token:{caller.user}")

    def _claims(self, token: str) -> dict[str, Any]:
        key = self._key.of(token) if isinstance(self._key, KeySet) else self._key
        return jwt.decode(
            token,
            key,
            algorithms=self._algorithms,
            audience=self._audience,
            issuer=self._issuer,
            leeway=_LEEWAY_SECONDS,
            options={"require": ["exp"], "verify_aud": self._audience is not None},
        )


def _roles(claim: object) -> frozenset[Role]:
    known = {role.value: role for role in Role}
    names = claim if isinstance(claim, list) else [claim]
    found = [known[name] for name in names if isinstance(name, str) and name in known]
    if not names or len(found) != len(names):
        raise UnauthenticatedError("the token has a role that there is not", remedy=f"there is {', '.join(known)}")
    return frozenset(found)
