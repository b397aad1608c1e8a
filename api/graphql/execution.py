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
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLSchema,
    Node,
    OperationDefinitionNode,
    OperationType,
    execute_sync,
    get_operation_ast,
    parse,
    validate,
)

from api.graphql.context import Context
from api.graphql.errors import formatted, refused
from api.graphql.executor import PlainExecutor

_KEPT = 500
_MAX_TOKENS = 4_000


@dataclass(frozen=True)
class Outcome:
    """A response body and its HTTP status."""

    body: dict[str, Any]
    status: int = 200


class Executor:
    """Executes GraphQL requests against one schema."""

    def __init__(self, schema: GraphQLSchema, *, max_depth: int) -> None:
        self._schema = schema
        self._max_depth = max_depth
        self._documents: OrderedDict[str, DocumentNode | list[GraphQLError]] = OrderedDict()
        self._lock = Lock()

    def execute(self, query: str, variables: dict[str, Any] | None, operation: str | None, context: Context) -> Outcome:
        """Answers one request. Never raises."""
        document = self._document(query)
        if isinstance(document, list):
            return Outcome({"errors": refused(document)}, 400)
        if context.follow is None and _is_subscription(document, operation):
            return Outcome({"errors": refused([GraphQLError("subscribe over a WebSocket: graphql-transport-ws")])}, 400)
        result = execute_sync(
            self._schema,
            document,
            context_value=context,
            variable_values=variables,
            operation_name=operation,
            executor_class=PlainExecutor,
        )
        return Outcome(
            _body(result, context.request_id), 200 if result.data is not None or not _before(result) else 400
        )

    def subscribes(self, query: str, operation: str | None) -> bool:
        """Whether a request is a valid subscription."""
        document = self._document(query)
        return not isinstance(document, list) and _is_subscription(document, operation)

    def _document(self, query: str) -> DocumentNode | list[GraphQLError]:
        with self._lock:
            known = self._documents.get(query)
            if known is not None:
                self._documents.move_to_end(query)
                return known
        checked = self._checked(query)
        with self._lock:
            self._documents[query] = checked
            while len(self._documents) > _KEPT:
                self._documents.popitem(last=False)
        return checked

    def _checked(self, query: str) -> DocumentNode | list[GraphQLError]:
        try:
            document = parse(query, max_tokens=_MAX_TOKENS)
        except GraphQLError as error:
            return [error]
        errors = validate(self._schema, document, max_errors=10)
        if not errors and (deepest := depth(document)) > self._max_depth:
            errors = [GraphQLError(f"the query is {deepest} levels deep; at most {self._max_depth} are answered")]
        return errors or document


def _is_subscription(document: DocumentNode, operation: str | None) -> bool:
    node = get_operation_ast(document, operation)
    return node is not None and node.operation is OperationType.SUBSCRIPTION


def depth(document: DocumentNode) -> int:
    """How deep the fields of a valid document are nested; introspection does not count."""
    fragments = {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}
    known: dict[str, int] = {}

    def below(node: Node) -> int:
        if isinstance(node, FragmentSpreadNode):
            name = node.name.value
            if name not in known:
                known[name] = below(fragments[name])
            return known[name]
        if isinstance(node, FieldNode) and node.name.value.startswith("__"):
            return 0
        selections = getattr(node, "selection_set", None)
        inner = max((below(child) for child in selections.selections), default=0) if selections else 0
        return inner + isinstance(node, FieldNode)

    operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    return max((below(operation) for operation in operations), default=0)


def _body(result: ExecutionResult, request_id: str) -> dict[str, Any]:
    body: dict[str, Any] = {"data": result.data}
    if result.errors:
        body["errors"] = [formatted(error, request_id) for error in result.errors]
    return body


def _before(result: ExecutionResult) -> bool:
    """Whether nothing was executed: a variable is wrong, or the operation is not there."""
    return bool(result.errors) and all(error.path is None for error in result.errors or ())
