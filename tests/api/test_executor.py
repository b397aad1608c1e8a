"""The shorter way gives what graphql-core's own executor gives, errors included."""

from types import SimpleNamespace
from typing import Any

import pytest
import strawberry
from graphql import execute_sync, parse
from hypothesis import given, settings
from hypothesis import strategies as st

from api.graphql.executor import PlainExecutor


@strawberry.interface
class Thing:
    name: str


@strawberry.type
class Part(Thing):
    name: str
    note: str | None
    size: float
    count: int | None
    part: "Part | None"
    sure: "Part"
    parts: list["Part"]
    loose: list["Part | None"] | None
    words: list[str] | None
    thing: Thing | None

    @strawberry.field
    def shout(self, times: int = 1) -> str:
        return self.name.upper() * times

    @strawberry.field
    def sized(self, above: float | None = None, is_sure: bool = False) -> list["Part"]:
        kept = [*self.parts, self.sure] if is_sure else self.parts
        return [part for part in kept if above is None or part.size > above]

    @strawberry.field
    def other(self, name: str) -> "Part | None":
        return self.part if name == "part" else self.sure

    @strawberry.field
    def sizes(self, only: list[int]) -> list[str]:
        return [f"{number}{self.name}" for number in only]

    @strawberry.field
    def place(self, info: strawberry.Info, prefix: str = "") -> str:
        return f"{prefix}{info.path.key}"


class Broken:
    """Raises for whatever is asked of it."""

    def __getattr__(self, name: str) -> Any:
        raise LookupError(name)


leaves = st.sampled_from(["a", "", None, 1, 1.5, float("nan"), True, "x" * 20, 10**12, ["a"], object()])


def parts(depth: int) -> st.SearchStrategy[Any]:
    """Objects with values that fit and values that do not."""
    inner = st.none() if depth == 0 else parts(depth - 1)
    some = st.lists(inner, max_size=2)
    values = dict.fromkeys(("name", "note", "size", "count"), leaves)
    nested = dict.fromkeys(("part", "sure", "thing"), inner)
    many = {name: st.one_of(some, st.none()) for name in ("parts", "loose")}
    words = st.one_of(st.none(), st.lists(leaves, max_size=2))
    whole = st.builds(Part, **values, **nested, **many, words=words)
    return st.one_of(whole, whole, whole, st.just(Broken()))


@strawberry.type
class Query:
    @strawberry.field
    def root(self, info: strawberry.Info) -> Part | None:
        found: Part | None = info.context.root
        return found

    @strawberry.field
    def roots(self, info: strawberry.Info) -> list[Part]:
        return [info.context.root] * 2


SCHEMA = strawberry.Schema(query=Query)._schema
QUERIES = [
    "{ root { name note size count words } }",
    "{ root { ...all part { ...all sure { ...all } } parts { ...all parts { name } } loose { ...all } } }",
    "{ roots { n: name name thing { name ... on Part { size } } sure { words } } again: root { __typename count } }",
    '{ root { sized { name } sure { sized(above: 1.2, isSure: true) { ...all other(name: "sure") { ...all } } } } }',
    'query($s: Boolean!) { root { other(name: "part") { name place } sizes(only: [1]) sized(isSure: $s) { size } } }',
    'query($n: Int) { root { shout(times: $n) sized(above: $n) { place(prefix: "at ") } } }',
    "query($n: Float! = 1.1) { roots { sized(above: $n) { name parts { shout } } } }",
    "query($s: Boolean!) { root { shout shout2: shout(times: 2) name @skip(if: $s) part { note @include(if: $s) } } }",
]
ALL = " fragment all on Part { name note size count words }"


@pytest.mark.parametrize("query", QUERIES)
@settings(max_examples=60, deadline=None)
@given(root=parts(2), switch=st.booleans())
def test_data_and_errors_are_those_of_the_general_way(query: str, root: Any, switch: bool) -> None:
    document = parse(query + (ALL if "...all" in query else ""))
    answers = []
    for executor in (None, PlainExecutor):
        result = execute_sync(
            SCHEMA,
            document,
            context_value=SimpleNamespace(root=root),
            variable_values={"s": switch, "n": 3} if switch else {"s": switch},
            executor_class=executor,
        )
        errors = [error.formatted for error in result.errors or ()]
        answers.append((result.data, errors))
    assert repr(answers[0]) == repr(answers[1])
