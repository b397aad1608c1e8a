"""graphql-core's executor with a shorter way for plain fields.

A page of explanations has some two thousand fields, nearly all of them attributes of objects that
are there already, or methods that take a number or a word. For those the general way (arguments,
resolve info, middleware, awaitables) costs ten times the work itself. Every field that is not plain
takes the general way, as does every value that does not fit its type, so that errors are located and
propagated by graphql-core alone.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from inspect import isfunction
from math import isfinite
from typing import Any

from graphql import (
    Executor,
    GraphQLBoolean,
    GraphQLField,
    GraphQLFloat,
    GraphQLID,
    GraphQLInt,
    GraphQLLeafType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLString,
    Undefined,
    is_leaf_type,
)
from graphql.execution.values import get_argument_values
from graphql.pyutils import Path
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.types.field import StrawberryField
from strawberry.types.fields.resolver import StrawberryResolver

_WORDS: dict[GraphQLLeafType, type] = {GraphQLString: str, GraphQLID: str, GraphQLBoolean: bool}
_NUMBERS_AND_WORDS = (GraphQLInt, GraphQLFloat, GraphQLString, GraphQLBoolean)


@dataclass(frozen=True, slots=True)
class Plain:
    """A field whose value is an attribute, or comes from a method that needs nothing but plain arguments.

    It is a leaf, an object, or a list of either without nulls. `arguments` are the method's names by those of the
    schema.
    """

    attribute: str
    method: Callable[..., Any] | None
    arguments: Mapping[str, str]
    required: bool
    many: bool
    coerce: Callable[[Any], Any]
    object_type: GraphQLObjectType | None


@dataclass(slots=True)
class Step:
    """One field of a selection set in one execution, the same for each object that it is selected of.

    `field` is what the schema knows of it, `given` the arguments of its method.
    """

    name: str
    details: Any
    field: Any
    plain: Plain | None
    given: dict[str, Any]


class PlainExecutor(Executor[Any]):
    """Executes synchronous operations."""

    @cached_property
    def _known(self) -> dict[int, tuple[dict[str, Any], list[Step]]]:
        """Steps by the identity of their selection set, which is kept with them so that it stays the same."""
        return {}

    def execute_fields(
        self,
        parent_type: GraphQLObjectType,
        source_value: Any,
        path: Path | None,
        grouped_field_set: dict[str, Any],
        position_context: Any,
    ) -> dict[str, Any]:
        """The results of a selection set, by response name."""
        steps = self._steps(parent_type, grouped_field_set)
        return self._results(parent_type, source_value, path, steps, position_context)

    def _steps(self, parent: GraphQLObjectType, selected: dict[str, Any]) -> list[Step]:
        known = self._known.get(id(selected))
        if known is None:
            steps = [self._step(parent, name, details) for name, details in selected.items()]
            known = self._known[id(selected)] = selected, steps
        return known[1]

    def _step(self, parent: GraphQLObjectType, name: str, details: Any) -> Step:
        first = details[0]
        known = parent.fields.get(first.node.name.value)
        plain = _plain(parent, first.node.name.value)
        step = Step(name, details, known, plain, {})
        if plain is not None and plain.method is not None and known is not None:
            try:
                given = get_argument_values(known, first.node, self.variable_values, first.fragment_variable_values)
                step.given = {plain.arguments[argument]: value for argument, value in given.items()}
            except Exception:
                step.plain = None  # the general way says what is wrong
        return step

    def _results(
        self, parent: GraphQLObjectType, source: Any, path: Path | None, steps: list[Step], position: Any = None
    ) -> dict[str, Any]:
        results: dict[str, Any] = {}
        for step in steps:
            value = self._result(parent, source, path, step, position)
            if value is not Undefined:
                results[step.name] = value
        return results

    def _result(self, parent: GraphQLObjectType, source: Any, path: Path | None, step: Step, position: Any) -> Any:
        plain = step.plain
        if plain is not None and plain.method is not None:
            return self._called(plain, plain.method, step, source, parent, Path(path, step.name, parent.name))
        value = _ABSENT if plain is None else _value(plain, source)
        if value is _ABSENT:
            return self.execute_field(parent, source, step.details, Path(path, step.name, parent.name), position)
        if plain is None or plain.object_type is None or value is None:
            return value
        return self._objects(plain, plain.object_type, value, step, Path(path, step.name, parent.name))

    def _called(
        self, plain: Plain, method: Callable[..., Any], step: Step, source: Any, parent: GraphQLObjectType, path: Path
    ) -> Any:
        """What a method gives, completed; it is called once, so what does not fit is completed as it is."""
        known = step.field
        try:
            found = method(source, **step.given)
            value = _fitting(plain, found)
            if value is _ABSENT:
                info = self.build_resolve_info(known, [part.node for part in step.details], parent, path)
                return self.complete_value(known.type, step.details, info, path, found, None)
        except Exception as error:
            self.handle_field_error(error, known.type, step.details, path)
            return None
        if plain.object_type is None or value is None:
            return value
        return self._objects(plain, plain.object_type, value, step, path)

    def _objects(self, plain: Plain, kind: GraphQLObjectType, value: Any, step: Step, path: Path) -> Any:
        try:
            steps = self._steps(kind, self.collect_subfields(kind, step.details)[0])
            if not plain.many:
                return self._results(kind, value, path, steps)
            return [self._results(kind, item, path.add_key(index), steps) for index, item in enumerate(value)]
        except Exception as error:
            # The type decides as in `execute_field`: an error of a required field goes up, others end here.
            self.handle_field_error(error, step.field.type, step.details, path)
            return None


_ABSENT = object()


def _value(plain: Plain, source: Any) -> Any:
    """The value as it goes into the answer, an object as it is; `_ABSENT` where the general way must be taken."""
    try:
        return _fitting(plain, getattr(source, plain.attribute))
    except Exception:
        return _ABSENT


def _fitting(plain: Plain, value: Any) -> Any:
    """A value that fits its type, leaves as they go into the answer; `_ABSENT` for any other."""
    if value is None:
        return _ABSENT if plain.required else None
    kind = plain.object_type
    try:
        if kind is None:
            return [plain.coerce(item) for item in value] if plain.many else plain.coerce(value)
        fits = all(_is_of(kind, item) for item in value) if plain.many else _is_of(kind, value)
    except Exception:
        return _ABSENT
    return value if fits else _ABSENT


def _is_of(kind: GraphQLObjectType, value: Any) -> bool:
    # Strawberry's checks look at the value only, so there is no resolve info to make for them.
    return value is not None and (kind.is_type_of is None or bool(kind.is_type_of(value, None)))  # type: ignore[arg-type]


@cache
def _plain(parent: GraphQLObjectType, name: str) -> Plain | None:
    """How a field is read, None if it is not plain; worked out once for each field of the schema."""
    field = parent.fields.get(name)
    known = field.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF) if field is not None else None
    if field is None or known is None or known.extensions:
        return None
    method = None if known.base_resolver is None else _method(known.base_resolver)
    arguments = _arguments(field, known)
    if arguments is None or (method is None and known.base_resolver is not None):
        return None
    required, inner = _unwrapped(field.type)
    many = isinstance(inner, GraphQLList)
    if many:
        without_nulls, inner = _unwrapped(inner.of_type)
        if not without_nulls:
            return None
    if is_leaf_type(inner):
        return Plain(known.python_name, method, arguments, required, many, _coercion(inner), None)
    if isinstance(inner, GraphQLObjectType):
        return Plain(known.python_name, method, arguments, required, many, lambda value: value, inner)
    return None


def _method(resolver: StrawberryResolver[Any]) -> Callable[..., Any] | None:
    """The function behind a resolver; None if it wants more than its object and arguments."""
    wants_more = resolver.info_parameter or resolver.root_parameter or resolver.parent_parameter
    simple = resolver.self_parameter is not None and not wants_more and not resolver.is_async
    return resolver.wrapped_func if simple and isfunction(resolver.wrapped_func) else None


def _arguments(field: GraphQLField, known: StrawberryField) -> dict[str, str] | None:
    """The method's names of arguments by the schema's; None if one is more than a number or a word."""
    if not all(_unwrapped(argument.type)[1] in _NUMBERS_AND_WORDS for argument in field.args.values()):
        return None
    return {name: argument.python_name for name, argument in zip(field.args, known.arguments, strict=True)}


def _unwrapped(kind: Any) -> tuple[bool, Any]:
    return (True, kind.of_type) if isinstance(kind, GraphQLNonNull) else (False, kind)


def _coercion(kind: GraphQLLeafType) -> Callable[[Any], Any]:
    same = _WORDS.get(kind)

    def coerce(value: Any) -> Any:
        if type(value) is same or (kind is GraphQLFloat and type(value) is float and isfinite(value)):
            return value
        coerced = kind.coerce_output_value(value)
        if coerced is None or coerced is Undefined:
            raise TypeError(f"{kind} cannot be {value!r}")
        return coerced

    return coerce
