"""Who asks, and what they may do."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from api.services.errors import ForbiddenError


class Role(Enum):
    """What a caller is to the shop."""

    STOREFRONT = "storefront"
    SERVER = "server"
    EXPERT = "expert"
    ADMIN = "admin"


@dataclass(frozen=True)
class Caller:
    """Whoever sent a request, by its roles. An admin may do what any role may.

    `key` names what they showed, for logs; it is no secret. `name` is what the shop calls them, where keys are asked
    for; nobody can give it to themselves. `user` is the person that a storefront speaks for;
    without one it speaks for anonymous visitors.
    """

    roles: frozenset[Role]
    key: str = "local"
    user: str | None = None
    name: str | None = None

    def may(self, role: Role) -> bool:
        """Whether the caller has a role."""
        return role in self.roles or Role.ADMIN in self.roles

    @property
    def is_visitor(self) -> bool:
        """Whether the caller is somebody in front of a shop's page, and none of the shop's own."""
        return self.roles <= {Role.STOREFRONT}

    def require_any(self, roles: Iterable[Role]) -> None:
        """Lets only those with one of some roles go on.

        Raises:
            ForbiddenError: the caller has none of them.
        """
        if not any(self.may(role) for role in roles):
            names = " or ".join(role.value for role in Role if role in set(roles))
            raise ForbiddenError(f"this needs the role {names}", remedy=f"ask with a key that has {names}")

    def require_user(self, user_id: str) -> None:
        """Lets a storefront ask and speak for its own user only; the shop's own may for anybody.

        Raises:
            ForbiddenError: it is somebody else.
        """
        if self.is_visitor and user_id != self.user:
            remedy = "ask with a token whose sub is that user, or leave the user out for an anonymous visitor"
            raise ForbiddenError("a storefront may act for its own user only", field="userId", remedy=remedy)
