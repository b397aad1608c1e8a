"""Fields of types with the words that the schema shows for them, typed more strictly than strawberry's."""

from collections.abc import Callable
from typing import Any, TypeVar

import strawberry

F = TypeVar("F", bound=Callable[..., Any])


def resolver(description: str, name: str | None = None) -> Callable[[F], F]:
    """Makes a method the resolver of a field, which is called like it if no name is given."""
    decorator: Callable[[F], F] = strawberry.field(description=description, name=name)
    return decorator


def lazy(description: str | None = None) -> Any:
    """An attribute that is not given to the constructor: `__getattr__` finds it when it is asked for."""
    field = strawberry.field(description=description)
    field.init = False  # strawberry.field knows init for type checkers only
    return field
