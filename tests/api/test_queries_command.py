"""`pathrec queries`: what there is to ask."""

import json

from graph import Store
from graph.library import saved_queries, saved_query
from tests.graph.shop_tables import fill
from tests.support.commands import pathrec


def test_all_saved_queries_are_listed_with_their_questions() -> None:
    done = pathrec("queries")
    assert done.returncode == 0
    for saved in saved_queries().values():
        assert saved.name in done.stdout
        assert saved.title in done.stdout
        assert saved.question in done.stdout


def test_one_is_shown_with_parameters_text_and_an_example() -> None:
    saved = saved_query("last-buyers")
    shown = pathrec("queries", "last-buyers").stdout
    assert "limit (whole): the most rows [default: 20]" in shown
    assert saved.text in shown
    assert all(str(value) in shown for row in saved.rows for value in row.values())


def test_both_are_there_as_json() -> None:
    listed = json.loads(pathrec("queries", "--json", "-").stdout)["queries"]
    assert [each["name"] for each in listed] == list(saved_queries())
    assert set(listed[0]) == {"name", "title", "question", "parameters"}
    shown = json.loads(pathrec("queries", "last-buyers", "--json", "-").stdout)
    assert shown["rows"] == list(saved_query("last-buyers").rows)
    assert shown["parameters"][1] == {"name": "limit", "type": "whole", "meaning": "the most rows", "default": 20}


def test_an_unknown_name_ends_in_a_suggestion() -> None:
    done = pathrec("queries", "last-buyer")
    assert done.returncode == 1
    assert "Did you mean last-buyers?" in done.stderr


def test_a_saved_query_is_asked_with_values_of_its_own_types(embedded_store: Store) -> None:
    fill(embedded_store)
    asked = (
        "cypher",
        "--store",
        embedded_store.url,
        "--json",
        "-",
        "--saved",
        "best-sellers",
        "--param",
        "until=2025-01-01",
    )
    done = pathrec(*asked, "--param", "since=2024-01-01", "--param", "limit=1")
    assert json.loads(done.stdout)["rows"] == [["tea", "title of tea", 3, 3]], done.stderr
    assert "best-sellers: since is a date as 2024-05-31" in pathrec(*asked, "--param", "since=May").stderr
    assert "give the parameter since, first day" in pathrec(*asked).stderr


def test_a_product_that_is_called_by_a_number_is_found(embedded_store: Store) -> None:
    fill(embedded_store)
    asked = ("cypher", "--store", embedded_store.url, "--saved", "last-buyers", "--param", "product=7", "--json", "-")
    assert json.loads(pathrec(*asked).stdout)["rows"] == []


def test_a_query_is_either_saved_or_given(embedded_store: Store) -> None:
    done = pathrec("cypher", "RETURN 1", "--saved", "last-buyers", "--store", embedded_store.url)
    assert done.returncode == 2
    assert "not both" in done.stderr
