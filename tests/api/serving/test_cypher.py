"""Cypher over GraphQL: experts read what they like, a few at a time, and nothing is changed."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from keyed_shop import KEYS, Keyed
from served_shop import EXPERT, Client

from api.audit import described_query
from graph.library import saved_queries, saved_query

ASK = """
query($text: String!, $parameters: JSON, $first: Int! = 100, $seconds: Float! = 10) {
  cypher(query: $text, parameters: $parameters, first: $first, seconds: $seconds) { columns rows complete seconds } }
"""
ASK_SAVED = """
query($name: String!, $parameters: JSON) { askSaved(name: $name, parameters: $parameters) { columns rows complete } }
"""
FOR_EVER = "UNWIND range(1, 1000000) AS a UNWIND range(1, 1000000) AS b WITH a, b WHERE a * b = 7 RETURN count(*)"


def ask(shop: Client, query: str, **variables: Any) -> dict[str, Any]:
    return dict(shop.ask(ASK, EXPERT, text=query, **variables)["cypher"])


def failure(shop: Client, query: str, headers: dict[str, str] | None = EXPERT, **variables: Any) -> tuple[str, str]:
    answer = shop.post(ASK, headers, text=query, **variables)
    assert answer["data"] is None
    (error,) = answer["errors"]
    return error["extensions"]["code"], error["message"]


def test_an_expert_asks_and_gets_rows(shop: Client) -> None:
    found = ask(shop, "MATCH (p:Product {id: $id}) RETURN p.id AS id, p AS product", parameters={"id": "p1"})
    assert found["columns"] == ["id", "product"]
    ((key, product),) = found["rows"]
    assert key == "p1"
    assert (product["kind"], product["labels"]) == ("node", ["Product"])
    assert "embedding_text" not in product["properties"]
    assert found["complete"]
    assert 0 < found["seconds"] < 10


def test_the_first_rows_of_many_are_not_complete(shop: Client) -> None:
    found = ask(shop, "UNWIND range(1, 10000000) AS n RETURN n", first=3)
    assert (found["rows"], found["complete"]) == ([[1], [2], [3]], False)


def test_whoever_is_no_expert_is_refused(shop: Client) -> None:
    assert failure(shop, "RETURN 1", headers=None)[0] == "FORBIDDEN"


@pytest.mark.parametrize(
    ("query", "variables", "code", "said"),
    [
        ("CREATE (:Product {id: 'new'})", {}, "FORBIDDEN", "only queries that read are run"),
        ("MATCH (n RETURN n", {}, "BAD_USER_INPUT", "the query is wrong"),
        (" ", {}, "BAD_USER_INPUT", "1 to 20,000 characters"),
        ("RETURN 1", {"first": 0}, "BAD_USER_INPUT", "first is 0"),
        ("RETURN 1", {"first": 1_001}, "BAD_USER_INPUT", "first is 1001"),
        ("RETURN 1", {"seconds": 0}, "BAD_USER_INPUT", "seconds is 0"),
        ("RETURN 1", {"seconds": 600}, "BAD_USER_INPUT", "at most 60"),
        ("RETURN 1", {"parameters": [1]}, "BAD_USER_INPUT", "it must be an object"),
        (FOR_EVER, {"seconds": 0.5}, "TIMED_OUT", "longer than 0.5 seconds"),
    ],
)
def test_what_cannot_be_answered_says_why(
    shop: Client, query: str, variables: dict[str, Any], code: str, said: str
) -> None:
    found, message = failure(shop, query, **variables)
    assert found == code
    assert said in message


def test_experts_take_turns_and_the_shop_goes_on(shop: Client) -> None:
    with ThreadPoolExecutor(6) as pool:
        asked = [pool.submit(shop.post, ASK, EXPERT, text=FOR_EVER, seconds=2.0) for _ in range(5)]
        assert shop.ids({"userId": "u1"}, 3)
        codes = sorted(each.result()["errors"][0]["extensions"]["code"] for each in asked)
    assert codes == ["OVERLOADED"] * 3 + ["TIMED_OUT"] * 2
    assert ask(shop, "RETURN 1 AS n")["rows"] == [[1]]


def test_saved_queries_are_listed_with_what_they_take(shop: Client) -> None:
    query = "{ savedQueries { name title question cypher parameters { name type meaning default } } }"
    found = {each["name"]: each for each in shop.ask(query, EXPERT)["savedQueries"]}
    assert found.keys() == saved_queries().keys()
    last = found["last-buyers"]
    assert (last["title"], last["question"]) == ("Last buyers of a product", "Who bought a product last, and when?")
    assert last["cypher"] == saved_query("last-buyers").text
    assert last["parameters"] == [
        {"name": "product", "type": "TEXT", "meaning": "id of the product", "default": None},
        {"name": "limit", "type": "WHOLE", "meaning": "the most rows", "default": 20},
    ]


def test_a_saved_query_is_asked_with_values_as_people_write_them(shop: Client) -> None:
    dates = {"since": "2020-01-01", "until": "2100-01-01"}
    found = shop.ask(ASK_SAVED, EXPERT, name="best-sellers", parameters={**dates, "limit": 3})["askSaved"]
    assert found["columns"] == ["product", "title", "buyers", "purchases"]
    assert len(found["rows"]) == 3
    saved = saved_query("best-sellers")
    values = saved.query({**dates, "limit": 3}).parameters
    assert ask(shop, saved.text, parameters=values)["rows"] == found["rows"]


@pytest.mark.parametrize(
    ("name", "parameters", "field", "said"),
    [
        ("last-buyer", {}, "name", "Did you mean last-buyers?"),
        ("last-buyers", {}, "parameters", "give the parameter product"),
        ("last-buyers", {"product": "p1", "colour": 1}, "parameters", "no parameter colour"),
        ("best-sellers", {"since": "May", "until": "2024-06-01"}, "parameters", "since is a date"),
        ("last-buyers", [1], "parameters", "it must be an object"),
    ],
)
def test_a_saved_query_that_cannot_be_asked_says_why(
    shop: Client, name: str, parameters: object, field: str, said: str
) -> None:
    (error,) = shop.post(ASK_SAVED, EXPERT, name=name, parameters=parameters)["errors"]
    assert (error["extensions"]["code"], error["extensions"]["field"]) == ("BAD_USER_INPUT", field)
    assert said in error["message"]


def test_a_query_is_written_down_without_what_it_names(keyed: Keyed) -> None:
    text = "MATCH (u:User {id: 'a-very-own-name'}) RETURN u.id AS id // a-very-own-name"
    keyed.by(KEYS["expert"]).ask(ASK, {"x-request-id": "an-expert"}, text=text, parameters={"p": "a-very-own-name"})
    log = (keyed.home / "audit.log").read_text()
    begun, done = [json.loads(line) for line in log.splitlines() if '"an-expert"' in line]
    assert (begun["event"], begun["field"], done["event"]) == ("begun", "Query.cypher", "done")
    assert begun["arguments"]["query"] == "MATCH (u:User {id: …}) RETURN u.id AS id …"
    assert begun["arguments"]["parameters"] == ["p"]
    assert "a-very-own-name" not in log


def test_a_saved_query_is_written_down_by_its_name(keyed: Keyed) -> None:
    parameters = {"product": "a-product-of-hers"}
    expert = keyed.by(KEYS["expert"])
    expert.ask(ASK_SAVED, {"x-request-id": "saved-one"}, name="last-buyers", parameters=parameters)
    lines = [json.loads(line) for line in (keyed.home / "audit.log").read_text().splitlines() if '"saved-one"' in line]
    assert (lines[0]["field"], lines[0]["arguments"]["name"]) == ("Query.askSaved", "last-buyers")
    assert lines[0]["arguments"]["parameters"] == ["product"]
    assert "a-product-of-hers" not in str(lines)


@pytest.mark.parametrize(
    ("query", "kept"),
    [
        ("""RETURN 'it\\'s', "a \\"b\\"", `a 'quoted' name`, 1""", "RETURN …, …, `a 'quoted' name`, 1"),
        ("RETURN 1 /* it's\nme */ + 'ann'", "RETURN 1 … + …"),
        ("// don't\nRETURN 'ann'", "…\nRETURN …"),
        ("RETURN 'ann without an end", "RETURN …"),
    ],
)
def test_only_the_bones_of_a_query_are_kept(query: str, kept: str) -> None:
    assert described_query({"query": query})["query"] == kept
