"""A `Shop` from arrays."""

import numpy as np

from gnn.data import Edges, Events, Shop
from gnn.datasets.interactions import Interactions
from gnn.datasets.links import Graph, unique_edges
from schema.ontology import Ontology, default_ontology, parse_ontology

NO_GRAPH = Graph()


def build_shop(
    name: str,
    users: tuple[str, ...],
    products: tuple[str, ...],
    seen: Interactions,
    graph: Graph = NO_GRAPH,
) -> Shop:
    """The shop of a data set: every interaction is a purchase, there are no baskets, sessions or features.

    Raises:
        OntologyError: the names of the graph do not fit.
    """
    ontology = _ontology(name, graph)
    ids = {node: graph.nodes.get(node, ()) for node in ontology.nodes} | {"User": users, "Product": products}
    nothing = np.empty(0, np.int32)
    edges: dict[str, Edges] = {relation: unique_edges(nothing, nothing, loops=True) for relation in ontology.relations}
    return Shop(
        ontology=ontology,
        ids=ids,
        baskets=(),
        sessions=(),
        events=_events(seen, tuple(ontology.behaviours).index(ontology.target_behaviour)),
        edges=edges | {link.name: link.edges for link in graph.links},
        features={},
        as_of_ms=int(seen.time_ms.max(initial=0)),
        change_number=0,
    )


def _ontology(name: str, graph: Graph) -> Ontology:
    known = default_ontology().relations
    own = [link for link in graph.links if link.name not in known]
    return parse_ontology(
        {
            "nodes": {node: {} for node in graph.nodes},
            "relations": {link.name: {"from": "Product", "to": link.target, "says": link.says} for link in own},
        },
        where=f"the data set {name}",
    )


def _events(seen: Interactions, behaviour: int) -> Events:
    """In order of time, then of user."""
    rows = seen.take(np.lexsort((seen.product, seen.user, seen.time_ms)))
    unknown = np.full(len(rows), -1, np.int32)
    return Events(
        user=rows.user,
        product=rows.product,
        behaviour=np.full(len(rows), behaviour, np.int32),
        time_ms=rows.time_ms,
        basket=unknown,
        session=unknown,
    )
