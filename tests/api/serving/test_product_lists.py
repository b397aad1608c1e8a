"""Lists of products that rest on no viewer: sorted, popular, gaining; and what a viewer left."""

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from served_shop import PRODUCTS, Client, event

from api import registry
from api.services.live import LiveModel
from api.services.trending import trending
from graph import Store, connect
from schema.tables import EVENTS

PRODUCTS_QUERY = """query($filter: ProductFilter, $key: ProductSortKey, $first: Int, $after: String) {
  products(filter: $filter, sortKey: $key, first: $first, after: $after) { ...list } }
  fragment list on ProductConnection { totalCount asOf pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    edges { cursor node { productId title price { amount } } because { behaviour events product { productId } }
            demand { halfLifeDays counted expected } } }"""
LIST = PRODUCTS_QUERY[PRODUCTS_QUERY.index("fragment") :]
CONTINUE = "query($a: AudienceInput!, $first: Int, $after: String) { continueShopping(audience: $a, first: $first, after: $after) { ...list } } "  # noqa: E501


def ids(found: dict[str, Any]) -> list[str]:
    return [edge["node"]["productId"] for edge in found["edges"]]


def products(shop: Client, key: str | None = None, first: int = 100, **more: Any) -> dict[str, Any]:
    return dict(shop.ask(PRODUCTS_QUERY, key=key, first=first, **more)["products"])


def left(shop: Client, first: int = 20, after: str | None = None, **audience: str) -> dict[str, Any]:
    return dict(shop.ask(CONTINUE + LIST, a=audience, first=first, after=after)["continueShopping"])


def test_products_are_sorted_by_price_and_title(shop: Client) -> None:
    by_price = products(shop, "PRICE_ASC")
    prices = [edge["node"]["price"]["amount"] for edge in by_price["edges"]]
    assert prices == sorted(prices)
    assert by_price["totalCount"] == len(prices) == PRODUCTS
    assert ids(products(shop, "PRICE_DESC")) == ids(by_price)[::-1]
    titles = [edge["node"]["title"].casefold() for edge in products(shop, "TITLE")["edges"]]
    assert titles == sorted(titles)


def test_what_most_like_comes_first_if_nothing_is_said(shop: Client) -> None:
    popular = products(shop)
    assert ids(popular) == ids(products(shop, "POPULAR")) == shop.ids({}, 100)
    assert popular["totalCount"] == PRODUCTS
    assert popular["asOf"] is not None


def test_a_shop_whose_products_have_no_time_refuses_the_newest(shop: Client) -> None:
    (error,) = shop.post(PRODUCTS_QUERY, key="NEWEST")["errors"]
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert error["extensions"]["field"] == "sortKey"


@pytest.mark.parametrize("key", ["PRICE_DESC", "TITLE", "POPULAR"])
def test_pages_joined_are_the_whole_list_with_filters_honoured(shop: Client, key: str) -> None:
    condition = {"categoryIds": ["mug"], "price": {"max": 30}}
    whole = products(shop, key, filter=condition)
    assert whole["totalCount"] == len(ids(whole)) == 15
    pages, after = [], None
    for number in range(4):
        page = products(shop, key, first=4, after=after, filter=condition)
        assert page["pageInfo"]["hasPreviousPage"] is bool(number)
        assert page["pageInfo"]["hasNextPage"] is (number < 3)
        pages += ids(page)
        after = page["pageInfo"]["endCursor"]
    assert pages == ids(whole)


def test_a_list_goes_on_rightly_while_products_come_and_go_in_another_process(shop: Client, second: Client) -> None:
    first = products(shop, "TITLE", first=5)
    after, rest = first["pageInfo"]["endCursor"], ids(products(shop, "TITLE"))[5:]
    last = first["edges"][-1]["node"]
    second.upsert(
        {"productId": "new-before", "title": "AAA", "price": {"amount": 1}},
        {"productId": "new-behind", "title": "Zzz", "price": {"amount": 1}},
        {"productId": last["productId"], "available": False},
    )
    try:
        for server in (shop, second):
            assert ids(products(server, "TITLE", after=after)) == [*rest, "new-behind"]
    finally:
        second.upsert({"productId": last["productId"], "available": True})
        query = 'mutation { deleteProducts(productIds: ["new-before", "new-behind"]) { deletedProductIds } }'
        second.ask(query)
    assert ids(products(shop, "TITLE", after=after)) == rest


def test_a_cursor_goes_on_only_with_the_list_it_came_from(shop: Client) -> None:
    cursor = products(shop, "TITLE", first=2)["pageInfo"]["endCursor"]
    ranked = products(shop, "POPULAR", first=2)["pageInfo"]["endCursor"]
    for key, after in (("PRICE_ASC", cursor), ("POPULAR", cursor), ("TITLE", ranked), ("TITLE", "forged")):
        (error,) = shop.post(PRODUCTS_QUERY, key=key, after=after)["errors"]
        assert (error["extensions"]["code"], error["extensions"]["field"]) == ("BAD_USER_INPUT", "after")


