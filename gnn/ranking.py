"""Ranked lists of products as the answers to questions, many at a time.

The first k of tens of thousands of scores are found exactly, equal scores by position, in time that
does not depend on how many of them are equal: `Selector` looks at the maxima of short blocks first.

Shapes: C questions, N products, P candidates of all questions together, B questions in a batch.
"""

from collections.abc import Iterator
from math import isqrt

import numpy as np
import torch

from gnn.data import Float32, Int64, Shop
from gnn.paths import BoolArray, IntArray
from gnn.tasks import Questions, Ragged, Ranker
from schema.errors import PathrecError
from schema.progress import Report, silent

BATCH = 256
NOTHING = np.empty(0, np.int32)


class RankingError(PathrecError):
    """Questions cannot be answered with these scores."""


def history_products(shop: Shop) -> Ragged:
    """What each user has already: U lists of distinct products with the target behaviour."""
    return met_products(shop, shop.events.behaviour == shop.target)


def met_products(shop: Shop, kept: BoolArray) -> Ragged:
    """U lists of the distinct products, lowest position first, in some of the (E,) events."""
    events = shop.events.take(kept & (shop.events.user >= 0))
    user, product = np.divmod(np.unique(events.user.astype(np.int64) * shop.products + events.product), shop.products)
    return Ragged.from_rows(user, product, shop.users)


def rank(
    ranker: Ranker,
    questions: Questions,
    seen: Ragged | None,
    k: int,
    *,
    batch: int = BATCH,
    ties_against: bool = False,
    report: Report = silent,
) -> Int64:
    """The first k products for each question, best first. Scores are compared as float32.

    Args:
        ranker: gives the scores. A product that it scores -inf is in no list.
        questions: C questions. Where they name candidates, only those are ranked.
        seen: U lists by position of the user, left out of a ranking of all products unless
            `questions.repeats`; None if nobody has anything.
        k: length of the lists.
        batch: questions that are scored at once.
        ties_against: an answer comes after the other products with its score; else the lower position
            comes first.
        report: hears how many questions are done.

    Returns:
        (C, k) positions of products, -1 where there are fewer.

    Raises:
        RankingError: k is not positive, a score is NaN, scores are of the wrong shape, or `seen` has no list
            of somebody who asks.
    """
    if k < 1:
        raise RankingError(f"k = {k}: give a length of lists of at least 1")
    if questions.candidates is not None:
        scores = candidate_scores(ranker, questions, batch=batch, report=report)
        return rank_candidates(questions, scores, k, ties_against=ties_against)
    if questions.repeats:
        seen = None
    if seen is not None:
        require_known(questions, len(seen))
    ranked, selector = np.full((len(questions), k), -1, np.int64), None
    for rows, part, scores in _scored(ranker, questions, batch, report):
        selector = selector or Selector(min(batch, len(questions)), scores.shape[1], k)
        ranked[rows] = _rank_all(selector, part, scores, seen, ties_against)
    return ranked


def candidate_scores(ranker: Ranker, questions: Questions, *, batch: int = BATCH, report: Report = silent) -> Float32:
    """(P,) scores of `questions.candidates.products`.

    Raises:
        RankingError: the questions name no candidates, a score is NaN, or scores are of the wrong shape.
    """
    if questions.candidates is None:
        raise RankingError("the questions are about all products; name their candidates to have those scored")
    found = [np.empty(0, np.float32)]
    for _, part, scores in _scored(ranker, questions, batch, report):
        if part.candidates is not None:
            found.append(scores[part.candidates.rows(), part.candidates.products])
    return np.concatenate(found)


def rank_candidates(questions: Questions, scores: Float32, k: int, *, ties_against: bool = False) -> Int64:
    """(C, k) the first k candidates of each question by their (P,) scores; else as `rank`."""
    lists = questions.candidates
    if lists is None or len(lists.products) != len(scores):
        raise RankingError(f"{len(scores)} scores are not those of the candidates; get them by candidate_scores")
    after = labels(questions) if ties_against else np.zeros(len(scores), bool)
    return _ordered(lists.rows(), lists.products, scores, after, (len(questions), k))


def labels(questions: Questions) -> BoolArray:
    """(P,) whether each candidate is an answer; empty if the questions name none."""
    lists = questions.candidates
    return np.empty(0, bool) if lists is None else contains(questions.answers, lists.rows(), lists.products)


def contains(lists: Ragged, rows: IntArray, products: IntArray) -> BoolArray:
    """Whether product p is in list r, for each pair of two arrays of one shape; -1 is in none."""
    wanted, keys = _keys(rows, products), np.sort(_keys(lists.rows(), lists.products))
    # Past the end stands -1, which is also the key of product -1 in whatever row: neither is in a list.
    at = np.searchsorted(keys, wanted)
    return np.asarray((np.append(keys, -1)[at] == wanted) & (wanted >= 0))


def repeated(lists: Ragged) -> tuple[int, int] | None:
    """A row and the product that is in its list twice, if there is one."""
    keys = np.sort(_keys(lists.rows(), lists.products))
    twice = keys[1:][keys[1:] == keys[:-1]]
    return (int(twice[0] >> 32), int(twice[0] & 0xFFFFFFFF)) if len(twice) else None


