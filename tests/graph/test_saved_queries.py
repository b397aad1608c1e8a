"""What the saved queries answer: the same on each engine, and what plain loops over the shop's table say."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from importlib.resources import files
from typing import Any

import pytest

from graph import Query, Store, connect
from graph.library import saved_queries, saved_query
from tests.conftest import empty
from tests.graph.saved_shop import BASKETS, EVENTS, IN_CATEGORY, TODAY, fill
from tests.graph.shop_tables import START, moment

Row = tuple[Any, ...]

LINES = [(basket, user, product, day) for basket, user, day, products in BASKETS for product in products]
CATEGORY = {product: category for category, products in IN_CATEGORY.items() for product in products}


@pytest.fixture(scope="module")
def shop(store_url: str) -> Iterator[Store]:
    """One shop for all queries, which change nothing."""
    with connect(store_url) as store:
        empty(store)
        store.prepare()
        fill(store)
        yield store


@pytest.mark.parametrize("name", saved_queries())
def test_the_example_of_the_header_is_what_an_engine_answers(shop: Store, name: str) -> None:
    saved = saved_query(name)
    query = saved.query(saved.example)
    found = shop.explore(query)
    assert [dict(zip(found.columns, row, strict=True)) for row in found.rows] == list(saved.rows)
    file = (files("graph") / "queries" / f"{name}.cypher").read_text(encoding="utf-8")
    assert shop.read(Query(file, query.parameters)) == list(saved.rows)  # as a person pastes it, header and all


def day(number: int) -> str:
    return moment(number * 24 * 60).date().isoformat()


def basket_companions() -> list[Row]:
    with_tea = {basket for basket, _, product, _ in LINES if product == "tea"}
    found = Counter(product for basket, _, product, _ in LINES if basket in with_tea and product != "tea")
    return [(p, n, round(100 * n / len(with_tea), 1)) for p, n in sorted(found.items(), key=lambda x: (-x[1], x[0]))][
        :3
    ]


def basket_sizes() -> list[Row]:
    return sorted(Counter(len(products) for *_, products in BASKETS).items())


def best_sellers() -> list[Row]:
    first, last = (moment(0).replace(month=month) - START for month in (5, 6))
    may = [(user, product) for _, user, product, at in LINES if first.days <= at < last.days]
    rows = [(p, len({u for u, q in may if q == p}), sum(q == p for _, q in may)) for p in {q for _, q in may}]
    return sorted(rows, key=lambda row: (-row[1], -row[2], row[0]))[:3]


def campaign_audience() -> list[Row]:
    late = [(u, p, at) for _, u, p, at in LINES if CATEGORY[p] == "garden" and at > TODAY - 30]
    rows = []
    for user in {u for u, *_ in late}:
        own = [(p, at) for u, p, at in late if u == user]
        rows.append((user, len(own), len({p for p, _ in own}), day(max(at for _, at in own))))
    return sorted(rows, key=lambda row: (-row[1], row[0]))


def buyers_in_two_periods(things: Mapping[str, str]) -> list[tuple[str, int, int]]:
    rows = []
    for thing in set(things.values()):
        early, late = (
            {u for _, u, p, at in LINES if things[p] == thing and start < at <= start + 30}
            for start in (TODAY - 60, TODAY - 30)
        )
        rows.append((thing, len(early), len(late)))
    return sorted(rows)


def losing_categories() -> list[Row]:
    return [row for row in buyers_in_two_periods(CATEGORY) if row[2] < row[1]]


def rising_products() -> list[Row]:
    rows = buyers_in_two_periods({p: p for *_, p, _ in LINES})
    return sorted((row for row in rows if row[2] > row[1]), key=lambda row: (row[1] - row[2], row[0]))[:3]


def falling_products() -> list[Row]:
    rows = buyers_in_two_periods({p: p for *_, p, _ in LINES})
    return sorted((row for row in rows if row[2] < row[1]), key=lambda row: (row[2] - row[1], row[0]))[:3]


def repeat_purchases() -> list[Row]:
    rows = []
    for product in {p for *_, p, _ in LINES}:
        days = {u: {at for _, v, p, at in LINES if (v, p) == (u, product)} for _, u, p, _ in LINES if p == product}
        again = sum(len(at) > 1 for at in days.values())
        rows.append((product, len(days), again, round(100 * again / len(days), 1)))
    return sorted((row for row in rows if row[1] >= 2), key=lambda row: (-row[3], row[0]))[:3]


def newcomers_first() -> list[Row]:
    first = {u: min(at for _, v, _, at in LINES if v == u) for _, u, *_ in LINES}
    found = Counter(p for _, u, p, at in LINES if at == first[u] and at > TODAY - 60)
    return sorted(found.items(), key=lambda x: (-x[1], x[0]))[:3]


def next_purchases() -> list[Row]:
    steps: dict[str, list[int]] = {}
    for user in {u for _, u, p, _ in LINES if p == "tea"}:
        bought = min(at for _, u, p, at in LINES if (u, p) == (user, "tea"))
        later = [at for _, u, _, at in LINES if u == user and at > bought]
        for product in {p for _, u, p, at in LINES if later and u == user and at == min(later)} - {"tea"}:
            steps.setdefault(product, []).append(min(later) - bought)
    return [
        (p, len(days), sum(days) / len(days)) for p, days in sorted(steps.items(), key=lambda x: (-len(x[1]), x[0]))
    ]


def viewed_never_bought() -> list[Row]:
    counts = Counter((row[2], row[3]) for row in EVENTS)
    rows = [(p, counts[p, "view"], counts[p, "cart"]) for p in {p for p, _ in counts} if not counts[p, "purchase"]]
    return sorted(rows, key=lambda row: (-row[1], -row[2], row[0]))


def lost_users() -> list[Row]:
    rows = []
    for user in {u for _, u, *_ in LINES}:
        days = {at for _, u, _, at in LINES if u == user}
        seen = max(row[4] for row in EVENTS if row[1] == user) // (24 * 60)
        if len(days) >= 2 and seen < TODAY - 60:
            rows.append((user, len(days), day(seen)))
    return sorted(rows)


def lookalikes() -> list[Row]:
    bought = {u: {p for _, v, p, _ in LINES if v == u} for _, u, *_ in LINES}
    own = bought.pop("ann")
    rows = [(u, len(own & ps), len(ps), round(100 * len(own & ps) / len(own | ps), 1)) for u, ps in bought.items()]
    return sorted((row for row in rows if row[1]), key=lambda row: (-row[3], row[0]))[:3]


BY_LOOPS: dict[str, tuple[Callable[[], list[Row]], tuple[str, ...]]] = {
    "basket-companions": (basket_companions, ("product", "baskets", "percent")),
    "basket-sizes": (basket_sizes, ("products", "baskets")),
    "best-sellers": (best_sellers, ("product", "buyers", "purchases")),
    "campaign-audience": (campaign_audience, ("user", "purchases", "products", "last")),
    "losing-categories": (losing_categories, ("category", "buyers_before", "buyers_now")),
    "rising-products": (rising_products, ("product", "buyers_before", "buyers_now")),
    "falling-products": (falling_products, ("product", "buyers_before", "buyers_now")),
    "repeat-purchases": (repeat_purchases, ("product", "buyers", "again", "percent")),
    "newcomers-first": (newcomers_first, ("product", "newcomers")),
    "next-purchases": (next_purchases, ("product", "shoppers", "days")),
    "viewed-never-bought": (viewed_never_bought, ("product", "views", "carts")),
    "lost-users": (lost_users, ("user", "times", "last_seen")),
    "lookalikes": (lookalikes, ("user", "shared", "theirs", "percent")),
}


@pytest.mark.parametrize("name", BY_LOOPS)
def test_an_example_is_what_plain_loops_over_the_table_find(name: str) -> None:
    by_loops, columns = BY_LOOPS[name]
    assert [tuple(row[column] for column in columns) for row in saved_query(name).rows] == by_loops()