def test_a_category_lists_its_products_and_those_of_the_categories_below(shop: Client) -> None:
    query = """query($c: String!, $f: ProductFilter) { category(categoryId: $c) { products(sortKey: PRICE_ASC,
        first: 100, filter: $f) { totalCount edges { node { productId } } } } }"""
    mugs = shop.ask(query, c="mug")["category"]["products"]
    assert ids(mugs) == [f"p{n}" for n in range(0, PRODUCTS, 2)]
    assert shop.ask(query, c="home")["category"]["products"]["totalCount"] == PRODUCTS
    assert shop.ask(query, c="mug", f={"price": {"max": 3}})["category"]["products"]["totalCount"] == 2
    (error,) = shop.post(query, c="mug", f={"categoryIds": ["lamp"]})["errors"]
    assert error["extensions"]["field"] == "filter.categoryIds"


def test_what_gains_says_what_it_rests_on(shop: Client) -> None:
    found = shop.ask("query { trending(first: 100) { ...list } } " + LIST)["trending"]
    assert found["totalCount"] == len(found["edges"]) > 0
    gains = []
    for edge in found["edges"]:
        assert [demand["halfLifeDays"] for demand in edge["demand"]] == [5.0, 15.0]
        parts = [(d["counted"] - d["expected"]) / (d["expected"] + 1) ** 0.5 for d in edge["demand"]]
        gains.append(sum(parts) / 2)
    assert gains == sorted(gains, reverse=True)
    assert gains[-1] > 0


def test_trending_has_pages_and_filters(shop: Client) -> None:
    query = "query($f: ProductFilter, $n: Int, $a: String) { trending(filter: $f, first: $n, after: $a) { ...list } } "
    mugs = {"categoryIds": ["mug"]}
    whole = shop.ask(query + LIST, f=mugs, n=100)["trending"]
    assert all(int(product[1:]) % 2 == 0 for product in ids(whole))
    first = shop.ask(query + LIST, f=mugs, n=2)["trending"]
    rest = shop.ask(query + LIST, f=mugs, n=100, a=first["pageInfo"]["endCursor"])["trending"]
    assert ids(first) + ids(rest) == ids(whole)
    assert rest["asOf"] == first["asOf"]


@pytest.fixture
def store(untouched: Path, tmp_path: Path) -> Iterator[Store]:
    home = Path(shutil.copytree(untouched, tmp_path / "home"))
    with connect(f"embedded:{home / 'graph'}") as store:
        yield store


def test_what_is_met_now_gains_from_the_next_minute_on(store: Store, tmp_path: Path) -> None:
    live = LiveModel(store, lambda: registry.served(tmp_path / "home"))
    live.follow()
    now = live.state.manifest.as_of + timedelta(seconds=1)
    calm = trending(live.state, now)
    last = live.state.scorer.product_ids[int(calm.viewing.scores.argmin())]
    rows = [{"id": f"hit{n}", "user": "fan", "product": last, "behaviour": "view", "time": now} for n in range(30)]
    columns = {field.name: pa.array([row.get(field.name) for row in rows], field.type) for field in EVENTS}
    store.record_events(pa.table(columns, EVENTS))
    minute = (datetime.now(UTC) + timedelta(minutes=2)).replace(second=0, microsecond=0)
    position = live.state.scorer.positions[last]
    wave = trending(live.state, minute)
    assert wave.viewing.scores.argmax() == position
    assert wave.demand(position)[0].counted > 29
    assert calm.demand(position)[0].counted < 29
    assert not calm.viewing.state.scorer.alive[position]


def test_what_was_looked_at_and_not_bought_comes_latest_first(shop: Client, second: Client) -> None:
    start = datetime.now(UTC) - timedelta(hours=1)

    def did(minute: int, product: str, behaviour: str, **who: str) -> dict[str, Any]:
        return event(product, behaviour, time=(start + timedelta(minutes=minute)).isoformat(), **who)

    ann = {"userId": "window-shopper"}
    shop.record(
        did(0, "p1", "view", **ann),
        did(1, "p2", "view", **ann),
        did(2, "p3", "view", **ann),
        did(3, "p3", "purchase", **ann),
        did(4, "p1", "cart", **ann),
        did(5, "p5", "rating", **ann),
        did(6, "p4", "view", sessionId="visit-1"),
    )
    for server in (shop, second):
        found = left(server, **ann)
        assert ids(found) == ["p1", "p2"]
        assert found["edges"][0]["because"] == {"behaviour": "cart", "events": 1, "product": {"productId": "p1"}}
        assert (found["totalCount"], found["pageInfo"]["hasNextPage"]) == (2, False)
        assert ids(left(server, userId="window-shopper", sessionId="visit-1")) == ["p4", "p1", "p2"]
        assert ids(left(server, sessionId="visit-1")) == ["p4"]
    page = left(shop, 1, **ann)
    shop.record(event("p6", "view", **ann), event("p2", "purchase", **ann))
    assert ids(left(second, 1, page["pageInfo"]["endCursor"], **ann)) == ["p2"]
    assert ids(left(second, **ann)) == ["p6", "p1"]


def test_what_is_not_offered_any_more_is_not_to_be_gone_on_with(shop: Client) -> None:
    shop.record(event("p37", "view", userId="late"))
    shop.upsert({"productId": "p37", "available": False})
    try:
        assert ids(left(shop, userId="late")) == []
    finally:
        shop.upsert({"productId": "p37", "available": True})
    assert ids(left(shop, userId="late")) == ["p37"]


def test_nobody_has_left_anything(shop: Client) -> None:
    assert left(shop)["edges"] == left(shop, userId="nobody at all")["edges"] == []
