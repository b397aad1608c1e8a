from dataclasses import replace

import numpy as np
import pytest

from benchmarks import stored
from benchmarks.made_shop import made_shop
from gnn.train import validation_split


@pytest.fixture(scope="module")
def split():
    return validation_split(made_shop(60, 80, seed=2), "time", 0)


@pytest.fixture(scope="module")
def walked(split):
    return stored.trained(split, 0, "list")


def test_an_entry_is_what_the_walk_gives_one_unit(walked):
    for term in walked.scorer.terms:
        if term.term.kind != "self":
            entries = stored.stored(term, None).toarray()
            for product in (0, 7, 59):
                expected = term.scores(np.array([product]), np.ones(1), np.empty(0, np.int64))
                expected[product] = 0.0
                assert entries[product] == pytest.approx(expected, rel=1e-5, abs=1e-9)


def test_the_strongest_entries_of_each_product_are_kept(walked):
    term = next(t for t in walked.scorer.terms if t.term.two_steps)
    whole, cut = stored.stored(term, None).toarray(), stored.stored(term, 3).toarray()
    assert ((cut > 0).sum(1) == np.minimum((whole > 0).sum(1), 3)).all()
    for row, kept in zip(whole, cut, strict=True):
        assert sorted(kept[kept > 0]) == pytest.approx(sorted(row[row > 0])[-3:])


def test_with_all_entries_what_a_history_does_not_hold_has_the_scores_of_the_walk(walked, split):
    rest = replace(walked, scorer=replace(walked.scorer, terms=()))
    terms = [t for t in walked.scorer.terms if t.term.kind != "self"]
    looked_up = stored.StoredRanker(rest, [(t, stored.stored(t, None)) for t in terms])
    asked = split.questions
    for user, found, expected in zip(asked.user, looked_up(asked), walked(asked), strict=True):
        own = {product for term in terms for product in term.by_middle[term.owned_by(int(user))].indices}
        new = ~np.isin(np.arange(len(found)), [*own, *walked.past.of(int(user)).products])
        assert found[new] == pytest.approx(expected[new], rel=1e-4, abs=1e-4)


def test_fewer_entries_take_less_memory(walked, split):
    rows = stored.compared(walked, split, split.questions)
    assert [row["form"] for row in rows] == ["walked", "all stored", *(f"{kept} stored" for kept in stored.KEPT[1:])]
    entries = [row["entries"] for row in rows[1:]]
    assert entries == sorted(entries, reverse=True)
    stored.show(rows)
