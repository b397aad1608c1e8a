"""How many questions a request puts to the store: a constant, however long its lists are."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from served_shop import NOW, event

from api.encoding import picture_encoder, text_encoder
from api.graphql.context import Context
from api.graphql.execution import Executor
from api.graphql.limits import Limits
from api.graphql.schema import executable
from api.runtime import assemble
from api.services.callers import Caller, Role
from api.services.shop import Shop
from api.settings import Settings
from graph import connect
from graph.connection import Connection
from schema.tables import EVENTS

# Some products of forty, and so many that those beside them are among them and known already.
FEW, MANY = (2, 5), 30
SERVER, VISITOR = (Caller(frozenset({role}), user="u1") for role in (Role.SERVER, Role.STOREFRONT))
CARD = "productId title price { amount } categories { name } brand { name }"
WHY = "explanation { score contributions(first: 3) { text because { product { title } } path { nodes { names } } } }"


@pytest.fixture(scope="module")
def served(untouched: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    home = Path(shutil.copytree(untouched, tmp_path_factory.mktemp("asked") / "home"))
    settings = Settings(home=home)
    with connect(f"embedded:{home / 'graph'}") as store:
        shop = assemble(
            settings,
            store,
            text_encoder(None, home / "cache", home),
            picture_encoder(None, home / "cache", settings.images, allow_private=False),
        )
        shop.live.follow()
        assert shop.live.problem is None
        looked = [{"id": f"look{n}", "user": "looker", "product": f"p{n}", "behaviour": "view"} for n in range(30)]
        store.record_events(pa.Table.from_pylist([row | {"time": NOW} for row in looked], schema=EVENTS))
        yield shop


@pytest.fixture
def asked(served: Shop, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """Executes a query, and says how often it asked the store once what is kept is there."""
    executor, count = Executor(executable(), Limits()), [0]
    plain = Connection._attempt

    def counting(self: Connection, work: Any, write: bool) -> Any:
        count[0] += 1
        return plain(self, work, write)

    monkeypatch.setattr(Connection, "_attempt", counting)

    def ask(query: str, caller: Caller = SERVER, **variables: Any) -> int:
        counts = []
        for _ in range(3):  # names are kept for a minute, and in each new one what happened is read once
            count[0] = 0
            context = Context(served, "test", caller)
            body = executor.execute(query, variables, None, context).body
            assert "errors" not in body, body["errors"]
            counts.append(count[0])
        return min(counts)

    return ask


def costs(asked: Callable[..., int], query: str, expected: int) -> None:
    """A page costs so many questions, and a long one no more."""
    assert [asked(query, n=n) for n in FEW] == [expected] * len(FEW)
    assert asked(query, n=MANY) <= expected


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ("asOf", 1),
        (f"edges {{ node {{ {CARD} }} }}", 2),
        # The history; the cards of the list; those of the reasons' products.
        (f"edges {{ node {{ {CARD} }} {WHY} }}", 3),
        (f"edges {{ node {{ {CARD} boughtTogether(first: 3) {{ edges {{ node {{ {CARD} }} }} }} }} {WHY} }}", 5),
        (f"edges {{ node {{ {CARD} similar(first: 3) {{ edges {{ node {{ {CARD} }} }} }} }} }}", 4),
        (f"edges {{ node {{ {CARD} complements(first: 3) {{ edges {{ node {{ {CARD} }} {WHY} }} }} }} }}", 4),
        # The history; the rules as they are now; the lists; their cards.
        ('edges { node { related(relation: "MADE_BY", first: 3) { edges { node { title } } } } }', 4),
    ],
)
def test_a_page_costs_the_same_however_long_it_is(asked: Callable[..., int], fields: str, expected: int) -> None:
    query = f'query($n: Int) {{ recommendations(audience: {{userId: "u0"}}, first: $n) {{ {fields} }} }}'
    costs(asked, query, expected)


def test_lists_beside_the_products_of_lists_beside_products_cost_one_more(asked: Callable[..., int]) -> None:
    inner = "boughtTogether(first: 3) { edges { node { title } } }"
    query = f"""query($n: Int) {{ products(first: $n, sortKey: PRICE_ASC) {{ edges {{ node {{ title
        boughtTogether(first: 3) {{ edges {{ node {{ title {inner} }} }} }} }} }} }} }}"""
    costs(asked, query, 4)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("query($n: Int) { products(first: $n, sortKey: TITLE) { edges { node { title } } } }", 2),
        ("query($n: Int) { products(first: $n) { totalCount edges { node { title brand { name } } } } }", 2),
        ("query($n: Int) { trending(first: $n) { edges { demand { counted } node { title } } } }", 2),
        (
            'query($n: Int) { continueShopping(audience: {userId: "looker"}, first: $n) { edges { node { title } } } }',
            2,
        ),
        (
            'query($n: Int) { category(categoryId: "mug") { products(first: $n) { edges { node { title } } } } }',
            2,
        ),
    ],
)
def test_a_plain_list_is_two_questions_at_most(asked: Callable[..., int], query: str, expected: int) -> None:
    costs(asked, query, expected)


def test_entities_of_a_gateway_are_asked_for_together(asked: Callable[..., int]) -> None:
    query = """query($r: [_Any!]!) { _entities(representations: $r) { ... on Product { productId
        boughtTogether(first: 3) { edges { score node { productId } } } } } }"""
    for count in (2, 30):
        given = [{"__typename": "Product", "productId": f"p{n}"} for n in range(count)]
        assert asked(query, r=given) == 2


def test_whose_sessions_are_is_one_question_for_a_storefront_and_none_for_others(asked: Callable[..., int]) -> None:
    recommend = '{ recommendations(audience: {sessionId: "s"}, first: 3) { asOf } }'
    assert [asked(recommend, SERVER), asked(recommend, VISITOR)] == [1, 2]
    nobodys = '{ recommendations(audience: {userId: "u1"}, first: 3) { asOf } }'
    assert asked(nobodys, VISITOR) == 1
    record = "mutation($e: [EventInput!]!) { recordEvents(events: $e) { accepted } }"
    for count in (1, 50):
        events = [event("p1", "view", sessionId=f"s{n}", eventId=f"own {n}") for n in range(count)]
        assert asked(record, VISITOR, e=events) == asked(record, SERVER, e=events) + 1


def test_whose_answers_are_is_one_question_for_a_storefront_and_none_for_others(asked: Callable[..., int]) -> None:
    record = "mutation($e: [EventInput!]!) { recordEvents(events: $e) { accepted } }"
    for count in (1, 50):
        follows = [{"eventId": f"follows {n}", "recommendationId": f"r{n}"} for n in range(count)]
        events = [event("p1", "view", userId="u1", **one) for one in follows]
        assert asked(record, VISITOR, e=events) == asked(record, SERVER, e=events) + 1
