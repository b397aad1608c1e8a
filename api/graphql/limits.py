"""What a query may ask for, measured before any of it is executed: depth, width, and an estimate of its cost.

The cost is about the number of values in the answer. What stands below a field with `first` counts that many times,
below any other list `ASSUMED` times; a ranking is worked out whole and counts `RANKING`, however little of it is shown.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from graphql import (
    ArgumentNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    Node,
    OperationDefinitionNode,
    SelectionSetNode,
    Undefined,
    VariableNode,
    get_named_type,
)

ASSUMED = 5
RANKING = 100
MOST = 100
"""No list gives more than this at a time."""
_FIRST = "first"
_CONNECTION = "Connection"
_RANKED = {"explain", "counterfactual"}  # they rank all products as well


@dataclass(frozen=True)
class Limits:
    """The most that one query may have."""

    depth: int = 12
    root_fields: int = 50
    aliases: int = 100
    directives: int = 50
    complexity: int = 1_000_000
    introspection: bool = True

    def broken_by(self, document: DocumentNode) -> list[GraphQLError]:
        """What of a valid document is too much, its cost left aside; it depends on variables."""
        nodes = list(walked(document))
        found = {
            "levels deep": (depth(document), self.depth),
            "root fields wide": (
                max((len(_root_fields(document, each)) for each in _operations(document)), default=0),
                self.root_fields,
            ),
            "aliases long": (sum(isinstance(n, FieldNode) and n.alias is not None for n in nodes), self.aliases),
            "directives long": (sum(len(getattr(n, "directives", None) or ()) for n in nodes), self.directives),
        }
        return [
            GraphQLError(f"the query is {number} {unit}; at most {most} are answered")
            for unit, (number, most) in found.items()
            if number > most
        ]

    def too_costly(self, found: int) -> GraphQLError | None:
        """What to say of a query's cost; None if it is bearable."""
        if found <= self.complexity:
            return None
        return GraphQLError(
            f"the query costs {found}; at most {self.complexity} are answered: ask for fewer or for less of each"
        )


def depth(document: DocumentNode) -> int:
    """How deep the fields of a valid document are nested; introspection does not count."""
    fragments = _fragments(document)
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

    return max((below(operation) for operation in _operations(document)), default=0)


class Cost:
    """The cost of one valid document, by the values of its variables."""

    _KEPT = 32

    def __init__(self, schema: GraphQLSchema, document: DocumentNode) -> None:
        self._schema = schema
        self._operations = _operations(document)
        self._fragments = _fragments(document)
        self._names = sorted({name for node in walked(document) if (name := _variable_of_first(node)) is not None})
        self._known: dict[tuple[Any, ...], int] = {}

    def of(self, variables: Mapping[str, Any]) -> int:
        """The cost of the document's costliest operation."""
        key = tuple(_length(variables[name]) if name in variables else Undefined for name in self._names)
        if key not in self._known:
            if len(self._known) >= self._KEPT:
                self._known.clear()
            self._known[key] = max((self._operation(each, variables) for each in self._operations), default=0)
        return self._known[key]

    def _operation(self, operation: OperationDefinitionNode, variables: Mapping[str, Any]) -> int:
        defaults = {
            given.variable.name.value: int(given.default_value.value)
            for given in operation.variable_definitions or ()
            if isinstance(given.default_value, IntValueNode)
        }
        root = self._schema.get_root_type(operation.operation)
        return _Sum(self._schema, self._fragments, {**defaults, **variables}).below(
            root, operation.selection_set, False
        )


