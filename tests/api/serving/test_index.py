"""A shop that is served through an index gives the lists that it gives without one."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

import gnn.index
from api import registry
from api.services import live
from api.services.catalogue import ProductFilter
from api.services.explanation import explanations
from api.services.interests import Liking, Listener
from api.services.live import LiveModel
from api.services.placement import Options
from api.services.recommendation import Recommender
from api.services.viewing import Audience, Page
from graph import Rule, Store

USERS = ("u3", "u6", "nobody")
CONDITIONS = (
    ProductFilter(),
    ProductFilter(category_ids=("mug",)),
    ProductFilter(minimum_price=10.0, maximum_price=14.0),
    ProductFilter(include_bought=True, exclude_product_ids=("p1", "p2")),
)


@pytest.fixture
def plain(apart: Store, untouched: Path) -> Recommender:
    return _recommender(apart, untouched)


@pytest.fixture
def indexed(apart: Store, untouched: Path, monkeypatch: pytest.MonkeyPatch) -> Recommender:
    """An index that only the first ten of forty products have a score from."""
    monkeypatch.setattr(live, "INDEXED_FROM", 1)
    monkeypatch.setattr(gnn.index, "KEPT", 10)
    monkeypatch.setattr(gnn.index, "_RECALL", 0.0)
    return _recommender(apart, untouched)


def _recommender(store: Store, home: Path) -> Recommender:
    model = LiveModel(store, lambda: registry.served(home))
    model.follow()
    assert model.problem is None
    return Recommender(store, model, Listener(store, None))


def _pages(
    recommender: Recommender, user: str, condition: ProductFilter, size: int, options: Options | None = None
) -> list[Page]:
    """A list to its end, from one moment on."""
    audience, place, pages = Audience(user_id=user), None, []
    as_of = recommender.now()
    while True:
        viewing = recommender.view(audience, as_of)
        page = recommender.page(viewing, condition, size, place, options)
        pages.append(page)
        if not page.has_next:
            return pages
        place = page.place(page.items[-1])


def test_a_small_shop_has_no_index(plain: Recommender) -> None:
    assert plain.view(Audience(user_id="u3")).state.index is None


def test_an_index_only_has_the_best_scores(indexed: Recommender) -> None:
    viewing = indexed.view(Audience(user_id="u3"))
    assert viewing.state.index is not None
    assert 10 <= np.isfinite(viewing.scores).sum() < len(viewing.scores)


@pytest.mark.parametrize("condition", CONDITIONS)
@pytest.mark.parametrize("user", USERS)
def test_lists_are_the_same_page_by_page_with_and_without_an_index(
    plain: Recommender, indexed: Recommender, user: str, condition: ProductFilter
) -> None:
    expected, found = (_pages(recommender, user, condition, 4) for recommender in (plain, indexed))
    assert [[item.product for item in page.items] for page in found] == [
        [item.product for item in page.items] for page in expected
    ]
    assert [item.rank for page in found for item in page.items] == list(range(1, 1 + sum(len(p.items) for p in found)))


def test_a_product_far_down_has_its_rank_and_an_explained_score(plain: Recommender, indexed: Recommender) -> None:
    as_of = plain.now()
    for product in ("p1", "p6", "p39"):
        expected, found = (r.only(r.view(Audience(user_id="u6"), as_of), product) for r in (plain, indexed))
        assert replace(found.items[0], score=0.0) == replace(expected.items[0], score=0.0)
        assert found.items[0].score == pytest.approx(expected.items[0].score, rel=1e-5)
        taken_apart = explanations(found.viewing, [found.items[0].position], 100)[0]
        parts = sum(part.value for part in taken_apart.contributions) + taken_apart.remainder_value
        assert taken_apart.prior + parts == pytest.approx(taken_apart.score, rel=1e-9)


def test_lists_of_what_is_liked_are_the_same_with_and_without_an_index(
    plain: Recommender, indexed: Recommender
) -> None:
    for user, like in (("nobody", Liking("IN_CATEGORY", "home")), ("u3", Liking("MADE_BY", "b1", 5.0))):
        audience, as_of = Audience(user_id=user, interests=(like,)), plain.now()
        expected, found = (r.page(r.view(audience, as_of), ProductFilter(), 9) for r in (plain, indexed))
        assert [item.product for item in found.items] == [item.product for item in expected.items]
        assert [item.score for item in found.items] == pytest.approx([i.score for i in expected.items], rel=1e-5)


def test_similar_products_need_no_index(plain: Recommender, indexed: Recommender) -> None:
    expected, found = (r.page(r.view_similar("p6"), ProductFilter(), 8) for r in (plain, indexed))
    assert [item.product for item in found.items] == [item.product for item in expected.items]


@pytest.fixture
def ruled(apart: Store) -> Iterator[Store]:
    """Rules that lift what is far down, lower what is at the top, and pin."""
    moment = datetime.now(UTC) - timedelta(minutes=1)
    rules = [
        Rule("lift", "BOOST", moment, moment, weight=2.0, products=("p1", "p4", "p39", "p38")),
        Rule("lower", "BURY", moment, moment, weight=1.5, products=("p6", "p9", "p10", "p11")),
        Rule("pin", "PIN", moment, moment, position=3, categories=("lamp",)),
    ]
    for rule in rules:
        assert apart.upsert_rule(rule) == []
    yield apart
    for rule in rules:
        apart.delete_rule(rule.id)


@pytest.mark.parametrize("options", [None, Options(), Options(diversity=0.5), Options(0.3, 0.3, 5)])
@pytest.mark.parametrize("user", USERS)
def test_rules_and_options_give_the_same_lists_with_and_without_an_index(
    ruled: Store, plain: Recommender, indexed: Recommender, user: str, options: Options | None
) -> None:
    expected, found = (_pages(r, user, ProductFilter(), 4, options) for r in (plain, indexed))
    assert [[(i.product, i.placement, i.rule) for i in page.items] for page in found] == [
        [(i.product, i.placement, i.rule) for i in page.items] for page in expected
    ]
    for page in found:
        explained = explanations(page.viewing, [item.position for item in page.items], 100)
        for item, one in zip(page.items, explained, strict=True):
            parts = one.prior + sum(part.value for part in one.contributions) + one.remainder_value
            assert parts == pytest.approx(item.score, rel=1e-6)
