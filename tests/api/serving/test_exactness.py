"""Scores and their parts against a scorer that shares no code with the model, over HTTP."""

import random
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from naive_scorer import NaiveScorer
from served_shop import Client

from api import registry

PAIRS = 1_000
_BATCH = 50
_PART = """%s: explain(audience: {userId: "%s"}, productId: "%s", asOf: "%s") {
    score prior remainder { value } contributions(first: 100) { value } }"""

Pair = tuple[str, str]


@pytest.fixture(scope="module")
def quiet(serve: Callable[[Path], Client], untouched: Path) -> Client:
    """A server whose shop nobody writes to."""
    return serve(untouched)


@pytest.fixture(scope="module")
def naive(untouched: Path) -> NaiveScorer:
    artifact = registry.served(untouched)
    assert artifact is not None
    return NaiveScorer(untouched / "snapshot", artifact)


def test_scores_are_those_of_a_naive_scorer_and_the_sum_of_their_parts(quiet: Client, naive: NaiveScorer) -> None:
    chance = random.Random(5)
    served, as_of = _served(quiet, naive.users)
    pairs = chance.sample(served, PAIRS // 2)
    pairs += [(chance.choice(naive.users), chance.choice(naive.ids)) for _ in range(PAIRS - len(pairs))]
    moment = datetime.fromisoformat(as_of)
    histories = {user: _history(naive, user) for user in naive.users}
    for (user, product), found in _explained(quiet, pairs, as_of):
        parts = [part["value"] for part in found["contributions"]] + [found["remainder"]["value"]]
        size = abs(found["prior"]) + sum(map(abs, parts))
        assert found["prior"] + sum(parts) == pytest.approx(found["score"], abs=1e-5 * size)
        expected = naive.score(histories[user], product, moment, viewer=user)
        assert found["score"] == pytest.approx(expected, abs=1e-5 * size), (user, product)


def _served(shop: Client, users: list[str]) -> tuple[list[Pair], str]:
    """Everything in the first twenty of every user, and a moment to ask about it again."""
    query = "query($u: String) { recommendations(audience: {userId: $u}) { asOf edges { node { productId } } } }"
    answers = {user: shop.ask(query, u=user)["recommendations"] for user in users}
    pairs = [(user, edge["node"]["productId"]) for user, answer in answers.items() for edge in answer["edges"]]
    return pairs, answers[users[-1]]["asOf"]


def _explained(shop: Client, pairs: list[Pair], as_of: str) -> Iterator[tuple[Pair, dict[str, Any]]]:
    for start in range(0, len(pairs), _BATCH):
        some = pairs[start : start + _BATCH]
        body = " ".join(_PART % (f"e{n}", *pair, as_of) for n, pair in enumerate(some))
        answer = shop.ask(f"{{ {body} }}")
        yield from ((pair, answer[f"e{n}"]) for n, pair in enumerate(some))


def _history(naive: NaiveScorer, user: str) -> list[tuple[str, str, int, datetime]]:
    """A user's events by product and behaviour, counted in plain loops."""
    units: dict[tuple[str, str], list[datetime]] = {}
    for event in naive.events:
        if event["user"] is not None and naive.users[event["user"]] == user:
            units.setdefault((naive.ids[event["product"]], event["behaviour"]), []).append(event["time"])
    return [(product, behaviour, len(times), max(times)) for (product, behaviour), times in units.items()]
