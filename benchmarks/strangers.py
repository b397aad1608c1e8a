"""What interests and words are worth for somebody without history, and texts for a profile.

    python -m benchmarks.strangers SNAPSHOT ARTIFACT

Of people who bought at least six times: from the first half of their purchases come the two nodes of a relation that
they took most of, or the title of one product; the products of the second half are sought, by the prior and the trend
of the moment between. The model was trained on all of it and the way interests count was chosen by these figures:
they compare ways, they do not say how well a shop would do.
"""

import argparse
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from gnn.artifact import load_artifact
from gnn.data import Shop, read_shop
from gnn.interests import Interest, stated, vector_of
from gnn.paths import FloatArray, IntArray, PathTerm
from gnn.popularity import Moment, demand
from gnn.profile import Profile, profile
from gnn.scoring import Scorer, top
from schema import open_snapshot

USERS, LIST, FEWEST, NODES = 400, 20, 6, 2
_FLOOR = 0.02
"""Of a profile is taken for all nodes alike, so that no later purchase is impossible."""


@dataclass(frozen=True)
class Question:
    """Somebody at a moment: what they had bought by then, and what they bought after it for the first time."""

    scorer: Scorer
    at: datetime
    past: IntArray
    later: IntArray

    def recall(self, personal: FloatArray) -> float:
        """Recall in the first products, given what each gets before the trend."""
        scores = self.scorer.prior + self.scorer.trend * personal
        allowed = np.ones(self.scorer.size, bool)
        allowed[self.past] = False
        return float(np.isin(top(scores, LIST, allowed), self.later).sum() / min(LIST, len(self.later)))

    def profile(self) -> Profile:
        """What they are interested in by then, each product bought once and just now."""
        target = self.scorer.ontology.target_behaviour
        rows = [(self.scorer.product_ids[position], target, 1, self.at) for position in self.past.tolist()]
        return profile(self.scorer, self.scorer.history(rows), self.at)


def questions(shop: Shop, scorer: Scorer, seed: int = 0) -> Iterator[Question]:
    """Those of `USERS` people, in a random order."""
    if scorer.pulse is None:
        raise SystemExit("this shop has no times")
    moment = Moment(demand(shop), scorer.pulse.prior, scorer.pulse.trend)
    events, found = shop.events, 0
    bought = events.behaviour == shop.behaviours.index(shop.ontology.target_behaviour)
    for user in np.random.default_rng(seed).permutation(shop.users):
        own = np.flatnonzero(bought & (events.user == user))  # events are in order of time
        if len(own) < FEWEST:
            continue
        cut = events.time_ms[own[len(own) // 2]]
        before = events.time_ms[own] < cut
        past = np.unique(events.product[own[before]])
        later = np.setdiff1d(events.product[own[~before]], past)
        if not len(past) or not len(later):
            continue
        prior, trend = moment.at(np.array([cut]), shop.products)
        at = datetime.fromtimestamp(cut / 1000, UTC)
        yield Question(replace(scorer, prior=prior[0], trend=trend[0]), at, past, later)
        found += 1
        if found == USERS:
            return


def of_interests(asked: list[Question], term: PathTerm) -> dict[str, float]:
    """Mean recall by how the most frequent nodes of a relation count."""

    def nodes(question: Question) -> IntArray:
        counts = np.asarray(term.links[question.past].sum(axis=0)).ravel()
        most = np.argsort(-counts, kind="stable")[:NODES]
        return np.asarray(most[counts[most] > 0])

    def by_theta(question: Question) -> FloatArray:
        theta = term.weights[question.scorer.behaviours.index(question.scorer.ontology.target_behaviour)]
        chosen = nodes(question)
        return np.asarray(theta * (term.links[:, chosen] @ term.middle_factor[chosen]) * term.end_factor / term.scale)

    def by_interest(question: Question) -> FloatArray:
        liked = [Interest(term.term.relation, (term.keys[node],)) for node in nodes(question)]
        return stated(question.scorer, liked).lifts(question.scorer)

    return _recalls(asked, {"theta": by_theta, "as it is": by_interest})


def of_words(asked: list[Question], texts: FloatArray) -> dict[str, float]:
    """Mean recall by how the text of one product that was bought counts."""
    chosen = {id(question): texts[question.past[n % len(question.past)]] for n, question in enumerate(asked)}

    def by_theta(question: Question) -> FloatArray:
        latent = question.scorer.latent
        if latent is None:
            raise SystemExit("this model has no vectors")
        theta = latent.weights[question.scorer.behaviours.index(question.scorer.ontology.target_behaviour)]
        return np.asarray(
            theta * latent.start_factor.max() * (latent.vectors @ vector_of(latent, chosen[id(question)]))
        )

    def by_words(question: Question) -> FloatArray:
        return stated(question.scorer, (), chosen[id(question)]).lifts(question.scorer)

    return _recalls(asked, {"theta": by_theta, "as it is": by_words})


def _recalls(asked: list[Question], ways: dict[str, Callable[[Question], FloatArray]]) -> dict[str, float]:
    ways = {"nothing": lambda question: np.zeros(question.scorer.size), **ways}
    return {name: round(float(np.mean([q.recall(way(q)) for q in asked])), 4) for name, way in ways.items()}


def of_profiles(asked: list[Question]) -> dict[str, float]:
    """Mean log-likelihood of the nodes of later purchases, by the links of what was bought alone and with texts."""
    found: dict[str, list[float]] = {"graph": [], "graph and texts": []}
    for question in asked:
        known = question.profile()
        wanted = _nodes(question)
        for name, weights in (("graph", known.links), ("graph and texts", known.links + known.texts)):
            share = np.asarray(weights.sum(axis=0), np.float64).ravel()
            share = (1 - _FLOOR) * share / share.sum() + _FLOOR / len(share)
            found[name].append(float(wanted @ np.log(share)))
    return {name: round(float(np.mean(values)), 3) for name, values in found.items()}


def _nodes(question: Question) -> FloatArray:
    """(K,) how often each node is among the links of what was bought later."""
    target = question.scorer.ontology.target_behaviour
    rows = [(question.scorer.product_ids[position], target, 1, question.at) for position in question.later.tolist()]
    later = profile(question.scorer, question.scorer.history(rows), question.at)
    share = np.asarray(later.links.sum(axis=0), np.float64).ravel()
    return np.asarray(share / share.sum())


def main() -> None:
    """Measures and reports."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("snapshot", type=Path)
    parser.add_argument("artifact", type=Path)
    options = parser.parse_args()
    snapshot, scorer = open_snapshot(options.snapshot), load_artifact(options.artifact).scorer
    shop = read_shop(snapshot)
    asked = list(questions(shop, scorer))
    liked = [t for t in scorer.terms if t.term.kind == "shared" and not t.term.through_products]
    report: dict[str, Any] = {"people": len(asked)}
    report |= {term.term.name: of_interests(asked, term) for term in liked}
    if "text" in shop.features:
        report["words"] = of_words(asked, np.asarray(shop.features["text"], np.float64))
    report["profile"] = of_profiles(asked)
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