def require_known(questions: Questions, users: int) -> None:
    """Refuses positions of users outside 0 .. users - 1, which would be answered as somebody else.

    Raises:
        RankingError: naming the first of them.
    """
    unknown = questions.user[(questions.user < 0) | (questions.user >= users)]
    if len(unknown):
        raise RankingError(f"user {unknown[0]} asks, but the users known are 0 to {users - 1}; ask for those")


class Selector:
    """Finds the first k in rows of scores, ties by position. Its memory is used again for each batch.

    A row is cut into blocks of neighbouring positions. The k blocks with the largest maxima, the earlier
    block before an equal one, hold the first k: a product outside them has k block maxima before it. So
    only those blocks are looked into. `torch.topk` alone leaves open which of equal scores it picks.
    """

    def __init__(self, rows: int, products: int, k: int) -> None:
        width = max(1, isqrt(products // k))
        self.products, self.k = products, k
        self.blocks = np.full((rows, -(-products // width), width), -np.inf, np.float32)

    def __call__(self, scores: Float32, left_out: tuple[IntArray, IntArray]) -> tuple[Int64, Float32]:
        """Positions (B, k) and their scores.

        Args:
            scores: (B, N) without NaN.
            left_out: rows and positions that are not ranked.

        Returns:
            -1 and -inf where there are fewer than k.
        """
        blocks = self.blocks[: len(scores)]
        flat = blocks.reshape(len(blocks), -1)
        flat[:, : self.products] = scores
        flat[left_out] = -np.inf
        # numpy takes three times as long for maxima of so few numbers.
        best = torch.from_numpy(blocks).amax(dim=2).numpy()
        chosen = np.sort(_largest(best, self.k), axis=1)
        inside = np.take_along_axis(blocks, chosen[:, :, None], axis=1).reshape(len(blocks), -1)
        at = _largest(inside, self.k)
        width = blocks.shape[2]
        found = np.take_along_axis(chosen, at // width, axis=1) * width + at % width
        values = np.take_along_axis(inside, at, axis=1)
        return np.where(values == -np.inf, -1, found), values


def _largest(values: Float32, k: int) -> Int64:
    """(B, min(k, M)) where the largest of (B, M) values are, largest first, ties to the lower index."""
    # As integers the bits of floats order like the floats once those of negative ones are flipped. With
    # the index in the lower half no two keys are equal. Adding 0 makes -0 the equal of 0.
    bits = (values + np.float32(0)).view(np.int32)
    keys = (~(bits ^ ((bits >> 31) & 0x7FFFFFFF))).astype(np.int64) << 32 | np.arange(values.shape[1])
    if k < keys.shape[1]:
        keys = np.partition(keys, k - 1, axis=1)[:, :k]
    return np.sort(keys, axis=1) & 0xFFFFFFFF


def _rank_all(selector: Selector, part: Questions, scores: Float32, seen: Ragged | None, ties_against: bool) -> Int64:
    """(B, k) for a batch of questions about all products."""
    had = Ragged.from_rows(NOTHING, NOTHING, len(part)) if seen is None else seen.take(part.user)
    rows, products = had.rows(), had.products
    if not ties_against:
        found, _ = selector(scores, (rows, products))
        return np.pad(found, ((0, 0), (0, selector.k - found.shape[1])), constant_values=-1)
    # The best others and all answers are found apart, so that their order can be settled where they tie.
    asked, answers = part.answers.rows(), part.answers.products
    fresh = ~contains(had, asked, answers)
    others, values = selector(scores, (np.r_[rows, asked], np.r_[products, answers]))
    return _ordered(
        np.r_[np.repeat(np.arange(len(part)), others.shape[1]), asked[fresh]],
        np.r_[others.ravel(), answers[fresh]],
        np.r_[values.ravel(), scores[asked, answers][fresh]],
        np.arange(others.size + np.count_nonzero(fresh)) >= others.size,
        (len(part), selector.k),
    )


def _ordered(rows: IntArray, products: IntArray, scores: Float32, after: BoolArray, shape: tuple[int, int]) -> Int64:
    """Lists of shape (C, k) from (row, product, score) triples; of equal scores those marked `after` come last."""
    order = np.lexsort((products, after, -scores, rows))
    order = order[scores[order] > -np.inf]
    row = rows[order]
    place = np.arange(len(row)) - np.searchsorted(row, row)
    kept = place < shape[1]
    ranked = np.full(shape, -1, np.int64)
    ranked[row[kept], place[kept]] = products[order][kept]
    return ranked


def _scored(
    ranker: Ranker, questions: Questions, batch: int, report: Report
) -> Iterator[tuple[slice, Questions, Float32]]:
    for start in range(0, len(questions), batch):
        rows = slice(start, min(start + batch, len(questions)))
        part = questions.take(np.arange(rows.start, rows.stop))
        scores = np.asarray(ranker(part), np.float32)
        if scores.ndim != 2 or len(scores) != len(part):
            raise RankingError(f"{len(part)} questions got scores of shape {scores.shape}; give one row for each")
        if np.isnan(scores.max(initial=-np.inf)):  # which NaN gets through
            row, product = np.argwhere(np.isnan(scores))[0]
            raise RankingError(
                f"the score of product {product} for the user at position {part.user[row]} (question {start + row}) "
                "is not a number; look for a division by zero or an overflow in the model"
            )
        yield rows, part, scores
        report("answering questions", rows.stop, len(questions))


def _keys(rows: IntArray, products: IntArray) -> Int64:
    return np.asarray(rows.astype(np.int64) << 32 | products)
