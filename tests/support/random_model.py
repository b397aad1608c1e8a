"""Random shops with random vocabularies, and models of them with random weights, some of them negative.

Products 0 and 1 are twins (the same events and links), the last one has no event and no link.
"""

from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from unittest.mock import patch

import numpy as np
from naive_scorer import NaiveScorer
from small_shop import START, Event, SmallShop

from gnn.artifact import Artifact, describe, save_artifact
from gnn.context import ContextPrior, contexts, weighted
from gnn.data import Shop, read_shop
from gnn.fusion import Fusion
from gnn.incidence import incidences, people
from gnn.latent import FREE, Latent
from gnn.low_pass import POWERS, LowPass
from gnn.paths import MIDDLE_POWERS
from gnn.scoring import Scorer
from gnn.stand_ins import StandIns
from gnn.units import UnitWeights
from schema.ontology import Ontology, parse_ontology

USERS, PRODUCTS = 12, 15
NOW = START + timedelta(days=100)
FIRST_TWIN, SECOND_TWIN, HERMIT = "p0", "p1", f"p{PRODUCTS - 1}"
Edge = tuple[int, int, float]


@dataclass(frozen=True)
class RandomModel:
    """A shop with its model, and the same read from disk by plain loops."""

    shop: Shop
    scorer: Scorer
    naive: NaiveScorer

    def scorer_of(self, user: int) -> Scorer:
        """The model for somebody with a user's properties."""
        return self.scorer.in_context(context_of(self.shop, user))


def context_of(shop: Shop, user: int) -> dict[str, str]:
    """What a snapshot knows of a user beside what they did."""
    known = shop.contexts.items()
    return {name: prop.names[prop.codes[user]] for name, prop in known if prop.codes[user] >= 0}


def random_model(folder: Path, seed: int) -> RandomModel:
    """A model of a random graph; the same seed gives the same."""
    generator = np.random.default_rng(seed)
    snapshot = _random_shop(generator).write(folder / "snapshot")
    shop = replace(read_shop(snapshot), features=_random_features(generator))
    scorer = _random_scorer(shop, generator)
    manifest = describe(scorer, created_at=START, as_of=NOW, change_number=0, fit={})
    save_artifact(Artifact(manifest, scorer), folder / "artifact")
    return RandomModel(shop, scorer, NaiveScorer(snapshot.path, folder / "artifact"))


def _random_ontology(generator: np.random.Generator) -> Ontology:
    """The default one with some own relations, between products or to something that no other shop has."""
    targets = [str(generator.choice(["Product", "Material"])) for _ in range(generator.integers(1, 4))]
    own: dict[str, object] = {
        "nodes": {"Material": {}},
        "relations": {f"OWN_{n}": {"from": "Product", "to": target} for n, target in enumerate(targets)},
        "meetings": {"OWN_BASKET": {"by": "basket", "behaviours": ["view", "wish"]}},
        "behaviours": {"wish": {}},
    }
    return parse_ontology(own, where="random")


def _random_shop(generator: np.random.Generator) -> SmallShop:
    ontology = _random_ontology(generator)
    nodes = {"Category": ["c0", "c1", "c2"], "Brand": ["b0"], "Material": ["m0", "m1"]}
    relations = {name: r.target for name, r in ontology.relations.items() if r.source == "Product"}
    edges = {
        name: _random_edges(generator, PRODUCTS if target == "Product" else len(nodes[target]), target == "Product")
        for name, target in relations.items()
        if target in ("Product", *nodes) and generator.random() < 0.8
    }
    events = _random_events(generator, list(ontology.behaviours))
    countries = [None, *generator.choice(["at", "be", "ch"], USERS - 1)]
    return SmallShop(PRODUCTS, USERS, events, edges=edges, nodes=nodes, ontology=ontology, countries=countries)


def _random_edges(generator: np.random.Generator, ends: int, between_products: bool) -> list[Edge]:
    """Edges that the second twin has like the first one; a product may point to itself."""
    found = {}
    for _ in range(int(generator.integers(3, 40))):
        source, target = int(generator.integers(PRODUCTS - 1)), int(generator.integers(ends))
        twins = 1 in (source, target if between_products else 0) or (between_products and source == target == 0)
        if not twins and not (between_products and target == PRODUCTS - 1):
            weight = float(generator.uniform(0.1, 3))
            found[source, target] = weight
            if source == 0:
                found[1, target] = weight
            if between_products and target == 0:
                found[source, 1] = weight
    return [(source, target, weight) for (source, target), weight in found.items()]


def _random_events(generator: np.random.Generator, behaviours: list[str]) -> list[Event]:
    """Events of which some share a moment, a basket or a product."""
    events: list[Event] = [(0, 0, "purchase", 1.0, None), (0, 1, "purchase", 1.0, None)]
    for n in range(int(generator.integers(20, 80))):
        who = None if generator.random() < 0.1 else int(generator.integers(USERS))
        product = int(generator.choice([p for p in range(PRODUCTS - 1) if p != 1]))
        what, day = str(generator.choice(behaviours)), float(generator.integers(0, 30))
        basket = f"b{n // 3}" if generator.random() < 0.7 else None
        events += [(who, twin, what, day, basket) for twin in ((0, 1) if product == 0 else (product,))]
    return events


