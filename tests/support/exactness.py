"""Served scores held against `NaiveScorer` and the sum of their parts, over HTTP."""

import random
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from naive_scorer import NaiveScorer
from served_shop import Client

_BATCH = 50
_PART = """%s: explain(audience: {userId: "%s"}, productId: "%s", asOf: "%s") {
    score prior remainder { value } contributions(first: 100) { value } }"""

Pair = tuple[str, str]
Rows = list[tuple[str, str, int, datetime]]


def check_exactness(shop: Client, snapshot: Path, artifact: Path, *, pairs: int, users: int) -> None:
    """Half of the pairs are from the first twenty of some users, half are any product for any of them."""
    naive = NaiveScorer(snapshot, artifact)
    histories = histories_of(naive)
    chance = random.Random(5)
    some = chance.sample(sorted(histories), min(users, len(histories)))
    served, as_of = _served(shop, some)
    asked = chance.sample(served, pairs // 2)
    asked += [(chance.choice(some), chance.choice(naive.ids)) for _ in range(pairs - len(asked))]
    moment = datetime.fromisoformat(as_of)
    naive.at(moment)
    for (user, product), found in _explained(shop, asked, as_of):
        parts = [part["value"] for part in found["contributions"]] + [found["remainder"]["value"]]
        size = abs(found["prior"]) + sum(map(abs, parts))
        assert found["prior"] + sum(parts) == pytest.approx(found["score"], abs=1e-5 * size)
        expected = naive.score(histories[user], product, moment, viewer=user)
        assert found["score"] == pytest.approx(expected, abs=1e-5 * size), (user, product)


def histories_of(naive: NaiveScorer) -> dict[str, Rows]:
    """Every known user's events by product and behaviour, counted in plain loops."""
    units: dict[str, dict[tuple[str, str], list[datetime]]] = defaultdict(lambda: defaultdict(list))
    for event in naive.events:
        if event["user"] is not None:
            unit = naive.ids[event["product"]], event["behaviour"]
            units[naive.users[event["user"]]][unit].append(event["time"])
    return {
        user: [(product, behaviour, len(times), max(times)) for (product, behaviour), times in found.items()]
        for user, found in units.items()
    }


def _served(shop: Client, users: list[str]) -> tuple[list[Pair], str]:
    """Everything in the first twenty of some users, and a moment to ask about it again."""
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
