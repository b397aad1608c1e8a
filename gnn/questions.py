"""Questions for fitting: users with their paths to what they took next and to hard and random others.

Where all products compete, the others are found by `gnn.candidates`; where a question names its candidates, they
are these.
"""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
import torch
from torch import Tensor

from gnn.batch import Dots, Personal
from gnn.candidates import Competitors, Shares
from gnn.context import Contexts
from gnn.histories import Histories, histories
from gnn.path_values import PathValues, joined, of_person
from gnn.paths import FloatArray, IntArray, PathTerm
from gnn.popularity import Demand
from gnn.tasks import Ranker, Split
from gnn.units import MS_PER_DAY, History

# NDCG@20 of 10,000 validation users of gowalla whom the fit had not seen is .1369 with 1,000 people, .1393 with 2,000,
# .1398 with 3,000 and with 6,000; on amazon_beauty 1,000 and 3,000 give the same.
FEWEST_USERS, MOST_USERS = 64, 3_000
MOST_UNITS = 100
MOST_ANSWERS = 20
BATCH = 32
# Questions that are prepared side by side before the next are begun.
AT_ONCE = 64
# Scores that are held at once for them: 128 MiB.
MOST_SCORES = 2**25
# Path values held in memory at once, over all users; each takes eight bytes.
MOST_VALUES = 75_000_000


@dataclass(frozen=True)
class FitTerm:
    """One term as fitting sees it: values between products, without factors of degree at the ends.

    Attributes:
        name: of the term.
        variants: (V, P) what each value that it gives for a pair is made of: shares of the middle's powers, or
            of the low-pass filter's; fitting weighs the V values.
        signed: whether the weights of variants may be negative.
        between: (starts, ends, person) -> V arrays (J, I) without any path through the person.
        first: the term by itself, with the exponents that fitting starts from: what it ranks first competes.
        out_degree, degree: (N,) of products as the start and as the end.
        start, end: exponents that fitting starts from.
    """

    name: str
    variants: tuple[tuple[float, ...], ...]
    signed: bool
    between: Callable[[IntArray, IntArray, int], Sequence[FloatArray]]
    first: PathTerm | Dots
    out_degree: FloatArray
    degree: FloatArray
    start: float
    end: float


@dataclass(frozen=True)
class Batch:
    """B users, padded to J units and I candidates; the first candidates of each are the answers.

    Attributes:
        paths: values of R variants of all terms, in order.

    Shapes:
        products, behaviours, events, age: (B, J); age in days.
        present: (B, J) 1 for a unit, 0 for padding.
        candidates: (B, I)
        stands_for: (B, I) how many products a candidate stands for: 1 for one that was chosen on purpose, more
            for one that was drawn at random, 0 for padding.
        right: (B, I) 1 for an answer.
        popularity: (H, B, I) standardised log demand of the candidates at the moment of the question.
        context: (C, B, I) lifts of the candidates by each property of the user.
        lengths: (B,) units of the whole history.
    """

    paths: PathValues
    products: Tensor
    behaviours: Tensor
    events: Tensor
    age: Tensor
    present: Tensor
    candidates: Tensor
    stands_for: Tensor
    right: Tensor
    popularity: Tensor
    context: Tensor
    lengths: Tensor


@dataclass(frozen=True)
class _Question:
    user: int
    history: History
    paths: sp.csr_array
    candidates: IntArray
    stands_for: FloatArray
    answers: int
    as_of_ms: int
    length: int


def batches(
    split: Split,
    terms: Sequence[FitTerm],
    demand: Demand,
    contexts: Contexts,
    generator: np.random.Generator,
    model: Ranker | None = None,
    seconds: float = math.inf,
) -> list[Batch]:
    """Users with something to answer, as many as fit into memory and time, in padded batches.

    Args:
        split: what is asked of what.
        terms: all terms of the score.
        demand, contexts: of what may be seen.
        generator: draws users and candidates.
        model: an earlier fit, whose own first products are then the hard candidates.
        seconds: the longest that it may take, once there are a few.
    """
    found: list[_Question] = []
    room, started = MOST_VALUES, time.monotonic()
    for question in _questions(split, terms, model, demand, generator):
        room -= question.paths.nnz
        if room < 0 or (len(found) >= FEWEST_USERS and time.monotonic() - started > seconds):
            break
        found.append(question)
    found.sort(key=lambda question: len(question.history))
    return [_batch(demand, contexts, found[at : at + BATCH]) for at in range(0, len(found), BATCH)]


