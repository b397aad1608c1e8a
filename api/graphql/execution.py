"""Queries executed in one go, in the thread that calls; parsing and validation are done once a text.

graphql-core executes the schema directly: resolvers are synchronous like the store and the scorer,
so a request needs one hop into a worker thread and no event loop inside.
"""

from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock
from typing import Any

from graphql import (
    DocumentNode,
    ExecutionResult,
    GraphQLError,
    GraphQLSchema,
    NoSchemaIntrospectionCustomRule,
    OperationType,
    execute_sync,
    get_operation_ast,
    parse,
    specified_rules,
    validate,
)

from api.graphql.context import Context
from api.graphql.errors import formatted, refused
from api.graphql.executor import PlainExecutor
from api.graphql.limits import Cost, Limits, only_field

_KEPT = 500
_KEPT_LENGTH = 20_000  # a longer text is parsed each time, so that those that are kept fit in memory
_MAX_TOKENS = 4_000
_MAX_DEFINITIONS = 100


@dataclass(frozen=True)
class Outcome:
    """A response body and its HTTP status; `field` is the root field, if there is one alone."""

    body: dict[str, Any]
    status: int = 200
    field: str = "none"

    @property
    def code(self) -> str:
        """ "ok", or the code of the first error."""
        errors = self.body.get("errors")
        return errors[0]["extensions"]["code"] if errors else "ok"


@dataclass(frozen=True)
class Prepared:
    """A document that is valid and within the limits, its cost left aside."""

    document: DocumentNode
    cost: Cost
    field: str


class Executor:
    """Executes GraphQL requests against one schema."""

    def __init__(self, schema: GraphQLSchema, limits: Limits) -> None:
        self._schema = schema
        self._limits = limits
        self._rules = specified_rules if limits.introspection else (*specified_rules, NoSchemaIntrospectionCustomRule)
        self._documents: OrderedDict[str, Prepared | list[GraphQLError]] = OrderedDict()
        self._lock = Lock()

    def execute(self, query: str, variables: dict[str, Any] | None, operation: str | None, context: Context) -> Outcome:
        """Answers one request. Never raises."""
        prepared = self._prepared(query)
        if isinstance(prepared, list):
            return Outcome({"errors": refused(prepared)}, 400)
        if context.follow is None and _is_subscription(prepared.document, operation):
            return Outcome({"errors": refused([GraphQLError("subscribe over a WebSocket: graphql-transport-ws")])}, 400)
        too_costly = self._limits.too_costly(prepared.cost.of(variables or {}))
        if too_costly is not None:
            return Outcome({"errors": refused([too_costly])}, 400)
        result = execute_sync(
            self._schema,
            prepared.document,
            context_value=context,
            variable_values=variables,
            operation_name=operation,
            executor_class=PlainExecutor,
            hide_suggestions=not self._limits.introspection,
        )
        status = 200 if result.data is not None or not _before(result) else 400
        return Outcome(_body(result, context.request_id), status, prepared.field)

    def subscribes(self, query: str, operation: str | None) -> bool:
        """Whether a request is a valid subscription."""
        prepared = self._prepared(query)
        return not isinstance(prepared, list) and _is_subscription(prepared.document, operation)

    def _prepared(self, query: str) -> Prepared | list[GraphQLError]:
        with self._lock:
            known = self._documents.get(query)
            if known is not None:
                self._documents.move_to_end(query)
                return known
        made = self._made(query)
        if len(query) <= _KEPT_LENGTH:
            with self._lock:
                self._documents[query] = made
                while len(self._documents) > _KEPT:
                    self._documents.popitem(last=False)
        return made

    def _made(self, query: str) -> Prepared | list[GraphQLError]:
        try:
            document = parse(query, max_tokens=_MAX_TOKENS)
            if len(document.definitions) > _MAX_DEFINITIONS:
                return [GraphQLError(f"the document has more than {_MAX_DEFINITIONS} operations and fragments")]
            hidden = not self._limits.introspection
            errors = validate(self._schema, document, self._rules, max_errors=10, hide_suggestions=hidden)
            errors = errors or self._limits.broken_by(document)
        except GraphQLError as error:
            return [error]
        except RecursionError:
            return [GraphQLError(f"the query is nested too deeply; at most {self._limits.depth} levels are answered")]
        return errors or Prepared(document, Cost(self._schema, document), only_field(document))


def _is_subscription(document: DocumentNode, operation: str | None) -> bool:
    node = get_operation_ast(document, operation)
    return node is not None and node.operation is OperationType.SUBSCRIPTION


def _body(result: ExecutionResult, request_id: str) -> dict[str, Any]:
    body: dict[str, Any] = {"data": result.data}
    if result.errors:
        body["errors"] = [formatted(error, request_id) for error in result.errors]
    return body


def _before(result: ExecutionResult) -> bool:
    """Whether nothing was executed: a variable is wrong, or the operation is not there."""
    return bool(result.errors) and all(error.path is None for error in result.errors or ())