def _random_scorer(shop: Shop, generator: np.random.Generator) -> Scorer:
    n, b = shop.products, len(shop.behaviours)
    terms = [
        incidence.with_weights(
            generator.normal(size=b),
            _random_units(generator, b),
            (float(generator.uniform(-0.2, 1)), float(generator.uniform(-0.2, 1))),
            tuple(generator.normal(size=len(MIDDLE_POWERS)).tolist()),
            scale=float(generator.uniform(0.5, 2)),
        )
        for incidence in incidences(shop)
    ]
    return Scorer(
        model_version="random",
        ontology=shop.ontology,
        product_ids=shop.ids["Product"],
        behaviours=shop.behaviours,
        terms=tuple(terms),
        low_pass=random_low_pass(generator, n, b),
        latent=_random_latent(generator, shop, b),
        prior=generator.normal(size=n),
        trend=np.exp(0.3 * generator.normal(size=n)),
        alive=np.ones(n, bool),
        people=people(shop),
        default_weight=1.0,
        contexts=_random_contexts(shop, generator),
        stand_ins=_random_stand_ins(generator, n),
    )


def _random_stand_ins(generator: np.random.Generator, n: int) -> StandIns:
    """For two products, one of which may have events: what is stood in for and what is its own must not mix."""
    products = np.sort(generator.choice(np.arange(2, n - 1), 2, replace=False))
    # Never a twin: what one of them gives to the other it does not give to itself.
    others = np.setdiff1d(np.arange(2, n - 1), products)
    known = np.stack([generator.choice(others, 3, replace=False) for _ in products])
    return StandIns(products, known, {part: generator.uniform(0, 1, known.shape) for part in ("text", "relations")})


def _random_contexts(shop: Shop, generator: np.random.Generator) -> dict[str, ContextPrior]:
    with patch("gnn.context.FEWEST_PEOPLE", 1):
        return weighted(contexts(shop), {"country": float(generator.uniform(0.5, 2))})


def _random_units(generator: np.random.Generator, behaviours: int) -> UnitWeights:
    half_life = generator.uniform(5, 90, behaviours)
    return UnitWeights(generator.uniform(0, 1, behaviours), half_life, generator.uniform(0, 1, behaviours))


def random_low_pass(generator: np.random.Generator, n: int, b: int, width: int = 6) -> LowPass:
    return LowPass(
        basis=_random_vectors(generator, n, width),
        values=np.sort(np.append(generator.uniform(0, 1, width - 1), 1.0))[::-1].copy(),
        response=generator.normal(size=len(POWERS)),
        start_factor=_of_twins(generator.uniform(0.5, 2, n)),
        end_factor=_of_twins(generator.uniform(0.5, 2, n)),
        weights=generator.normal(size=b),
        units=_random_units(generator, b),
    )


def _random_features(generator: np.random.Generator) -> dict[str, np.ndarray]:
    """Of the twins the same, of the last product none."""
    return {part: _random_vectors(generator, PRODUCTS, 5) for part in ("text", "image")}


def _random_latent(generator: np.random.Generator, shop: Shop, b: int, hops: int = 3, width: int = 4) -> Latent:
    n, parts = shop.products, tuple(shop.features)
    layers = {part: np.stack([_random_vectors(generator, n, width) for _ in range(hops)]) for part in (FREE, *parts)}
    fusion = Fusion(
        {part: generator.normal(size=(5, width)).astype(np.float32) for part in parts},
        {part: generator.normal(size=6).astype(np.float32) for part in parts},
    )
    own = [{part: matrix[product] for part, matrix in shop.features.items()} for product in range(n)]
    for part in parts:
        layers[part][0] = [fusion.parts(f, fusion.shares(f)).get(part, np.zeros(width)) for f in own]
    return Latent(
        layers=layers,
        fusion=fusion,
        shares={part: np.array([fusion.shares(f).get(part, 0.0) for f in own], np.float32) for part in parts},
        hops=generator.uniform(0, 1, hops),
        gates={"CO_BUYER": 0.5, "IN_CATEGORY": 0.5},
        start_factor=_of_twins(generator.uniform(0.5, 2, n)),
        weights=generator.normal(size=b),
        units=_random_units(generator, b),
    )


def _random_vectors(generator: np.random.Generator, n: int, width: int) -> np.ndarray:
    """(n, width), nothing for the product that nothing links."""
    vectors = _of_twins(generator.normal(size=(n, width)).astype(np.float32))
    vectors[-1] = 0.0
    return vectors


def _of_twins(values: np.ndarray) -> np.ndarray:
    values[1] = values[0]
    return values
