"""A second scorer, written from DESIGN's formula with plain loops and none of `gnn`'s code.

It reads the snapshot for every link and degree, and the artifact only for what training learned:
weights, exponents, scales, prior, trend and vectors.
"""

import json
from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from functools import cached_property
from pathlib import Path

import pyarrow.parquet as pq
from safetensors.numpy import load_file

TwoStep = tuple[dict[str, dict[str, float]], dict[str, float], dict[str, float]]
"""Links of products to middle nodes, degrees of the middle nodes, degrees of the products."""
Direct = tuple[dict[tuple[str, str], float], tuple[dict[str, float], dict[str, float]]]
"""Links between products, degrees of their starts and of their ends."""


class NaiveScorer:
    def __init__(self, snapshot: Path, artifact: Path) -> None:
        self.snapshot, self.artifact = snapshot, artifact
        self.says = json.loads((artifact / "manifest.json").read_text())
        self.ontology = self.says["ontology"]
        self.ids = pq.read_table(snapshot / "nodes/Product.parquet").column("id").to_pylist()
        self.position = {product: n for n, product in enumerate(self.ids)}
        frozen = pq.read_table(artifact / "products.parquet").to_pydict()
        self.prior = dict(zip(frozen["id"], frozen["prior"], strict=True))
        self.trend = dict(zip(frozen["id"], frozen["trend"], strict=True))

    def score(
        self, rows: Iterable[tuple[str, str, int, datetime]], product: str, as_of: datetime, viewer: str | None = None
    ) -> float:
        """rows: product, behaviour, number of events, time of the last."""
        personal = 0.0
        for start, behaviour, events, last in rows:
            b = self.says["behaviours"].index(behaviour)
            age = max((as_of - last).total_seconds(), 0.0) / 86_400
            floor = self.says["floor"][b]
            amount = events ** self.says["saturation"][b]
            amount *= floor + (1 - floor) * 2 ** (-age / self.says["half_life_days"][b])
            for term, numbers in self.says["terms"].items():
                personal += amount * numbers["weights"][b] * self.path(term, start, product, viewer)
            if self.says["latent"] and start != product:
                personal += amount * self.says["latent"]["weights"][b] * self.dot(start, product)
        return self.prior[product] + self.trend[product] * personal

    def path(self, term: str, start: str, end: str, viewer: str | None) -> float:
        numbers = self.says["terms"][term]
        a, b, c = numbers["exponents"]
        if term == "SAME_PRODUCT":
            return float(start == end) / numbers["scale"]
        if start == end:
            return 0.0
        if term in self.ontology["meetings"] or not self.between_products(term.removesuffix("_REVERSE")):
            links, middles, degrees = self.two_step[term]
            total = 0.0
            for middle in sorted(links[start].keys() & links[end].keys()):
                if viewer is None or self.owner(term, middle) != viewer:
                    total += links[start][middle] * links[end][middle] * max(middles[middle], 1.0) ** -b
            out_degree, in_degree = degrees[start], degrees[end]
        else:
            forward, ends = self.direct[term.removesuffix("_REVERSE")]
            reverse = term.endswith("_REVERSE")
            total = forward.get((end, start) if reverse else (start, end), 0.0)
            out_degree, in_degree = ends[reverse][start], ends[not reverse][end]
        return total * max(out_degree, 1.0) ** -a * max(in_degree, 1.0) ** -c / numbers["scale"]

    def dot(self, start: str, end: str) -> float:
        j, i = self.position[start], self.position[end]
        return float(self.start_factor[j]) * sum(x * y for x, y in zip(self.vector(j), self.vector(i), strict=True))

    def vector(self, n: int) -> list[float]:
        if n not in self._vectors:
            hops = self.says["latent"]["hops"]
            width = next(iter(self._layers.values())).shape[2]
            self._vectors[n] = [
                sum(hop * float(layer[k, n, x]) for layer in self._layers.values() for k, hop in enumerate(hops))
                for x in range(width)
            ]
        return self._vectors[n]

    def between_products(self, relation: str) -> bool:
        return self.ontology["relations"][relation]["to"] == "Product"

    def owner(self, term: str, middle: str) -> str | None:
        by = self.ontology["meetings"].get(term, {}).get("by")
        if by == "user":
            return middle
        return self.group_owner.get((by, middle)) if by else None

    @cached_property
    def events(self) -> list[dict[str, object]]:
        rows: list[dict[str, object]] = pq.read_table(self.snapshot / "events.parquet").to_pylist()
        return rows

    @cached_property
    def users(self) -> list[str]:
        ids: list[str] = pq.read_table(self.snapshot / "nodes/User.parquet").column("id").to_pylist()
        return ids

    @cached_property
    def group_owner(self) -> dict[tuple[str, str], str]:
        """Whose basket or session it is."""
        return {
            (kind, event[kind]): self.users[event["user"]]
            for event in self.events
            for kind in ("basket", "session")
            if event[kind] and event["user"] is not None
        }

    @cached_property
    def two_step(self) -> dict[str, TwoStep]:
        found = {}
        for name, meeting in self.ontology["meetings"].items():
            found[name] = self._degrees(self._met(meeting))
        for name, relation in self.ontology["relations"].items():
            if relation["from"] == "Product" and relation["to"] != "Product":
                found[name] = self._degrees(self._related(name, relation["to"]))
        return found

    @cached_property
    def direct(self) -> dict[str, Direct]:
        found = {}
        for name, relation in self.ontology["relations"].items():
            if relation["from"] == relation["to"] == "Product":
                links: dict[tuple[str, str], float] = defaultdict(float)
                for edge in pq.read_table(self.snapshot / f"edges/Product.{name}.Product.parquet").to_pylist():
                    links[self.ids[edge["source"]], self.ids[edge["target"]]] += edge["weight"]
                starts: dict[str, float] = defaultdict(float)
                stops: dict[str, float] = defaultdict(float)
                for (start, stop), weight in links.items():
                    starts[start] += weight
                    stops[stop] += weight
                found[name] = (dict(links), (starts, stops))
        return found

    def _met(self, meeting: dict[str, object]) -> dict[str, dict[str, float]]:
        links: dict[str, dict[str, float]] = defaultdict(dict)
        for event in self.events:
            if event["behaviour"] not in meeting["behaviours"]:
                continue
            group = event["basket"] if meeting["by"] == "basket" else event["session"]
            if meeting["by"] == "user":
                group = None if event["user"] is None else self.users[event["user"]]
            if group is not None:
                links[self.ids[event["product"]]][group] = 1.0
        return links

    def _related(self, name: str, target: str) -> dict[str, dict[str, float]]:
        ids = pq.read_table(self.snapshot / f"nodes/{target}.parquet").column("id").to_pylist()
        links: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
        for edge in pq.read_table(self.snapshot / f"edges/Product.{name}.{target}.parquet").to_pylist():
            links[self.ids[edge["source"]]][ids[edge["target"]]] += edge["weight"]
        return links

    def _degrees(self, links: dict[str, dict[str, float]]) -> TwoStep:
        middle_degrees: dict[str, float] = defaultdict(float)
        degrees: dict[str, float] = defaultdict(float)
        for product, middles in links.items():
            for middle, weight in middles.items():
                middle_degrees[middle] += weight
                degrees[product] += weight
        return defaultdict(dict, links), middle_degrees, degrees

    @cached_property
    def _layers(self) -> dict[str, object]:
        arrays = load_file(self.artifact / "latent.safetensors")
        return {name: array for name, array in arrays.items() if name.startswith("layers.")}

    @cached_property
    def start_factor(self) -> object:
        return load_file(self.artifact / "latent.safetensors")["start_factor"]

    @cached_property
    def _vectors(self) -> dict[int, list[float]]:
        return {}
