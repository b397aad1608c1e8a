"""How long one user's first twenty of very many products take, with an index and without.

    python -m benchmarks.index --products 41000 1000000 --json index.json

The shops are synthetic: products of topics, users who mostly buy in a few topics, demand and sizes by power
laws, vectors that lie around those of their topic. Nobody has trained the models, so the figures say how fast
and how complete the lists are, not how good. The named baseline is `Scorer.score`, which scores every product.
Set OMP_NUM_THREADS=1 and NUMBA_NUM_THREADS=1 for the figures of one core.
"""

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp

from benchmarks.machine import machine, write_json
from gnn.explain import explain
from gnn.fusion import Fusion
from gnn.history_walk import dense_rows
from gnn.index import Index, index_of, recall_of
from gnn.latent import FREE, Latent
from gnn.low_pass import POWERS, LowPass
from gnn.nearest import Coding, lay_out
from gnn.paths import FloatArray, IntArray, PathTerm
from gnn.scoring import Scorer, bought, top
from gnn.units import MS_PER_DAY, History, UnitWeights
from schema.ontology import Ontology, parse_ontology
from schema.pseudonym import pseudonym

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LIST = 20
_WIDTH, _RANK = 128, 64
_EVENTS = 10  # for each product
_THETA, _PRIOR = 0.5, 0.3
_ASKED, _CHECKED, _SCALED_BY = 100, 32, 5
CODINGS: tuple[Coding, ...] = ("fp16", "int8")
_Random = np.random.Generator


@dataclass(frozen=True)
class SyntheticShop:
    """A model with random weights, and what some of its users did."""

    scorer: Scorer
    histories: list[History]
    viewers: list[str]

    def times(self, answer: Callable[[History, str], object]) -> dict[str, float]:
        """Milliseconds of an answer to each of the users, by the wall clock and of the core that computes it.

        On a machine that others use the two differ. What only the first answer computes is left out.
        """
        answer(self.histories[0], self.viewers[0])
        wall, core = [], []
        for history, viewer in zip(self.histories, self.viewers, strict=True):
            began, ran = time.perf_counter(), time.thread_time()
            answer(history, viewer)
            wall.append(1000 * (time.perf_counter() - began))
            core.append(1000 * (time.thread_time() - ran))
        return {
            f"{clock}p{share}": round(float(np.percentile(spent, share)), 2)
            for clock, spent in (("", wall), ("core_", core))
            for share in (50, 99)
        }

    def first(self, history: History, scores: FloatArray) -> IntArray:
        """The list as the API cuts it out."""
        scorer = self.scorer
        seen = bought(history, scorer.behaviours, scorer.ontology.target_behaviour, scorer.size)
        return top(scores, LIST, scorer.alive & ~seen & (scores > -np.inf))


