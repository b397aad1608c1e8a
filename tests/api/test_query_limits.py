"""What a query asks for is measured before it is executed."""

import time
from types import SimpleNamespace
from typing import Any

import pytest
import strawberry
from graphql import parse

from api.graphql.execution import Executor
from api.graphql.limits import ASSUMED, RANKING, Cost, Limits, depth
from api.graphql.schema import executable

NOBODY: Any = SimpleNamespace(request_id="", follow=None)


@strawberry.type
class Tag:
    name: str


@strawberry.type
class Page:
    title: str
    tags: list[Tag]

    @strawberry.field
    def parts(self, first: int | None = 5) -> list["Page"]:
        raise NotImplementedError

    @strawberry.field
    def pages(self, first: int | None = 20) -> "PageConnection":
        raise NotImplementedError


@strawberry.type
class Edge:
    node: Page


@strawberry.type
class PageConnection:
    edges: list[Edge]
    total: int


@strawberry.type
class Query:
    page: Page

    @strawberry.field
    def pages(self, first: int | None = 20) -> PageConnection:
        raise NotImplementedError

    @strawberry.field
    def explain(self, id: int) -> Page:  # noqa: A002
        raise NotImplementedError


TOY = strawberry.Schema(Query)._schema


def cost(query: str, **variables: object) -> int:
    return Cost(TOY, parse(query)).of(variables)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("{ model { version } }", 2),
        ("{ a: model { version } b: product(productId: 1) { similar { edges { rank } } } }", 4),
        (
            "{ product(productId: 1) { ...part } } fragment part on Product { categories { name } }",
            3,
        ),
        ("{ node(id: 1) { ... on Product { title } } }", 2),
        ("{ __schema { types { fields { type { ofType { ofType { name } } } } } } }", 0),
    ],
)
def test_depth_counts_fields_through_fragments_without_introspection(query: str, expected: int) -> None:
    assert depth(parse(query)) == expected


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("{ page { title } }", 2),
        ("{ page { tags { name } } }", 1 + 1 + ASSUMED),
        ("{ page { parts { title } } }", 1 + 1 + 5),
        ("{ page { parts(first: 3) { parts(first: 4) { title } } } }", 1 + 1 + 3 * (1 + 4)),
        ("{ pages(first: 3) { total } }", RANKING + 3),
        ("{ pages { edges { node { title } } } }", RANKING + 20 * 3),
        ("{ pages(first: 2) { edges { node { tags { name } } } } }", RANKING + 2 * (1 + 1 + 1 + ASSUMED)),
        ("{ pages(first: 1000000000) { total } }", RANKING + 100),
        ("{ pages(first: -1) { total } }", RANKING),
        ("{ page { pages { total } } }", 1 + RANKING + 20),
        ("{ explain(id: 1) { title } }", RANKING + 1),
        ("{ page { ...t ...t } } fragment t on Page { title tags { name } }", 1 + 2 * (1 + 1 + ASSUMED)),
        ("{ ... { page { title } } ... on Query { page { title } } }", 4),
        ("query a { page { title } } query b { pages(first: 1) { total } }", RANKING + 1),
    ],
)
def test_the_cost_of_a_query_is_known_by_hand(query: str, expected: int) -> None:
    assert cost(query) == expected


def test_the_cost_follows_the_variables() -> None:
    query = "query($n: Int = 7) { pages(first: $n) { total } }"
    measured = Cost(TOY, parse(query))
    assert measured.of({}) == RANKING + 7
    for given, counted in ((3, 3), (100, 100), (10**9, 100), (None, 20), ("x", 20), (True, 20)):
        assert measured.of({"n": given}) == RANKING + counted


def test_rankings_within_rankings_cost_more_than_is_answered() -> None:
    inner = "similar(first: 100) { edges { node { similar(first: 100) { edges { node { productId } } } } } }"
    query = f'{{ product(productId: "p1") {{ {inner} }} }}'
    found = Cost(executable(), parse(query)).of({})
    assert found > 40_000
    assert Limits().too_costly(found) is None
    deeper = query.replace("productId } } }", f"{inner} }} }} }}")
    assert Limits().too_costly(Cost(executable(), parse(deeper)).of({})) is not None


