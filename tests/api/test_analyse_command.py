"""`pathrec analyse`: from the graph to what queries can ask, and back."""

import json

from graph import Store
from graph.library import saved_query
from tests.graph.shop_tables import fill
from tests.support.commands import pathrec


def said(*arguments: object) -> dict[str, object]:
    done = pathrec("analyse", *arguments, "--json", "-")
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def test_an_analysis_is_there_to_be_asked_about_until_it_is_undone(embedded_store: Store) -> None:
    fill(embedded_store)
    asked = saved_query("communities").query({})
    assert embedded_store.read(asked) == []
    run = said("--store", embedded_store.url, "--way", "CO_BUYER")
    assert (run["products"], run["communities"], run["way"]) == (3, 1, "CO_BUYER")
    assert [row["products"] for row in embedded_store.read(asked)] == [3]
    assert said("--store", embedded_store.url)["run"] == run["run"]
    assert said("--store", embedded_store.url, "--undo") == {"undone": run["run"]}
    assert embedded_store.read(asked) == []
    assert said("--store", embedded_store.url, "--undo") == {"undone": None}


def test_a_way_that_the_shop_does_not_have_is_answered_with_those_it_has(embedded_store: Store) -> None:
    done = pathrec("analyse", "--store", embedded_store.url, "--way", "CO_BYER")
    assert done.returncode == 1
    assert "Did you mean CO_BUYER?" in done.stderr
