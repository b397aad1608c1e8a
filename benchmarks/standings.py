"""Whether what an analysis finds in the graph of products helps the model.

    python -m benchmarks.standings --data SNAPSHOT [--seeds 3] [--json standings.json]

trains on the past of the validation part and asks its questions, without and with what `pathrec analyse` says of the
products: their communities as nodes that they point to, a relation to the products that are like them, and numbers
(logarithms of centralities, spread, community) as a modality beside words and pictures. What is analysed is only what
the fitting of the weights may see too. The test part is not asked.
"""

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import scipy.sparse as sp
from rich.console import Console
from rich.table import Table

from benchmarks.machine import machine, write_json
from gnn.data import Edges, Float32, Shop
from gnn.datasets import read_question
from gnn.evaluate import goal_of, model_ranker
from gnn.measure import measure
from gnn.tasks import Benchmark, Split
from gnn.train import choose_device, train_model, validation_split
from graph.analytics import analyse
from graph.standing import Standing
from graph.views import STRONGEST, shared_pairs
from schema.ontology import Feature, NodeType, Ontology, Relation

METRICS = ("recall@20", "ndcg@20")
COMMUNITIES = 64
"""So many communities, the largest, are columns of the modality."""
_TINY = 1e-9

Figures = dict[str, float]


def main() -> None:
    """Trains each form once a seed, and reports."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of a data set")
    parser.add_argument("--format", help="of the folder, as of `pathrec evaluate`; found out if not said")
    parser.add_argument("--seeds", type=int, default=3, help="trainings of each form (%(default)s)")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    options = parser.parse_args()
    about = machine()
    benchmark = read_question(options.data, options.format, (), seed=0)
    runs = [compared(benchmark, seed) for seed in range(options.seeds)]
    show(benchmark.name, runs)
    if options.json:
        write_json({"machine": about, "data": benchmark.name, "runs": runs}, options.json)


def compared(benchmark: Benchmark, seed: int) -> dict[str, Figures]:
    """Figures of each form on the questions of the validation part."""
    asked = benchmark.validation or validation_split(benchmark.shop, benchmark.rule, seed)
    fitting = validation_split(asked.seen, benchmark.rule, seed)
    standings = analyse(shop_graph(fitting.seen), "CO_BUYER", seed=seed).standings
    found = {}
    for name, change in FORMS.items():
        whole, part = change(asked.seen, standings), change(fitting.seen, standings)
        trained = train_model(
            whole,
            Split(part, fitting.questions, fitting.newcomers),
            goal=goal_of(benchmark),
            seed=seed,
            device=choose_device(None),
            version=name,
        )
        found[name] = dict(measure(model_ranker(trained, whole), whole, asked.questions, METRICS, seed=seed).metrics)
    return found


def shop_graph(shop: Shop) -> "nx.Graph[str]":
    """Products that share buyers, as `graph.views.product_graph` makes them of a snapshot."""
    bought = shop.of_target().events
    known = bought.user >= 0
    ends = bought.user[known], bought.product[known]
    links = sp.csr_array((np.ones(int(known.sum())), ends), shape=(shop.users, shop.products))
    links.data[:] = 1.0
    graph: nx.Graph[str] = nx.Graph()
    names = shop.ids["Product"]
    for left, right, weight, shared in shared_pairs(links, STRONGEST):
        graph.add_edge(names[left], names[right], weight=weight, shared=shared)
    return graph


def without(shop: Shop, _: Sequence[Standing]) -> Shop:
    """The shop as it is."""
    return shop


def with_communities(shop: Shop, standings: Sequence[Standing]) -> Shop:
    """Each community is a node that its products point to."""
    names = tuple(str(number) for number in sorted({standing.community for standing in standings}))
    place, products = {name: row for row, name in enumerate(names)}, _positions(shop)
    ends = [(products[standing.product], place[str(standing.community)]) for standing in standings]
    relation = Relation.model_validate({"from": "Product", "to": "Community", "says": "is in the community"})
    nodes = {"Community": NodeType()}
    return _related(replace(shop, ids={**shop.ids, "Community": names}), "IN_COMMUNITY", relation, ends, nodes)


def with_likeness(shop: Shop, standings: Sequence[Standing]) -> Shop:
    """Each product points to those with the most of the same neighbours."""
    products = _positions(shop)
    ends = [(products[standing.product], products[other]) for standing in standings for other in standing.similar]
    weights = [value for standing in standings for value in standing.likeness]
    relation = Relation.model_validate({"from": "Product", "to": "Product", "says": "is like"})
    return _related(shop, "ALIKE", relation, ends, {}, weights)


def with_numbers(shop: Shop, standings: Sequence[Standing]) -> Shop:
    """What is said of a product in numbers is a modality of it."""
    matrix = np.zeros((shop.products, 3 + COMMUNITIES), np.float32)
    products = _positions(shop)
    rows = [products[standing.product] for standing in standings]
    said = np.array([(s.pagerank, s.betweenness, s.spread) for s in standings], np.float32)
    said[:, :2] = np.log(said[:, :2] + _TINY)
    matrix[rows, :3] = (said - said.mean(axis=0)) / (said.std(axis=0) + _TINY)
    for row, standing in zip(rows, standings, strict=True):
        if standing.community <= COMMUNITIES:
            matrix[row, 2 + standing.community] = 1.0
    product = shop.ontology.nodes["Product"]
    features = {**product.features, "standing": Feature()}
    nodes = {"Product": product.model_copy(update={"features": features})}
    known: Mapping[str, Float32] = {**shop.features, "standing": matrix}
    return replace(shop, ontology=_grown(shop.ontology, nodes=nodes), features=known)


FORMS: Mapping[str, Callable[[Shop, Sequence[Standing]], Shop]] = {
    "without": without,
    "communities as nodes": with_communities,
    "alike products as a relation": with_likeness,
    "numbers as a modality": with_numbers,
}


def _positions(shop: Shop) -> dict[str, int]:
    return {name: row for row, name in enumerate(shop.ids["Product"])}


def _related(
    shop: Shop,
    name: str,
    relation: Relation,
    ends: Sequence[tuple[int, int]],
    nodes: Mapping[str, NodeType],
    weights: Sequence[float] | None = None,
) -> Shop:
    source, target = np.array(ends, np.int32).reshape(-1, 2).T
    weight = np.ones(len(ends), np.float32) if weights is None else np.array(weights, np.float32)
    ontology = _grown(shop.ontology, nodes=nodes, relations={name: relation})
    return replace(shop, ontology=ontology, edges={**shop.edges, name: Edges(source, target, weight)})


def _grown(ontology: Ontology, **parts: Mapping[str, Any]) -> Ontology:
    # A new one: a copy would keep the terms that were worked out of the old one.
    known = {name: getattr(ontology, name) for name in Ontology.model_fields}
    return Ontology.model_validate(known | {name: {**known[name], **new} for name, new in parts.items()})


def show(data: str, runs: Sequence[Mapping[str, Figures]]) -> None:
    """Mean and standard deviation over the seeds."""
    table = Table(title=f"{data}: validation questions, {len(runs)} seeds")
    for name in ("", *METRICS):
        table.add_column(name, justify="right" if name else "left")
    for form in FORMS:
        values = [[run[form][metric] for run in runs] for metric in METRICS]
        table.add_row(form, *(f"{np.mean(some):.4f} ± {np.std(some):.4f}" for some in values))
    Console().print(table)


if __name__ == "__main__":
    main()