def test_a_full_page_with_all_its_reasons_can_be_asked_for() -> None:
    query = """{ recommendations(audience: {}, first: 100) { edges { rank score
        node { productId title categories { name } brand { name } price { amount } }
        explanation { prior contributions(first: 100) {
            kind value text because { behaviour product { title } } path { nodes { type keys names count } }
        } } } } }"""
    assert Limits().too_costly(Cost(executable(), parse(query)).of({})) is None


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("{" + " ".join(f"a{n}: page {{ title }}" for n in range(11)) + "}", "11 root fields wide; at most 10"),
        (
            "{ ...f ...f } fragment f on Query {" + " ".join(f"a{n}: page {{ title }}" for n in range(11)) + "}",
            "11 root fields wide; at most 10",
        ),
        ("{ page {" + " ".join(f"a{n}: title" for n in range(21)) + "} }", "21 aliases long; at most 20"),
        ("{ page { title" + " @include(if: true)" + " tags @skip(if: true) { name }" * 5 + "} }", "directives long"),
        ("{ page { parts { parts { parts { title } } } } }", "5 levels deep; at most 4"),
    ],
)
def test_what_is_too_wide_or_too_deep_is_refused(query: str, said: str) -> None:
    limits = Limits(depth=4, root_fields=10, aliases=20, directives=5)
    assert any(said in error.message for error in limits.broken_by(parse(query)))


FRAGMENTS = " ".join(f"fragment f{n} on Query {{ ...f{n + 1} ...f{n + 1} }}" for n in range(90))
SHAPES = {
    "deep": "{ a " * 1_900 + "}" * 1_900,
    "deep lists": "{ product(productId: " + "[" * 1_900 + "]" * 1_900 + ") { id } }",
    "aliases": "{" + " ".join(f"a{n}: model {{ version }}" for n in range(700)) + "}",
    "the same field": "{ model {" + " version" * 3_900 + "} }",
    "fragment cycle": "{ ...a } fragment a on Query { ...b } fragment b on Query { ...a }",
    "fragments doubled": "{ ...f0 } " + FRAGMENTS + " fragment f90 on Query { model { version } }",
    "directives": "{ model" + " @include(if: true)" * 500 + " { version } }",
    "unknown directives": "{ model " + "@a " * 1_900 + "{ version } }",
    "introspection": "{ __schema { types { " + "fields { type { " * 4 + "name" + " } }" * 4 + " } } }",
    "many operations": " ".join(f"query q{n} {{ model {{ version }} }}" for n in range(500)),
    "tokens": "{" + " model { version }" * 2_000 + "}",
    "many variables": "query(" + " ".join(f"$v{n}: Int" for n in range(900)) + ") { model { version } }",
}


@pytest.mark.parametrize("shape", SHAPES)
def test_known_shapes_that_deny_service_are_refused_soon(shape: str) -> None:
    executor = Executor(executable(), Limits())
    began = time.perf_counter()
    outcome = executor.execute(SHAPES[shape], {}, "none", NOBODY)
    seconds = time.perf_counter() - began
    assert outcome.status == 400
    assert outcome.body["errors"][0]["extensions"]["code"] in ("GRAPHQL_VALIDATION_FAILED", "BAD_USER_INPUT")
    assert len(outcome.body["errors"]) <= 11
    assert seconds < 5, seconds


def test_without_introspection_the_schema_is_neither_told_nor_suggested() -> None:
    hidden, told = (Executor(executable(), Limits(introspection=given)) for given in (False, True))
    for query in ("{ __schema { queryType { name } } }", '{ __type(name: "Query") { name } }'):
        assert hidden.execute(query, {}, None, None).status == 400  # type: ignore[arg-type]
        assert told.execute(query, {}, None, NOBODY).body["data"]
    for query, name in (
        ("{ modell { version } }", "model"),
        ("query($a: AudienceInpu) { model { version } }", "AudienceInput"),
        ("{ product(produktId: 1) { id } }", "productId"),
    ):
        assert "Did you mean" in str(told.execute(query, {}, None, NOBODY).body)
        answer = hidden.execute(query, {}, None, NOBODY)
        assert "Did you mean" not in str(answer.body)
        assert f"'{name}'" not in str(answer.body)


def test_texts_that_are_long_are_not_kept() -> None:
    executor = Executor(executable(), Limits())
    for number in range(3):
        executor.execute("{ __typename } #" + str(number) * 30_000, {}, None, NOBODY)
    executor.execute("{ __typename }", {}, None, NOBODY)
    assert list(executor._documents) == ["{ __typename }"]
