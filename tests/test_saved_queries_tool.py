"""The page about saved queries is as their headers are, and takes figures of the benchmark."""

from tools.saved_queries import PAGE, TIMES_MARK, current, with_times

FIGURES = [
    {
        "machine": {"engine": engine},
        "queries": [{"name": "last-buyers", "rows": 3, "p50": p50, "worst": 2 * p50, "plain_p50": p50 - 1}],
    }
    for engine, p50 in (("embedded", 1_500.2), ("neo4j", 20.0))
]


def test_the_table_of_the_page_is_what_the_headers_say() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert current(page) == page, "run `python -m tools.saved_queries`"


def test_figures_take_the_place_of_those_of_before() -> None:
    page = with_times(f"before\n\n{TIMES_MARK}| old |\n|---|---:|\n| `x` | 1 |\n\nafter\n", FIGURES)
    assert page == (
        "before\n\n"
        f"{TIMES_MARK}"
        "| milliseconds | embedded p50 | worst | plain driver p50 | neo4j p50 | worst | plain driver p50 |\n"
        "|---|---:|---:|---:|---:|---:|---:|\n"
        "| `last-buyers` | 1,500 | 3,000 | 1,499 | 20 | 40 | 19 |\n"
        "\nafter\n"
    )
    assert TIMES_MARK in PAGE.read_text(encoding="utf-8")
