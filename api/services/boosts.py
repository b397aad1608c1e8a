"""What rules put on scores, and whom it moves.

Where an index gives scores to the best products only, those that a rule lifts get one as well, and whatever ends up
below the least of the best loses it: what has a score are still the best.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from api.services.catalogue import BoolArray, FloatArray
from api.services.viewing import Extra, Ranked, Viewing
from gnn.paths import IntArray


def boosted(viewing: Viewing) -> Viewing:
    """An answer with the rules that order lists at its moment, and what they put on its scores."""
    rules = viewing.state.rules.ordering(viewing.as_of)
    viewing = replace(viewing, rules=rules)
    if not rules.weights:
        return viewing
    deviation = viewing.state.scorer.deviation
    extras = []
    for found in rules.weights:
        values = np.zeros(len(viewing.scores))
        values[found.products] = deviation * found.deviations
        extras.append(Extra("BOOST", values, found.rule.id))
    if not viewing.only_the_best:
        return viewing.with_extras(*extras)
    least = viewing.scores[viewing.scores > -np.inf].min()
    lifted = np.flatnonzero(sum(extra.values for extra in extras) > 0)
    viewing = with_scores_of(viewing, lifted).with_extras(*extras)
    return replace(viewing, scores=np.where(viewing.scores < least, -np.inf, viewing.scores))


def with_scores_of(viewing: Viewing, products: IntArray) -> Viewing:
    """The same with the scores of some more products, where an index has left them out."""
    state, lacking = viewing.state, products[viewing.scores[products] == -np.inf]
    if state.index is None or not len(lacking):
        return viewing
    told = viewing.heard.stated
    found = state.index.scores_of(
        state.scorer, viewing.history, viewing.as_of, viewing.audience.user_id, told, products=lacking
    )
    scores = viewing.scores.copy()
    scores[lacking] = found + sum(extra.values[lacking] for extra in viewing.extras)
    return replace(viewing, scores=scores)


def with_all_scores(viewing: Viewing) -> Viewing:
    """The same with the score of every product; those that had one have the same, so that cursors go on."""
    return with_scores_of(viewing, np.arange(len(viewing.scores)))


def told_apart(viewing: Viewing, allowed: BoolArray, items: Sequence[Ranked]) -> tuple[Ranked, ...]:
    """The products of a list with the rule that moved each: whose weights change its rank among what may be shown.

    What others are moved past is not moved by them.
    """
    boosts = [extra for extra in viewing.extras if extra.kind == "BOOST"]
    if not boosts:
        return tuple(items)
    plain = viewing.scores - sum(extra.values for extra in boosts)

    def labelled(item: Ranked) -> Ranked:
        at = item.position
        strongest = max(boosts, key=lambda extra: abs(float(extra.values[at])))
        if item.placement != "SCORE" or not strongest.values[at]:
            return item
        moved = _before(viewing.scores, allowed, at) != _before(plain, allowed, at)
        return replace(item, placement="RULE", rule=strongest.rule) if moved else item

    return tuple(map(labelled, items))


def _before(scores: FloatArray, allowed: BoolArray, position: int) -> int:
    """How many of those that may be shown come before a product."""
    before = scores > scores[position]
    before[:position] |= scores[:position] == scores[position]
    return int(np.count_nonzero(before & allowed))
