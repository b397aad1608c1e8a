"""graphql-core's executor with a shorter way for plain attributes.

A page of explanations has some two thousand fields, nearly all of them attributes of objects that
are there already. For those the general way (arguments, resolve info, middleware, awaitables) costs
ten times the work itself. Every field that is not plain takes the general way, as does every value
that leads to an error, so that errors are located and propagated by graphql-core alone.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

from graphql import (
    Executor,
    GraphQLLeafType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    Undefined,
    is_leaf_type,
)
from graphql.pyutils import Path
from strawberry.schema.schema_converter import GraphQLCoreConverter


@dataclass(frozen=True, slots=True)
class Plain:
    """A field whose value is an attribute: a leaf, an object, or a list of either without nulls."""

    attribute: str
    required: bool
    many: bool
    coerce: Callable[[Any], Any]
    object_type: GraphQLObjectType | None


class PlainExecutor(Executor[Any]):
    """Executes synchronous operations."""

    def execute_fields(
        self,
        parent_type: GraphQLObjectType,
        source_value: Any,
        path: Path | None,
        grouped_field_set: dict[str, Any],
        position_context: Any,
    ) -> dict[str, Any]:
        """The results of a selection set, by response name."""
        results: dict[str, Any] = {}
        for response_name, details in grouped_field_set.items():
            plain = _plain(parent_type, details[0].node.name.value)
            value = _ABSENT if plain is None else _value(plain, source_value)
            if plain is None or value is _ABSENT:
                field_path = Path(path, response_name, parent_type.name)
                value = self.execute_field(parent_type, source_value, details, field_path, position_context)
                if value is Undefined:
                    continue
            elif plain.object_type is not None and value is not None:
                value = self._objects(
                    plain, plain.object_type, value, details, Path(path, response_name, parent_type.name)
                )
            results[response_name] = value
        return results

    def _objects(self, plain: Plain, kind: GraphQLObjectType, value: Any, details: Any, path: Path) -> Any:
        try:
            if not plain.many:
                return self.collect_and_execute_subfields(kind, details, path, value, None)
            return [
                self.collect_and_execute_subfields(kind, details, path.add_key(index), item, None)
                for index, item in enumerate(value)
            ]
        except Exception as error:
            # The type decides as in `execute_field`: an error of a required field goes up, others end here.
            wanted: Any = GraphQLNonNull(kind) if plain.required else kind
            self.handle_field_error(error, wanted, details, path)
            return None


_ABSENT = object()


def _value(plain: Plain, source: Any) -> Any:
    """The value as it goes into the answer, an object as it is; `_ABSENT` where the general way must be taken."""
    try:
        value = getattr(source, plain.attribute)
        if value is None:
            return _ABSENT if plain.required else None
        if plain.object_type is not None:
            fits = (
                all(_is_of(plain.object_type, item) for item in value)
                if plain.many
                else _is_of(plain.object_type, value)
            )
            return value if fits else _ABSENT
        return [plain.coerce(item) for item in value] if plain.many else plain.coerce(value)
    except Exception:
        return _ABSENT


def _is_of(kind: GraphQLObjectType, value: Any) -> bool:
    # Strawberry's checks look at the value only, so there is no resolve info to make for them.
    return value is not None and (kind.is_type_of is None or bool(kind.is_type_of(value, None)))  # type: ignore[arg-type]


@cache
def _plain(parent: GraphQLObjectType, name: str) -> Plain | None:
    """How a field is read, None if it is not plain; worked out once for each field of the schema."""
    field = parent.fields.get(name)
    known = field.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF) if field is not None else None
    if field is None or known is None or not known.is_basic_field:
        return None
    required, inner = _unwrapped(field.type)
    many = isinstance(inner, GraphQLList)
    if many:
        without_nulls, inner = _unwrapped(inner.of_type)
        if not without_nulls:
            return None
    if is_leaf_type(inner):
        return Plain(known.python_name, required, many, _coercion(inner), None)
    if isinstance(inner, GraphQLObjectType):
        return Plain(known.python_name, required, many, lambda value: value, inner)
    return None


def _unwrapped(kind: Any) -> tuple[bool, Any]:
    return (True, kind.of_type) if isinstance(kind, GraphQLNonNull) else (False, kind)


def _coercion(kind: GraphQLLeafType) -> Callable[[Any], Any]:
    def coerce(value: Any) -> Any:
        coerced = kind.coerce_output_value(value)
        if coerced is None or coerced is Undefined:
            raise TypeError(f"{kind} cannot be {value!r}")
        return coerced

    return coerce
