"""Who asks, and what they may do."""

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
    """Whoever sent a request, by its roles. An admin may do what any role may."""

    roles: frozenset[Role]

    def may(self, role: Role) -> bool:
        """Whether the caller has a role."""
        return role in self.roles or Role.ADMIN in self.roles

    def require(self, role: Role) -> None:
        """Lets only those with a role go on.

        Raises:
            ForbiddenError: the caller has not got it.
        """
        if not self.may(role):
            raise ForbiddenError(f"this needs the role {role.value}", remedy=f"ask with a key that has {role.value}")
