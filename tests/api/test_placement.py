"""Lists put together from scores, diversity, exploration and pins, without a server."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from random_model import NOW, random_model
from small_states import state_of

from api.services.catalogue import BoolArray
from api.services.errors import BadInputError
from api.services.placement import Options, Slot, place
from api.services.rules import Rules
from api.services.viewing import Audience, Viewing
from graph import Rule

SIZE = 15


@pytest.fixture(scope="module")
def viewing(tmp_path_factory: pytest.TempPathFactory) -> Viewing:
    """A list in which product n comes at rank n + 1; nobody has met any."""
    scorer = replace(random_model(tmp_path_factory.mktemp("random"), 1).scorer, terms=())
    history = scorer.history([])
    return Viewing(state_of(scorer), NOW, Audience(), (), history, "POPULAR", np.linspace(1, 0, SIZE), {})


def everything() -> BoolArray:
    return np.ones(SIZE, bool)


def listed(viewing: Viewing, options: Options, length: int = SIZE, placeable: BoolArray | None = None) -> list[Slot]:
    return place(viewing, everything() if placeable is None else placeable, everything(), options, length)


def positions(slots: list[Slot]) -> list[int]:
    return [slot.position for slot in slots]


def with_pins(viewing: Viewing, *pins: tuple[int, tuple[int, ...]]) -> Viewing:
    """Pins of ranks and what they are for."""
    ids = viewing.state.scorer.product_ids
    rules = [
        Rule(f"pin {n}", "PIN", NOW, NOW, position=rank, reaches=tuple(ids[p] for p in products))
        for n, (rank, products) in enumerate(pins)
    ]
    return replace(viewing, rules=Rules.of(rules, viewing.state.scorer.positions))


def test_nothing_asked_for_is_the_order_of_the_scores(viewing: Viewing) -> None:
    assert listed(viewing, Options(), 9) == [Slot(n) for n in range(9)]


def test_what_diversity_moves_says_so_and_nothing_else_does(viewing: Viewing) -> None:
    slots = listed(viewing, Options(diversity=0.8))
    assert sorted(positions(slots)) == list(range(SIZE))
    assert positions(slots) != list(range(SIZE))
    for rank, slot in enumerate(slots):
        assert slot.placement == ("SCORE" if slot.position == rank else "DIVERSITY")


@pytest.mark.parametrize("options", [Options(diversity=0.5), Options(0.3, 0.4, 7), Options(exploration=1.0, seed=3)])
def test_a_longer_list_begins_like_a_shorter_one(viewing: Viewing, options: Options) -> None:
    whole = listed(viewing, options)
    assert sorted(positions(whole)) == list(range(SIZE))
    for length in range(1, SIZE):
        assert listed(viewing, options, length) == whole[:length]


@pytest.mark.parametrize("share", [0.1, 0.25, 0.5])
def test_as_many_slots_explore_as_were_asked_for(viewing: Viewing, share: float) -> None:
    explored = []
    for seed in range(100):
        slots = listed(viewing, Options(exploration=share, seed=seed), 6)
        count = sum(slot.placement == "EXPLORATION" for slot in slots)
        assert abs(count - 6 * share) < 1
        explored.append(count)
    assert np.mean(explored) == pytest.approx(6 * share, abs=0.1)


def test_the_seed_decides_and_the_moment_where_none_is_given(viewing: Viewing) -> None:
    def chosen(**more: float | int) -> list[int]:
        return positions(listed(viewing, Options(exploration=0.5, **more), 8))  # type: ignore[arg-type]

    assert chosen(seed=5) == chosen(seed=5)
    assert len({tuple(chosen(seed=seed)) for seed in range(20)}) > 5
    seed = Options(exploration=0.5).seed_at(NOW)
    assert seed is not None and chosen() == chosen(seed=seed)
    assert Options(diversity=1.0, seed=4).seed_at(NOW) is None


def test_propensities_are_how_often_it_happens(viewing: Viewing) -> None:
    """Over many seeds each product comes to each rank as often as the slots that show it there say."""
    rounds, length, share = 800, 5, 0.3
    seen: Counter[tuple[int, int]] = Counter()
    told: dict[tuple[int, int], float] = {}
    for seed in range(rounds):
        for rank, slot in enumerate(listed(viewing, Options(exploration=share, seed=seed), length)):
            assert slot.propensity is not None
            seen[rank, slot.position] += 1
            told[rank, slot.position] = slot.propensity
    for place_and_product, times in seen.items():
        expected = told[place_and_product] * rounds
        assert times == pytest.approx(expected, abs=5 * expected**0.5 + 1)
    for rank in range(length):
        assert sum(value for (at, _), value in told.items() if at == rank) == pytest.approx(1.0)


def test_only_what_few_have_met_is_explored(viewing: Viewing, tmp_path: Path) -> None:
    scorer = random_model(tmp_path, 1).scorer
    viewing = replace(viewing, state=state_of(scorer))
    terms = [term for term in scorer.terms if term.term.kind == "meeting"]
    met = np.max([np.diff(term.links.indptr) for term in terms], axis=0)
    explored = {
        slot.position
        for seed in range(50)
        for slot in listed(viewing, Options(exploration=0.5, seed=seed), 5)
        if slot.placement == "EXPLORATION"
    }
    shown_anyway = set(range(SIZE // 2))
    assert explored and not explored & shown_anyway
    left_out = set(range(SIZE)) - shown_anyway - explored
    assert max(met[list(explored)]) <= min(met[list(left_out)], default=np.inf)


def test_pins_stand_at_their_ranks_and_the_rest_moves_on(viewing: Viewing) -> None:
    slots = listed(with_pins(viewing, (2, (9, 12)), (5, (0,))), Options(), 7)
    assert positions(slots) == [1, 9, 2, 3, 0, 4, 5]
    assert [slot.rule for slot in slots] == [None, "pin 0", None, None, "pin 1", None, None]
    assert [slot.placement for slot in slots] == ["SCORE", "RULE", "SCORE", "SCORE", "RULE", "SCORE", "SCORE"]


def test_of_two_pins_for_one_rank_the_older_has_it(viewing: Viewing) -> None:
    assert positions(listed(with_pins(viewing, (1, (8,)), (1, (7,)), (2, (6,))), Options(), 5)) == [8, 7, 6, 0, 1]


def test_a_pin_of_what_may_not_be_shown_takes_the_next_or_none(viewing: Viewing) -> None:
    placeable = everything()
    placeable[[9, 12]] = False
    assert positions(listed(with_pins(viewing, (1, (9, 11)), (2, (12,))), Options(), 3, placeable)) == [11, 0, 1]


def test_a_pin_behind_the_end_is_the_last(viewing: Viewing) -> None:
    placeable = np.arange(SIZE) < 4
    for length in (4, 9):
        assert positions(listed(with_pins(viewing, (7, (1,))), Options(), length, placeable)) == [0, 2, 3, 1]


def test_pins_keep_their_ranks_among_explored_and_diverse_products(viewing: Viewing) -> None:
    pinned = with_pins(viewing, (3, (14,)))
    for seed in range(20):
        slots = listed(pinned, Options(0.5, 0.5, seed))
        assert (slots[2].position, slots[2].placement, slots[2].propensity) == (14, "RULE", 1.0)
        assert sorted(positions(slots)) == list(range(SIZE))


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"diversity": -0.1}, "options.diversity"),
        ({"diversity": 1.1}, "options.diversity"),
        ({"exploration": 2.0}, "options.exploration"),
        ({"exploration": float("nan")}, "options.exploration"),
        ({"seed": -1}, "options.seed"),
    ],
)
def test_what_cannot_be_is_refused_with_the_remedy(options: dict[str, float], field: str) -> None:
    with pytest.raises(BadInputError) as error:
        Options(**options)  # type: ignore[arg-type]
    assert error.value.field == field
    assert error.value.remedy