def synthetic(products: int, seed: int = 0) -> SyntheticShop:
    """A power-law shop: half as many users as products, ten events a product in all, baskets of four."""
    generator = np.random.default_rng(seed)
    ontology = parse_ontology({}, where="benchmark")
    topic = np.sort(_by_rank(generator, products // 500 + 1, products, 0.8))
    demand = np.asarray((generator.permutation(products) + 10.0) ** -0.9, np.float64)
    users = products // 2
    user = np.sort(_by_rank(generator, users, _EVENTS * products, 0.5))
    product = _bought_products(generator, user, users, topic, demand)
    # Products of a topic do not lie side by side in a real shop's arrays.
    place = generator.permutation(products)
    product, topic = place[product], topic[np.argsort(place)]
    asked = generator.choice(user, _ASKED)
    people = {pseudonym("user", f"u{u}"): int(u) for u in asked}
    scorer = Scorer(
        model_version="synthetic",
        ontology=ontology,
        product_ids=tuple(f"p{n}" for n in range(products)),
        behaviours=tuple(ontology.behaviours),
        terms=tuple(_terms(generator, ontology, user, product, topic)),
        low_pass=_low_pass(generator, topic, len(ontology.behaviours)),
        latent=_latent(generator, topic, len(ontology.behaviours)),
        prior=_PRIOR * _standard(np.log1p(np.bincount(product, minlength=products))),
        trend=np.exp(0.2 * generator.normal(size=products)),
        alive=np.ones(products, bool),
        people=people,
        default_weight=1.0,
    )
    histories = [
        _history(generator, scorer, product[np.searchsorted(user, u) : np.searchsorted(user, u + 1)]) for u in asked
    ]
    return SyntheticShop(_scaled(scorer, histories[:_SCALED_BY]), histories, [f"u{u}" for u in asked])


def _by_rank(generator: _Random, kinds: int, count: int, exponent: float) -> IntArray:
    """(count,) of so many kinds, each as frequent as its rank to the negative exponent."""
    shares = np.cumsum((np.arange(kinds) + 5.0) ** -exponent)
    return np.asarray(np.searchsorted(shares, generator.random(count) * shares[-1]))


def _bought_products(generator: _Random, user: IntArray, users: int, topic: IntArray, demand: FloatArray) -> IntArray:
    """(E,) four of five from one of the user's three topics, the others from all; by demand."""
    ends = np.concatenate([[0.0], np.cumsum(demand)])
    interests = topic[generator.integers(0, len(topic), (users, 3))]
    chosen = interests[user, generator.integers(0, 3, len(user))]
    anywhere = generator.random(len(user)) < 0.2
    low = np.where(anywhere, 0.0, ends[np.searchsorted(topic, chosen)])
    high = np.where(anywhere, ends[-1], ends[np.searchsorted(topic, chosen + 1)])
    found = np.searchsorted(ends, low + generator.random(len(user)) * (high - low), side="right") - 1
    return np.asarray(np.minimum(found, len(topic) - 1))


def _terms(
    generator: _Random, ontology: Ontology, user: IntArray, product: IntArray, topic: IntArray
) -> list[PathTerm]:
    products, basket = len(topic), np.arange(len(user)) // 4
    everything, brands = np.arange(products), products // 50 + 1
    by_topic = np.argsort(topic, kind="stable")
    beside = np.clip(np.repeat(everything, 5) + generator.integers(-50, 51, 5 * products), 0, products - 1)
    starts, ends = by_topic[np.repeat(everything, 5)], by_topic[beside]
    nobody = np.empty(0, np.int32)
    links: dict[str, tuple[sp.csr_array, IntArray]] = {
        "SAME_PRODUCT": (sp.csr_array((products, 0)), nobody),
        "CO_BUYER": (_links(product, user, products), np.arange(user[-1] + 1)),
        "SAME_BASKET": (_links(product, basket, products), user[::4]),
        "IN_CATEGORY": (_links(everything, topic, products), np.full(topic.max() + 1, -1)),
        "MADE_BY": (
            _links(everything, _by_rank(generator, brands, products, 0.8), products, brands),
            np.full(brands, -1),
        ),
        "COMPLEMENTS": (_links(starts[starts != ends], ends[starts != ends], products, products), nobody),
    }
    b = len(ontology.behaviours)
    return [
        PathTerm(
            term=term,
            links=links[term.name][0],
            out_degree=np.diff(links[term.name][0].indptr).astype(np.float64),
            degree=_ends(links[term.name][0], two_steps=term.two_steps),
            middle_degree=np.bincount(links[term.name][0].indices).astype(np.float64),
            keys=tuple(map(str, range(len(links[term.name][1])))),
            owner=links[term.name][1].astype(np.int32),
            weights=np.full(b, _THETA),
            units=_units(b),
            exponents=(0.5, 0.2),
            middle=(0.0, 1.0, 0.0),
            scale=1.0,
        )
        for term in ontology.terms
        if term.name in links
    ]


def _links(rows: IntArray, columns: IntArray, products: int, width: int | None = None) -> sp.csr_array:
    shape = (products, int(columns.max()) + 1 if width is None else width)
    at = (rows.astype(np.int32), columns.astype(np.int32))  # as an artifact keeps them
    matrix = sp.csr_array(sp.coo_array((np.ones(len(rows)), at), shape=shape))
    matrix.data[:] = 1.0
    return matrix


def _ends(links: sp.csr_array, *, two_steps: bool) -> FloatArray:
    if two_steps or not links.nnz:
        return np.diff(links.indptr).astype(np.float64)
    return np.bincount(links.indices, minlength=links.shape[0]).astype(np.float64)


def _units(behaviours: int) -> UnitWeights:
    ones = np.ones(behaviours)
    return UnitWeights(0.3 * ones, 60.0 * ones, 0.3 * ones)


def _around(generator: _Random, topic: IntArray, width: int) -> np.ndarray[Any, np.dtype[np.float32]]:
    """(N, width) of length one or so, half of it the topic's."""
    centres = generator.standard_normal((int(topic.max()) + 1, width), np.float32)
    return (centres[topic] + generator.standard_normal((len(topic), width), np.float32)) / np.float32(
        (2 * width) ** 0.5
    )


def _latent(generator: _Random, topic: IntArray, behaviours: int) -> Latent:
    return Latent(
        layers={FREE: _around(generator, topic, _WIDTH)[None]},
        fusion=Fusion({}, {}),
        shares={},
        hops=np.ones(1),
        gates={},
        start_factor=np.ones(len(topic)),
        weights=np.full(behaviours, _THETA),
        units=_units(behaviours),
    )


def _low_pass(generator: _Random, topic: IntArray, behaviours: int) -> LowPass:
    return LowPass(
        basis=_around(generator, topic, _RANK),
        values=np.linspace(1.0, 0.3, _RANK),
        response=np.array([0.0, 1.0, -0.3])[: len(POWERS)],
        start_factor=np.ones(len(topic)),
        end_factor=np.ones(len(topic)),
        weights=np.full(behaviours, _THETA),
        units=_units(behaviours),
    )


def _history(generator: _Random, scorer: Scorer, products: IntArray) -> History:
    kinds, counts = np.unique(products, return_counts=True)
    age = generator.integers(0, 200, len(kinds)) * int(MS_PER_DAY)
    behaviour = np.full(len(kinds), scorer.behaviours.index(scorer.ontology.target_behaviour), np.int32)
    return History(kinds.astype(np.int32), behaviour, counts.astype(np.float64), int(NOW.timestamp() * 1000) - age)


def _scaled(scorer: Scorer, histories: Sequence[History]) -> Scorer:
    """The model with each term's scores of a standard deviation of one, as fitting scales them."""
    nobody, now = np.empty(0, np.int64), int(NOW.timestamp() * 1000)

    def spread(part: PathTerm | LowPass | Latent) -> float:
        found = []
        for history in histories:
            amounts = part.units.amounts(history, now)
            own = (nobody,) if isinstance(part, PathTerm) else ()
            found.append(float(np.std(part.scores(history.products, amounts, *own))))
        return float(np.mean(found))

    latent, low_pass = scorer.latent, scorer.low_pass
    return replace(
        scorer,
        terms=tuple(replace(term, scale=spread(term)) for term in scorer.terms),
        latent=None if latent is None else replace(latent, start_factor=latent.start_factor / spread(latent)),
        low_pass=None if low_pass is None else replace(low_pass, start_factor=low_pass.start_factor / spread(low_pass)),
    )


def _standard(values: FloatArray) -> FloatArray:
    return np.asarray((values - values.mean()) / values.std())


def measure(products: int) -> dict[str, Any]:
    """All figures of a shop of so many products."""
    shop = synthetic(products)
    scorer, lengths = shop.scorer, [len(history) for history in shop.histories]
    found: dict[str, Any] = {
        "products": products,
        "links": {term.term.name: int(term.links.nnz) for term in scorer.terms},
        "history_units": {"p50": float(np.median(lengths)), "max": max(lengths)},
        "without_index_ms": shop.times(lambda h, viewer: shop.first(h, scorer.score(h, NOW, viewer))),
    }
    began = time.perf_counter()
    index = index_of(scorer)
    found["index_seconds"] = round(time.perf_counter() - began, 1)
    if index is None:
        return found | {"index": "its recall is too small: every product is scored"}
    lists = {
        viewer: shop.first(history, index.scores(scorer, history, NOW, viewer)).tolist()
        for history, viewer in zip(shop.histories, shop.viewers, strict=True)
    }
    return found | {
        "with_index_ms": _list_times(shop, index),
        "all_scores_ms": shop.times(lambda h, viewer: shop.first(h, index.all_scores(scorer, h, NOW, viewer))),
        "explanations_of_20_ms": shop.times(lambda h, viewer: explain(scorer, h, lists[viewer], NOW, viewer, first=5)),
        "cells_searched": index.width,
        "codings": _codings(shop, index),
    }


def _list_times(shop: SyntheticShop, index: Index) -> dict[str, float]:
    return shop.times(lambda h, viewer: shop.first(h, index.scores(shop.scorer, h, NOW, viewer)))


def _codings(shop: SyntheticShop, index: Index) -> dict[str, Any]:
    """Memory of the dense part by how its numbers are kept, and what the lists lose by that."""
    scorer = shop.scorer
    width = dense_rows(scorer, np.arange(1)).shape[1]
    found: dict[str, Any] = {"fp32": {"mib": round(4 * width * scorer.size / 2**20)}}
    for coding in CODINGS:
        nearest = lay_out(lambda positions: dense_rows(scorer, positions), scorer.size, coding)
        coded = replace(index, nearest=nearest)
        found[coding] = {
            "mib": round(nearest.bytes / 2**20),
            "recall_at_20": round(recall_of(coded, scorer, shop.histories[:_CHECKED], NOW, LIST), 4),
            "ms": _list_times(shop, coded),
        }
    return found


def table(results: Sequence[dict[str, Any]]) -> str:
    """The figures by number of products; times are p50 / p99."""
    lines = [f"{'':28}" + "".join(f"{found['products']:>18,}" for found in results)]
    for name in ("without_index_ms", "with_index_ms", "all_scores_ms", "explanations_of_20_ms"):
        for clock in ("", "core_"):
            times = [found.get(name, {}) for found in results]
            cells = [f"{one.get(f'{clock}p50', '-')} / {one.get(f'{clock}p99', '-')}" for one in times]
            lines.append(f"{clock + name:28}" + "".join(f"{cell:>18}" for cell in cells))
    for coding in ("fp32", *CODINGS):
        kept = [found.get("codings", {}).get(coding, {}) for found in results]
        lines.append(f"{coding + ' MiB':28}" + "".join(f"{one.get('mib', '-'):>18}" for one in kept))
    for coding in CODINGS:
        kept = [found.get("codings", {}).get(coding, {}) for found in results]
        lines.append(f"{coding + ' recall@20':28}" + "".join(f"{one.get('recall_at_20', '-'):>18}" for one in kept))
    return "\n".join(lines)


def main() -> None:
    """Measures, prints a table and writes JSON."""
    parser = argparse.ArgumentParser(description="First twenty of very many products, with an index and without.")
    parser.add_argument("--products", type=int, nargs="+", default=[41_000, 1_000_000])
    parser.add_argument("--json", type=Path, required=True)
    arguments = parser.parse_args()
    on = machine()
    results = [measure(products) for products in arguments.products]
    shop = "synthetic power-law shops; models without training"
    write_json(
        {"machine": on, "shop": shop, "baseline": "Scorer.score of every product", "results": results}, arguments.json
    )
    print(table(results))


if __name__ == "__main__":
    main()