class _Sum:
    """The cost of selections for one set of variables; a fragment is added up once for each type it is used on."""

    def __init__(
        self, schema: GraphQLSchema, fragments: Mapping[str, FragmentDefinitionNode], variables: Mapping[str, Any]
    ) -> None:
        self._schema = schema
        self._fragments = fragments
        self._variables = variables
        self._known: dict[tuple[str, bool], int] = {}

    def below(self, kind: Any, selections: SelectionSetNode | None, counted: bool) -> int:
        """The cost of what is selected on a type; `counted`: its lists are those of a connection above."""
        return sum(self._selection(kind, node, counted) for node in selections.selections) if selections else 0

    def _selection(self, kind: Any, node: Node, counted: bool) -> int:
        if isinstance(node, FragmentSpreadNode):
            return self._fragment(node.name.value, counted)
        if isinstance(node, FieldNode):
            fields = kind.fields if isinstance(kind, GraphQLObjectType | GraphQLInterfaceType) else {}
            field = fields.get(node.name.value)
            return 1 if field is None else self._field(field, node, counted)
        condition = getattr(node, "type_condition", None)
        inner = self._schema.get_type(condition.name.value) if condition else kind
        return self.below(inner, getattr(node, "selection_set", None), counted)

    def _fragment(self, name: str, counted: bool) -> int:
        if (name, counted) not in self._known:
            fragment = self._fragments[name]
            inner = self._schema.get_type(fragment.type_condition.name.value)
            self._known[name, counted] = self.below(inner, fragment.selection_set, counted)
        return self._known[name, counted]

    def _field(self, field: GraphQLField, node: FieldNode, counted: bool) -> int:
        kind = get_named_type(field.type)
        paged = _FIRST in field.args
        is_list = isinstance(field.type.of_type if isinstance(field.type, GraphQLNonNull) else field.type, GraphQLList)
        many = self._first(field, node) if paged else ASSUMED if is_list and not counted else 1
        ranked = (paged and kind.name.endswith(_CONNECTION)) or node.name.value in _RANKED
        return (RANKING if ranked else 1) + many * self.below(kind, node.selection_set, paged and not is_list)

    def _first(self, field: GraphQLField, node: FieldNode) -> int:
        given: Any = Undefined
        for argument in node.arguments or ():
            if argument.name.value == _FIRST:
                value = argument.value
                literal = int(value.value) if isinstance(value, IntValueNode) else None
                given = self._variables.get(value.name.value) if isinstance(value, VariableNode) else literal
        found = _length(given)
        default = _length(field.args[_FIRST].default_value)
        return found if found is not None else default if default is not None else MOST


def walked(node: Node) -> Iterator[Node]:
    """A node and all below it, without recursion."""
    waiting = [node]
    while waiting:
        node = waiting.pop()
        yield node
        for key in node.keys:
            value = getattr(node, key, None)
            if isinstance(value, Node):
                waiting.append(value)
            elif isinstance(value, tuple | list):
                waiting.extend(each for each in value if isinstance(each, Node))


def _operations(document: DocumentNode) -> list[OperationDefinitionNode]:
    return [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]


def _fragments(document: DocumentNode) -> dict[str, FragmentDefinitionNode]:
    return {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}


def only_field(document: DocumentNode) -> str:
    """Name of the field that a valid document asks for, "several" if there are more."""
    names = {name for operation in _operations(document) for name in _root_fields(document, operation)}
    return names.pop() if len(names) == 1 else "several"


def _root_fields(document: DocumentNode, operation: OperationDefinitionNode) -> list[str]:
    """Those in fragments too; each fragment once, as it is executed."""
    fragments, seen = _fragments(document), set[str]()

    def within(selections: SelectionSetNode) -> Iterator[str]:
        for node in selections.selections:
            if isinstance(node, FieldNode):
                yield node.name.value
            elif isinstance(node, InlineFragmentNode):
                yield from within(node.selection_set)
            elif isinstance(node, FragmentSpreadNode) and node.name.value not in seen:
                seen.add(node.name.value)
                yield from within(fragments[node.name.value].selection_set)

    return list(within(operation.selection_set))


def _length(given: Any) -> int | None:
    """How long a list of `first` can become; None if nothing usable was given, which is refused later."""
    return min(max(given, 0), MOST) if isinstance(given, int) and not isinstance(given, bool) else None


def _variable_of_first(node: Node) -> str | None:
    if isinstance(node, ArgumentNode) and node.name.value == _FIRST and isinstance(node.value, VariableNode):
        return node.value.name.value
    return None