def _questions(
    split: Split,
    terms: Sequence[FitTerm],
    model: Ranker | None,
    demand: Demand,
    generator: np.random.Generator,
) -> Iterator[_Question]:
    past, asked, n = histories(split.seen), split.to_fit, split.seen.products
    popular = demand.log()[-1]
    alone = [_alone(term, past, n) for term in terms]
    competitors = Competitors(asked, past, split.seen.target, popular, alone, model, Shares.by(popular))

    def question(row: int, hard: Sequence[IntArray], generator: np.random.Generator) -> _Question:
        user, as_of_ms = int(asked.user[row]), int(asked.as_of_ms[row])
        whole = past.of(user)
        # The latest units of a very long history, so that one person does not fill the memory.
        history = whole.take(np.sort(np.argsort(-whole.last_ms, kind="stable")[:MOST_UNITS]))
        answers = generator.permutation(asked.answers.of(row))[:MOST_ANSWERS]
        if asked.candidates is None:
            others, stands_for = competitors.others(row, hard, generator)
        else:
            others, stands_for = asked.candidates.of(row), np.ones(len(asked.candidates.of(row)))
        fair = ~np.isin(others, asked.answers.of(row))
        candidates = np.concatenate([answers, others[fair]])
        return _Question(
            user=user,
            history=history,
            paths=of_person([v for term in terms for v in term.between(history.products, candidates, user)]),
            candidates=candidates,
            stands_for=np.concatenate([np.ones(len(answers)), stands_for[fair]]),
            answers=len(answers),
            as_of_ms=as_of_ms,
            length=len(whole),
        )

    # Where candidates are given, those of somebody without an answer are compared with others' all the same.
    asking = asked.answers.lengths() > 0 if asked.candidates is None else asked.candidates.lengths() > 0
    rows = generator.permutation(np.flatnonzero(asking))[:MOST_USERS].tolist()
    at_once = max(1, min(AT_ONCE, MOST_SCORES // n))
    # Walks let go of the interpreter. Some at a time, since only what comes says how many fit into memory; each
    # with draws of its own, so that it does not matter who is done first.
    with ThreadPoolExecutor(torch.get_num_threads()) as pool:
        for at in range(0, len(rows), at_once):
            some = rows[at : at + at_once]
            hard = competitors.hard(some, pool) if asked.candidates is None else [[] for _ in some]
            yield from pool.map(question, some, hard, generator.spawn(len(some)))


def _alone(term: FitTerm, past: Histories, products: int) -> Personal:
    """One term as a ranker."""
    if isinstance(term.first, Dots):
        return Personal(products, (), (term.first,), past)
    return Personal(products, (term.first,), (), past)


def _batch(demand: Demand, contexts: Contexts, questions: Sequence[_Question]) -> Batch:
    units = max(1, *(len(q.history) for q in questions))
    wide = max(len(q.candidates) for q in questions)
    popularity = np.zeros((len(demand.horizons), len(questions), wide), np.float32)
    lifts = np.zeros((len(contexts.priors), len(questions), wide), np.float32)
    for row, q in enumerate(questions):
        moments = np.full(len(q.candidates), q.as_of_ms)
        popularity[:, row, : len(q.candidates)] = demand.log_of(q.candidates, moments)
        lifts[:, row, : len(q.candidates)] = contexts.lifts(q.user, q.candidates)
    right = [np.arange(len(q.candidates)) < q.answers for q in questions]
    return Batch(
        paths=joined([q.paths for q in questions]),
        products=_padded([q.history.products for q in questions], units, 0).long(),
        behaviours=_padded([q.history.behaviours for q in questions], units, 0).long(),
        events=_padded([q.history.events for q in questions], units, 1.0),
        age=_padded([np.maximum(q.as_of_ms - q.history.last_ms, 0) / MS_PER_DAY for q in questions], units, 0.0),
        present=_padded([np.ones(len(q.history)) for q in questions], units, 0.0),
        candidates=_padded([q.candidates for q in questions], wide, 0).long(),
        stands_for=_padded([q.stands_for for q in questions], wide, 0.0),
        right=_padded(right, wide, 0.0),
        popularity=torch.from_numpy(popularity),
        context=torch.from_numpy(lifts),
        lengths=torch.tensor([float(max(q.length, 1)) for q in questions]),
    )


def _padded(rows: Sequence[npt.NDArray[np.generic]], width: int, filling: float) -> Tensor:
    table = np.full((len(rows), width), filling, np.float32)
    for number, row in enumerate(rows):
        table[number, : len(row)] = row
    return torch.from_numpy(table)
