"""What a query selects below a field, read ahead of the execution."""

from collections.abc import Iterator
from typing import Any

from graphql import (
    FieldNode,
    FragmentSpreadNode,
    GraphQLIncludeDirective,
    GraphQLResolveInfo,
    GraphQLSkipDirective,
    SelectionNode,
    SelectionSetNode,
    ValueNode,
    VariableNode,
    get_directive_values,
    value_from_ast_untyped,
)


def selected(info: GraphQLResolveInfo[Any], name: str) -> Iterator[dict[str, Any]]:
    """The arguments, as they were given, of each selection of a field right below the current one."""
    for node in info.field_nodes:
        if node.selection_set is not None:
            yield from _selected(info, node.selection_set, name)


def _selected(info: GraphQLResolveInfo[Any], selections: SelectionSetNode, name: str) -> Iterator[dict[str, Any]]:
    for node in selections.selections:
        if not _included(info, node):
            continue
        if isinstance(node, FieldNode):
            if node.name.value == name:
                yield {argument.name.value: _value(info, argument.value) for argument in node.arguments or ()}
            continue
        below = info.fragments[node.name.value] if isinstance(node, FragmentSpreadNode) else node
        inner = getattr(below, "selection_set", None)
        if inner is not None:
            yield from _selected(info, inner, name)


def _value(info: GraphQLResolveInfo[Any], node: ValueNode) -> Any:
    if isinstance(node, VariableNode):
        return info.variable_values.coerced.get(node.name.value)
    return value_from_ast_untyped(node)


def _included(info: GraphQLResolveInfo[Any], node: SelectionNode) -> bool:
    if not node.directives:
        return True
    skip = get_directive_values(GraphQLSkipDirective, node, info.variable_values)
    include = get_directive_values(GraphQLIncludeDirective, node, info.variable_values)
    return not (skip and skip["if"]) and not (include and not include["if"])
