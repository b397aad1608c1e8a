"""The page about saved queries is as their headers are."""

from tools.saved_queries import PAGE, current


def test_the_table_of_the_page_is_what_the_headers_say() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert current(page) == page, "run `python -m tools.saved_queries`"
