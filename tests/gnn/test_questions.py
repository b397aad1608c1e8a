import numpy as np
import pytest
import torch

from gnn.build import learned
from gnn.context import contexts
from gnn.data import read_shop
from gnn.popularity import demand
from gnn.questions import batches
from gnn.tasks import Questions, Ragged, Split
from gnn.terms import fit_terms
from gnn.train import validation_split


@pytest.fixture(scope="module")
def asked(snapshot):
    split = validation_split(read_shop(snapshot), "time", 0)
    before = learned(split.seen, seed=0, device="cpu", seconds=0.0)
    return split, fit_terms(split.seen, before.found, before.smooth, before.vectors())


def prepared(asked, threads, **more):
    split, terms = asked
    set_to = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        known = demand(split.seen), contexts(split.seen)
        return batches(split, terms, *known, np.random.default_rng(7), **more)
    finally:
        torch.set_num_threads(set_to)


def test_questions_do_not_depend_on_who_is_done_first(asked):
    alone, together = prepared(asked, 1), prepared(asked, 4)
    assert len(alone) == len(together) > 0
    for mine, other in zip(alone, together, strict=True):
        assert torch.equal(mine.candidates, other.candidates)
        assert torch.equal(mine.stands_for, other.stands_for)
        assert (mine.paths.values == other.paths.values).all()
        assert (mine.paths.columns == other.paths.columns).all()


def test_answers_come_first_and_no_other_candidate_is_had_already(asked):
    split, _ = asked
    for batch in prepared(asked, 2):
        assert (batch.right.sum(1) > 0).all()
        for row in range(len(batch.right)):
            count = int(batch.right[row].sum())
            assert (batch.right[row, :count] == 1).all()
            real = batch.stands_for[row] > 0
            had = batch.products[row][(batch.behaviours[row] == split.seen.target) & (batch.present[row] > 0)]
            assert not np.isin(batch.candidates[row][real][count:].numpy(), had.numpy()).any()


def test_where_time_is_short_there_are_fewer_questions(asked, monkeypatch):
    monkeypatch.setattr("gnn.questions.FEWEST_USERS", 5)
    short, whole = (sum(len(b.right) for b in prepared(asked, 1, seconds=s)) for s in (0.0, 600.0))
    assert 5 <= short < whole


def test_people_without_a_history_are_asked_beside_the_others(asked):
    split, terms = asked
    known, new = split.questions, np.array([3], np.int32)
    nobody = split.seen.without(np.flatnonzero(split.seen.events.user == new[0]))
    answers = Ragged.from_rows(np.zeros(2, np.int32), np.array([0, 7], np.int32), 1)
    newcomers = Questions(new, known.as_of_ms[:1], answers)
    rest = known.take(np.flatnonzero(known.user != new[0]))
    both = prepared((Split(nobody, rest, newcomers), terms), 1)
    alone = prepared((Split(nobody, rest), terms), 1)
    assert sum(len(batch.right) for batch in both) == sum(len(batch.right) for batch in alone) + 1
    (first,) = [batch for batch in both if not batch.present[0].any()]
    assert set(first.candidates[0][first.right[0] > 0].tolist()) == {0, 7}
    assert not first.paths.sums(torch.ones(sum(len(t.variants) for t in terms), *first.present.shape))[:, 0].any()
