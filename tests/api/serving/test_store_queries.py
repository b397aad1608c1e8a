"""How often a request asks the store, counted as the driver logs it: as often for a long page as for a short one."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from api.encoding import picture_encoder, text_encoder
from api.graphql.context import Context
from api.graphql.execution import Executor
from api.graphql.limits import Limits
from api.graphql.schema import executable
from api.runtime import assemble
from api.services.callers import Caller, Role
from api.services.explanation import PathWriter
from api.services.shop import Shop
from api.services.viewing import Audience
from api.settings import Settings
from benchmarks.store_queries import counted
from graph import connect

CALLER = Caller(frozenset({Role.SERVER}))
LIST = """query($user: String, $first: Int) {
    recommendations(audience: {userId: $user}, first: $first) { edges { node { %s } %s } } }"""


@pytest.fixture(scope="module")
def assembled(untouched: Path) -> Iterator[Shop]:
    """The services of a server, in this process."""
    settings = Settings(home=untouched)
    text = text_encoder(None, untouched / "cache", untouched)
    pictures = picture_encoder(None, untouched / "cache", settings.images, allow_private=False)
    with connect(settings.store_url) as store:
        shop = assemble(settings, store, text, pictures)
        shop.live.follow()
        yield shop


def asked(shop: Shop, query: str, **variables: Any) -> int:
    """Queries to the store for one request by a process that knows no names yet."""
    while True:
        minute = shop.recommender.view(Audience()).as_of.minute  # asks what is asked once a minute
        fresh = replace(shop, paths=PathWriter(shop.store, 5))
        with counted() as runs:
            body = Executor(executable(), Limits()).execute(query, variables, None, Context(fresh, "test", CALLER)).body
        assert "errors" not in body, body
        if shop.recommender.now().minute == minute:
            return runs.count


@pytest.mark.parametrize(
    ("selected", "count"),
    [("productId", 1), ("title brand { name } categories { name }", 2)],
)
def test_a_list_asks_for_the_history_and_for_the_products(assembled: Shop, selected: str, count: int) -> None:
    query = LIST % (selected, "")
    assert [asked(assembled, query, user="u1", first=first) for first in (1, 10, 30)] == [count] * 3


def test_reasons_in_words_ask_for_no_more_than_the_list(assembled: Shop) -> None:
    query = LIST % ("title", "explanation { contributions(first: 10) { kind relation value share } }")
    said = LIST % ("title", "explanation { contributions(first: 10) { kind value text } }")
    for user in ("u1", "u2", "u4"):
        assert asked(assembled, query, user=user, first=15) == 2
        # One more for each type of names, and one for what known products stand in for.
        assert asked(assembled, said, user=user, first=15) <= 2 + 2


def test_reasons_ask_for_the_history_the_products_of_both_ends_and_names_by_type(assembled: Shop) -> None:
    query = LIST % ("title", "explanation { contributions(first: 10) { value text path { nodes { type names } } } }")
    counts = [asked(assembled, query, user=user, first=first) for user in ("u1", "u2", "u4") for first in (5, 15, 30)]
    # One for the history, three for products (of the page, of the history, in the middle), one for each type of names.
    types = {"Category", "Brand", "Product"}
    assert max(counts) <= 1 + 3 + len(types)
