"""What the benchmark over HTTP asks is answered, and its floor answers with the same model."""

from pathlib import Path

import pytest
from served_shop import Client

from api import registry
from api.services.live import fresh_state
from benchmarks import load
from benchmarks.floor import first, read_histories
from benchmarks.http import ruled
from benchmarks.questions import Questions
from benchmarks.serving import Client as Sender
from gnn.artifact import load_artifact
from graph import connect


@pytest.fixture(scope="module")
def questions() -> Questions:
    return Questions([f"u{n}" for n in range(10, 20)], [("p4", "Red mug 4"), ("p5", "Blue lamp 5")])


def test_every_kind_of_question_is_answered(shop: Client, questions: Questions) -> None:
    for kind in questions.kinds:
        assert load.measured(lambda: Sender(shop.url), questions.of(kind, 3))["errors"] == 0, kind
    assert load.measured(lambda: Sender(shop.url), questions.mixed(20))["errors"] == 0
    assert len(questions.recorded) >= 3


def test_the_rules_of_the_benchmark_move_products_and_are_gone_afterwards(shop: Client, home: Path) -> None:
    query = "{ recommendations(audience: {}, first: 20) { edges { placement node { productId } } } }"
    before = shop.ask(query)
    with connect(f"embedded:{home / 'graph'}") as store:
        with ruled(store, [f"p{n}" for n in range(10)]):
            edges = shop.ask(query)["recommendations"]["edges"]
            assert (edges[2]["placement"], edges[2]["node"]["productId"]) == ("RULE", "p0")
            assert sum(edge["placement"] == "RULE" for edge in edges) > 1
        assert store.rules() == []
    assert shop.ask(query) == before


def test_the_floor_has_the_models_list_for_everybody_in_the_store(untouched: Path) -> None:
    with connect(f"embedded:{untouched / 'graph'}") as store:
        served = registry.served(untouched)
        assert served is not None
        state, histories = fresh_state(load_artifact(served), store), read_histories(store)
    bought = {row.product for row in histories["u3"] if row.behaviour == "purchase"}
    best = first(state, histories["u3"], 20)
    assert len(set(best)) == 20
    assert not bought & set(best)
    assert sum(int(product[1:]) % 2 for product in best[:5]) == 5  # odd users like odd products
