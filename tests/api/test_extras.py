"""What is put on a model's scores, by name: it is in the scores, among the contributions, and adds up."""

from itertools import product

import numpy as np
import pytest
from random_model import NOW, RandomModel, random_model
from small_states import state_of

from api.services.catalogue import FloatArray
from api.services.explanation import Explanation, explanations, without
from api.services.viewing import Audience, Extra, Unit, Viewing
from gnn.histories import histories

USER = 3
ALL = 10_000


@pytest.fixture(scope="module", params=(0, 1, 4))
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> RandomModel:
    return random_model(tmp_path_factory.mktemp("random"), request.param)


@pytest.fixture
def plain(model: RandomModel) -> Viewing:
    """A user's answer with nothing put on it."""
    scorer, history = model.scorer, histories(model.shop).of(USER)
    products, behaviours = history.products.tolist(), history.behaviours.tolist()
    units = tuple(Unit(f"p{p}", scorer.behaviours[b], 1, NOW) for p, b in zip(products, behaviours, strict=True))
    scores = scorer.score(history, NOW, f"u{USER}")
    return Viewing(state_of(scorer), NOW, Audience(f"u{USER}"), units, history, "PERSONAL", scores, {})


@pytest.fixture
def lifted(plain: Viewing) -> Viewing:
    """The same with a rule that lifts the even products, one that lowers every third, and a search."""
    everything = np.arange(plain.state.scorer.size)
    return plain.with_extras(
        Extra("BOOST", np.where(everything % 2, 0.0, 1.5), "even"),
        Extra("BOOST", np.where(everything % 3, 0.0, -0.7), "third"),
    ).with_extras(Extra("RELEVANCE", np.linspace(-0.2, 0.9, len(everything))))


def _total(found: Explanation) -> float:
    return found.prior + sum(part.value for part in found.contributions) + found.remainder_value


def _explained(viewing: Viewing, first: int) -> list[Explanation]:
    return explanations(viewing, range(viewing.state.scorer.size), first)


def test_what_is_put_on_is_in_the_scores(plain: Viewing, lifted: Viewing) -> None:
    assert lifted.scores == pytest.approx(plain.scores + sum(extra.values for extra in lifted.extras), rel=1e-12)


@pytest.mark.parametrize("first", [0, 1, 2, 5, ALL])
def test_prior_contributions_and_remainder_are_still_the_score(plain: Viewing, lifted: Viewing, first: int) -> None:
    for before, found in zip(_explained(plain, first), _explained(lifted, first), strict=True):
        size = abs(found.prior) + sum(abs(part.value) for part in found.contributions) + abs(found.remainder_value) + 1
        assert _total(found) == pytest.approx(found.score, abs=1e-5 * size)
        assert found.prior == before.prior
        sizes = [abs(part.value) for part in found.contributions]
        assert sizes == sorted(sizes, reverse=True)
        assert len(sizes) <= first


def test_each_extra_is_a_contribution_of_its_own_that_starts_from_nothing(lifted: Viewing) -> None:
    for position, found in enumerate(_explained(lifted, ALL)):
        parts = {(part.kind, part.rule): part for part in found.contributions if part.unit is None}
        expected = {(e.kind, e.rule): e.values[position] for e in lifted.extras if e.values[position]}
        assert {key: part.value for key, part in parts.items()} == expected
        assert all((part.term, part.middles) == (None, ()) for part in parts.values())


def test_shares_are_of_all_and_an_extra_is_not_readable(plain: Viewing, lifted: Viewing) -> None:
    for before, found in zip(_explained(plain, ALL), _explained(lifted, ALL), strict=True):
        mass = sum(abs(part.value) for part in found.contributions)
        assert [part.share for part in found.contributions] == pytest.approx(
            [abs(part.value) / mass for part in found.contributions]
        )
        own = sum(abs(part.value) for part in before.contributions)
        assert found.readable_share * mass == pytest.approx(before.readable_share * own)


def test_a_counterfactual_leaves_what_is_put_on_where_it_is(lifted: Viewing) -> None:
    """The rank that it tells is that of the ranker without the units, and with all extras."""
    scorer = lifted.state.scorer
    allowed = np.ones(scorer.size, bool)
    put_on = sum(extra.values for extra in lifted.extras)
    told = 0
    for length, position in product((2, 4, 8), range(scorer.size)):
        found = without(lifted, position, allowed, length, 3)
        if found is not None:
            left = [n for n, unit in enumerate(lifted.units) if unit not in found.units]
            scores = scorer.score(lifted.history.take(np.array(left, np.intp)), NOW, f"u{USER}") + put_on
            assert found.rank == _rank(scores, position)
            assert _rank(lifted.scores, position) <= length < found.rank
            told += 1
    assert told


def _rank(scores: FloatArray, position: int) -> int:
    order = np.lexsort((np.arange(len(scores)), -scores))
    return int(np.flatnonzero(order == position)[0]) + 1
