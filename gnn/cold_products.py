"""Products that a model has never seen: taken out of a shop as if nobody had listed them yet.

What was taken out comes back as `LiveProduct`, the form in which a running server hears of a new product, so
that what is measured is what is served.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from gnn.data import Edges, Int32, Shop
from gnn.live_links import LiveProduct
from gnn.paths import BoolArray
from gnn.tasks import Questions, Ragged, Split

SHARE = 0.1
"""Of the products that are taken out."""


@dataclass(frozen=True)
class Withheld:
    """A shop without some of its products, those products as they arrive, and what is asked of both.

    Positions of answers are those of a model of `seen` to which `arrivals` were written: what is new comes last.

    Attributes:
        seen: what a model may learn from.
        arrivals: the products that were taken out, with their features and relations.
        cold, warm: questions whose answers were taken out, or were not.
    """

    seen: Shop
    arrivals: tuple[LiveProduct, ...]
    cold: Questions
    warm: Questions


def withhold(split: Split, seed: int) -> Withheld:
    """Takes a tenth of the products, drawn at random, out of what a split lets see."""
    shop = split.seen
    drawn = np.random.default_rng(seed).permutation(shop.products)[: round(SHARE * shop.products)]
    gone = np.zeros(shop.products, bool)
    gone[drawn] = True
    place = np.where(gone, np.count_nonzero(~gone) + np.cumsum(gone), np.cumsum(~gone)).astype(np.int32) - 1
    return Withheld(
        seen=without_products(shop, gone),
        arrivals=tuple(as_live(shop, np.flatnonzero(gone).astype(np.int32))),
        cold=_about(split.questions, gone, place),
        warm=_about(split.questions, ~gone, place),
    )


def without_products(shop: Shop, gone: BoolArray) -> Shop:
    """The shop as if some products had never been there, (N,) `gone`; the others move up."""
    place = (np.cumsum(~gone) - 1).astype(np.int32)
    events = shop.events.take(~gone[shop.events.product])
    left = np.flatnonzero(~gone).tolist()
    return replace(
        shop,
        ids={**shop.ids, "Product": tuple(shop.ids["Product"][product] for product in left)},
        events=replace(events, product=place[events.product]),
        edges={name: _without(shop, name, edges, gone, place) for name, edges in shop.edges.items()},
        features={name: matrix[~gone] for name, matrix in shop.features.items()},
    )


def as_live(shop: Shop, products: Int32) -> Iterator[LiveProduct]:
    """Products as the store would tell of them: features that are there, relations in both directions."""
    out, into = _links(shop, products, "source", "target"), _links(shop, products, "target", "source")
    for product in products.tolist():
        features = {name: matrix[product].astype(np.float64) for name, matrix in shop.features.items()}
        present = {name: vector for name, vector in features.items() if vector.any()}
        yield LiveProduct(shop.ids["Product"][product], present, out[product], into[product])


def _links(shop: Shop, products: Int32, here: str, there: str) -> dict[int, dict[str, list[tuple[str, float]]]]:
    """Product -> relation -> (id at the other end, weight), of relations that have the product at one end."""
    found: dict[int, dict[str, list[tuple[str, float]]]] = {product: {} for product in products.tolist()}
    for name, edges in shop.edges.items():
        relation = shop.ontology.relations[name]
        if getattr(relation, here) != "Product":
            continue
        own, others = getattr(edges, here), getattr(edges, there)
        names = shop.ids[getattr(relation, there)]
        for row in np.flatnonzero(np.isin(own, products)).tolist():
            link = (names[others[row]], float(edges.weight[row]))
            found[int(own[row])].setdefault(name, []).append(link)
    return found


def _without(shop: Shop, name: str, edges: Edges, gone: BoolArray, place: Int32) -> Edges:
    relation = shop.ontology.relations[name]
    source, target = edges.source, edges.target
    left = np.ones(len(source), bool)
    if relation.source == "Product":
        left &= ~gone[source]
        source = place[source]
    if relation.target == "Product":
        left &= ~gone[target]
        target = place[target]
    return Edges(source[left], target[left], edges.weight[left])


def _about(questions: Questions, wanted: BoolArray, place: Int32) -> Questions:
    """The questions with those of their answers that are wanted; (N,) `wanted` and new `place` of each product."""
    rows, products = questions.answers.rows(), questions.answers.products
    kept = wanted[products]
    asked, row = np.unique(rows[kept], return_inverse=True)
    answers = Ragged.from_rows(row, place[products[kept]], len(asked))
    return Questions(questions.user[asked], questions.as_of_ms[asked], answers)
