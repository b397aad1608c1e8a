"""Which role each root field needs, and whose name, session and answers a storefront may use. What is not listed needs
`server`.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import structlog
from graphql import GraphQLObjectType, GraphQLSchema

from api.audit import described, described_query
from api.graphql.context import Context
from api.graphql.ids import parse_global_id
from api.services.callers import Caller, Role
from api.services.errors import ForbiddenError
from graph import Store
from schema.files import WriteError

_log = structlog.get_logger()
_USER = "userId"
_SESSION = "sessionId"
_ANSWER = "recommendationId"
_NODE = "id"
_OF_OTHERS = (
    (
        _SESSION,
        Store.sessions_of_others,
        "the session is another user's",
        "give the page a session of its own, with a new id, when another user or nobody is logged in",
    ),
    (
        _ANSWER,
        Store.answers_of_others,
        "the answer was given to another user",
        "leave it out, or ask for a list anew when another user or nobody is logged in",
    ),
)
"""What is somebody's: its argument, which of some are others', and what is said of one."""


@dataclass(frozen=True)
class Access:
    """Who may use a root field: whoever has one of the roles.

    `audited`: whoever does is written down, with the arguments as `described` puts them.
    """

    roles: frozenset[Role]
    audited: bool = False
    described: Callable[[Mapping[str, Any]], dict[str, Any]] = described


READ = Access(frozenset({Role.STOREFRONT, Role.SERVER, Role.EXPERT}))
LOOK = Access(frozenset({Role.SERVER, Role.EXPERT}))
TELL = Access(frozenset({Role.STOREFRONT, Role.SERVER}))
WRITE = Access(frozenset({Role.SERVER}))
EXPERT = Access(frozenset({Role.EXPERT}))
DELETE = Access(frozenset({Role.SERVER}), audited=True)
RULE = Access(frozenset({Role.EXPERT}), audited=True)
ASK = Access(frozenset({Role.EXPERT}), audited=True, described=described_query)

ACCESS: Mapping[str, Access] = {
    "Query.node": READ,
    "Query.product": READ,
    "Query.category": READ,
    "Query.user": READ,
    "Query.recommendations": READ,
    "Query.explain": READ,
    "Query.products": READ,
    "Query.search": READ,
    "Query.trending": READ,
    "Query.brand": READ,
    "Query.continueShopping": READ,
    "Query._entities": READ,
    "Query._service": READ,
    "Query.model": LOOK,
    "Query.users": LOOK,
    "Query.qualityReport": LOOK,
    "Query.evaluation": LOOK,
    "Query.clickThrough": EXPERT,
    "Query.rules": EXPERT,
    "Query.cypher": ASK,
    "Query.savedQueries": EXPERT,
    "Query.askSaved": ASK,
    "Query.knowledge": EXPERT,
    "Query.previewKnowledge": EXPERT,
    "Query.previewRule": EXPERT,
    "Subscription.recommendations": READ,
    "Mutation.recordEvents": TELL,
    "Mutation.recordFeedback": TELL,
    "Mutation.linkSession": TELL,
    "Mutation.upsertProducts": WRITE,
    "Mutation.upsertRule": RULE,
    "Mutation.deleteRule": RULE,
    "Mutation.upsertKnowledge": RULE,
    "Mutation.applyKnowledge": RULE,
    "Mutation.undoKnowledge": RULE,
    "Mutation.deleteProducts": DELETE,
    "Mutation.deleteEvents": DELETE,
    "Mutation.deleteUser": Access(frozenset({Role.SERVER, Role.ADMIN}), audited=True),
}


def guard(schema: GraphQLSchema) -> None:
    """Puts the table before the root fields of a schema, and before every field with arguments the questions for whom,
    and whether there is time left.

    Changes the schema; to be called once.
    """
    roots = (schema.query_type, schema.mutation_type, schema.subscription_type)
    for kind in schema.type_map.values():
        if isinstance(kind, GraphQLObjectType) and not kind.name.startswith("__"):
            for name, field in kind.fields.items():
                place = f"{kind.name}.{name}"
                if kind in roots:
                    _put_before(field, ACCESS.get(place, WRITE), place)
                elif field.args:
                    _put_before(field, None, place)


def check_users(caller: Caller, given: object) -> None:
    """Looks through arguments, however deep, for users who are not the storefront's own.

    Raises:
        ForbiddenError: there is one.
    """
    for user in _named(_USER, given):
        caller.require_user(user)


def check_others(context: Context, given: object) -> None:
    """Looks through arguments, however deep, for sessions and answers of another user than the storefront's own.

    Whoever speaks for one user would else read what others do, or make the click-through of what they were shown.
    One question to the store for sessions if there are any at all, and one for answers.

    Raises:
        ForbiddenError: there is one.
    """
    for name, of_others, message, remedy in _OF_OTHERS:
        named = list(_named(name, given))
        if named and of_others(context.shop.store, named, context.caller.user):
            raise ForbiddenError(message, field=name, remedy=remedy)


def _named(name: str, given: object) -> Iterator[str]:
    """What arguments say under a name, at any depth."""
    if isinstance(given, Mapping):
        for key, value in given.items():
            if key == name and value and isinstance(value, str):
                yield value
            yield from _named(name, value)
    elif isinstance(given, list):
        for value in given:
            yield from _named(name, value)


def _put_before(field: Any, access: Access | None, place: str) -> None:
    # A subscription asks once, when it begins.
    attribute = "subscribe" if field.subscribe is not None else "resolve"
    inner: Callable[..., Any] = getattr(field, attribute)

    def guarded(source: Any, info: Any, **arguments: Any) -> Any:
        context: Context = info.context
        context.hurry()
        if access is not None:
            context.caller.require_any(access.roles)
        if context.caller.is_visitor:
            check_users(context.caller, arguments)
            check_others(context, arguments)
            if place == "Query.node":
                _check_node(context.caller, arguments[_NODE])
        if access is None or not access.audited:
            return inner(source, info, **arguments)
        return _audited(lambda: inner(source, info, **arguments), context, place, access.described(arguments))

    setattr(field, attribute, guarded)


def _audited(action: Callable[[], Any], context: Context, place: str, arguments: Mapping[str, Any]) -> Any:
    """Does an action between two lines of the log: that it was asked for, and what came of it."""
    what = {"field": place, "request": context.request_id}
    context.shop.audit.write("begun", context.caller, **what, arguments=arguments)
    try:
        result = action()
    except Exception as error:
        _note_end(context, "failed", **what, error=type(error).__name__)
        raise
    refused = [error.code for error in getattr(result, "user_errors", ())]
    _note_end(context, "failed" if refused else "done", **what, errors=refused)
    return result


def _note_end(context: Context, outcome: str, **what: Any) -> None:
    """Writes down what came of an action. That is so by now, whether or not it can be written down."""
    try:
        context.shop.audit.write(outcome, context.caller, **what)
    except WriteError as error:
        _log.error("audit_line_lost", outcome=outcome, key=context.caller.key, problem=str(error), **what)


def _check_node(caller: Caller, identity: str) -> None:
    kind, key = parse_global_id(identity)
    if kind == "User":
        caller.require_user(key)
