"""The benchmark of the saved queries knows what to ask each of them about."""

from benchmarks.saved_queries import arguments, plain_driver, timed, values_for
from graph import Store
from graph.library import saved_queries, saved_query
from tests.graph.saved_shop import fill


def test_all_queries_are_asked_about_what_is_most_bought(embedded_store: Store) -> None:
    fill(embedded_store)
    given = arguments(embedded_store)
    assert given["products"] == {"product": "tea", "other": "pot"}
    assert given["categories"] == {"category": "kitchen", "other": "garden"}
    assert given["dates"] == {"since": "2024-06-01", "until": "2024-06-24"}
    for query in saved_queries().values():
        query.query(values_for(query, given))
    with plain_driver(embedded_store.url) as driver:
        timing = timed(embedded_store, driver, saved_query("last-buyers"), given, 1)
    assert timing.rows == 8
    assert 0 < timing.p50 <= timing.worst
    assert timing.plain_p50 > 0
