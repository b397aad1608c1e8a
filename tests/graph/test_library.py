"""The form of saved queries, and what they take; what they answer is in test_saved_queries."""

from datetime import UTC, datetime

import pytest

from graph.library import SavedQueryError, read_saved, saved_queries, saved_query

GOOD = """\
// title: Last buyers
// question: Who bought last?
// parameter: product text -- id of the product
// parameter: since date = "2024-01-01" -- first day
// parameter: share number = 0.5 -- of all
// parameter: limit whole = 20 -- the most rows
// example: {"product": "tea", "limit": 1}
// row: {"user": "dot", "times": 1}

MATCH (p:Product {id: $product}) // a comment of the query
WHERE $share > 0.1 AND p.time >= $since
RETURN p.id LIMIT $limit
"""


def changed(before: str, after: str) -> str:
    assert before in GOOD
    return GOOD.replace(before, after)


def test_a_header_says_what_is_asked_and_what_is_needed() -> None:
    query = read_saved("last-buyers.cypher", GOOD)
    assert (query.name, query.title, query.question) == ("last-buyers", "Last buyers", "Who bought last?")
    assert [(p.name, p.type, p.default) for p in query.parameters] == [
        ("product", "text", None),
        ("since", "date", "2024-01-01"),
        ("share", "number", 0.5),
        ("limit", "whole", 20),
    ]
    assert query.parameters[0].meaning == "id of the product"
    assert query.text.startswith("MATCH (p:Product {id: $product}) // a comment")
    assert query.example == {"product": "tea", "limit": 1}
    assert query.rows == ({"user": "dot", "times": 1},)


def test_values_are_checked_converted_and_completed_by_the_defaults() -> None:
    query = read_saved("last-buyers.cypher", GOOD)
    asked = query.query({"product": "tea", "since": "2024-01-01T02:00+02:00", "share": "0.25", "limit": "7"})
    assert asked.text == query.text
    assert asked.parameters == {"product": "tea", "since": 1704067200000, "share": 0.25, "limit": 7}
    assert query.query({"product": "tea"}).parameters["since"] == 1704067200000
    moment = datetime(2024, 1, 1, tzinfo=UTC)
    assert query.query({"product": "tea", "since": moment}).parameters["since"] == 1704067200000


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "last-buyers: give the parameter product, id of the product"),
        ({"product": "tea", "limits": 3}, "last-buyers: no parameter limits; .* Did you mean limit?"),
        ({"product": 7}, "last-buyers: product is a text, not 7"),
        ({"product": "tea", "limit": "many"}, "last-buyers: limit is a whole number from 0, not 'many'"),
        ({"product": "tea", "limit": -1}, "last-buyers: limit is a whole number from 0, not -1"),
        ({"product": "tea", "limit": True}, "last-buyers: limit is a whole number"),
        ({"product": "tea", "limit": 2**63}, "last-buyers: limit is a whole number"),
        ({"product": "tea", "limit": 2.5}, "last-buyers: limit is a whole number"),
        ({"product": "tea", "share": "nan"}, "last-buyers: share is a number, not 'nan'"),
        ({"product": "tea", "since": "yesterday"}, "last-buyers: since is a date as 2024-05-31"),
    ],
)
def test_a_value_that_does_not_fit_is_named(given: dict[str, object], message: str) -> None:
    with pytest.raises(SavedQueryError, match=message):
        read_saved("last-buyers.cypher", GOOD).query(given)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (changed("// title: Last buyers\n", ""), ":7: the header has no title; add a line `// title: …`"),
        (changed("// question: Who", "// query: Who"), ":2: not a field of the header"),
        (changed("// question: Who", "//question: Who"), ":2: not a field of the header"),
        (changed("// example", "// title: Another\n// example"), ":7: a second title"),
        (changed('// row: {"user": "dot", "times": 1}\n', ""), ":7: the header has no row of the example"),
        (changed(" -- of all", ""), ":5: write a parameter as `NAME TYPE -- MEANING`"),
        (changed("share number", "limit number"), ":6: a second parameter limit"),
        (
            changed("share number", "share float"),
            ":5: no type float of a parameter; there is date, number, text, whole",
        ),
        (changed("= 0.5 --", "= much --"), ":5: not JSON: much"),
        (changed("= 20 --", "= -20 --"), ":6: the default of limit is a whole number from 0, not -20"),
        (changed('{"product": "tea", "limit": 1}', '["tea"]'), ":7: an example is an object of JSON"),
        (changed('{"product": "tea", "limit": 1}', '{"limit": 1}'), ":7: the example does not fit: .*product"),
        (changed('{"user": "dot", "times": 1}', '["dot", 1]'), ":8: a row is an object of JSON"),
        (changed("// row", '// row: {"user": "ann"}\n// row'), ":9: this row has other columns than the first"),
        (changed("$share", "$part"), ":1: the parameter part is used and not declared"),
        (changed("$share > 0.1 AND ", ""), ":1: the parameter share is declared and not used"),
        (GOOD.partition("\n\n")[0], ":1: there is no query below the header"),
    ],
)
def test_a_mistake_in_a_header_is_named_with_file_and_line(text: str, message: str) -> None:
    with pytest.raises(SavedQueryError, match=f"graph/queries/last-buyers.cypher{message}"):
        read_saved("last-buyers.cypher", text)


def test_the_name_of_a_file_is_what_people_type() -> None:
    with pytest.raises(SavedQueryError, match="small letters, digits and hyphens"):
        read_saved("Last buyers.cypher", GOOD)


def test_an_unknown_query_is_answered_with_the_like() -> None:
    with pytest.raises(SavedQueryError, match=r"no saved query last-buyer; .*Did you mean last-buyers\?"):
        saved_query("last-buyer")


def test_there_are_questions_enough_and_each_is_asked_once() -> None:
    found = saved_queries().values()
    assert len(found) >= 30
    assert all(query.question.endswith("?") for query in found)
    assert len({query.title for query in found}) == len({query.text for query in found}) == len(found)
