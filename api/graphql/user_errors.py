# ruff: noqa: D101 - a type is described in the schema itself
"""What is wrong with the input of a mutation, told beside its payload."""

from collections.abc import Callable
from typing import TypeVar

import strawberry

from api.services.errors import ServiceError, UnavailableError
from graph import StoreError, StoreUnavailable

T = TypeVar("T")


@strawberry.type(description="What is wrong with the input of a mutation.")
class UserError:
    code: str
    field: str | None = strawberry.field(description="The place in the input.")
    message: str


def attempt(work: Callable[[], T], otherwise: T) -> tuple[T, list[UserError]]:
    """The result of some work, or what the caller did wrong. Faults of ours are raised."""
    try:
        return work(), []
    except (UnavailableError, StoreUnavailable):
        raise
    except ServiceError as error:
        message = f"{error.message}; {error.remedy}" if error.remedy else error.message
        return otherwise, [UserError(code=error.code, field=error.field, message=message)]
    except StoreError as error:
        return otherwise, [UserError(code="BAD_USER_INPUT", field=None, message=str(error))]
