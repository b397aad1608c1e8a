"""A second scorer, written from DESIGN's formula with plain loops and none of `gnn`'s code.

It reads the snapshot for every link and degree, and the artifact only for what training learned:
weights, exponents, scales, prior, trend and vectors.
"""

import json
import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from safetensors.numpy import load_file

Links = dict[str, dict[str, float]]
"""Product -> middle node (or other product) -> weight."""
HistoryRow = tuple[str, str, int, datetime]
"""Product, behaviour, number of events, time of the last."""

MIDDLE_POWERS = (0.3, 0.6, 1.0)
RESPONSE_POWERS = (0, 2, 4)


@dataclass
class Paths:
    """Links of products to middle nodes, from the start of a path and from its end; whom the middles belong to."""

    starts: Links
    ends: Links
    owner: dict[str, str]
    through: dict[str, float] = field(default_factory=dict)

    @cached_property
    def middle_degree(self) -> dict[str, float]:
        return _column_sums(self.starts)

    def passed_on(self, shares: list[float]) -> dict[str, float]:
        """Middle node -> what a path through it counts."""
        if not self.through:
            for middle, links in self.middle_degree.items():
                degree = max(links, 1.0)
                weights = (share * degree**-power for share, power in zip(shares, MIDDLE_POWERS, strict=True))
                self.through[middle] = sum(weights)
        return self.through


def _column_sums(links: Links) -> dict[str, float]:
    sums: dict[str, float] = defaultdict(float)
    for row in links.values():
        for column, weight in row.items():
            sums[column] += weight
    return sums


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

    def at(self, moment: datetime) -> None:
        """From now on prior and trend are those of a later minute, as a server has them."""
        says = self.says["demand"]
        minute = moment.replace(second=0, microsecond=0).timestamp() * 1000
        met: dict[str, list[float]] = defaultdict(list)
        for event in self.events:
            met[self.ids[event["product"]]].append(event["time"].timestamp() * 1000)
        stored = {"prior": dict(self.prior), "trend": {key: math.log(value) for key, value in self.trend.items()}}
        live: dict[str, dict[str, float]] = {"prior": {}, "trend": {}}
        for product, times in met.items():
            logs = []
            for h, half_life in enumerate(says["half_life_days"]):
                count = sum(1.0 if half_life is None else 0.5 ** ((minute - t) / 86_400_000 / half_life) for t in times)
                logs.append((math.log(count + says["smoothing"][h]) - says["centre"][h]) / says["deviation"][h])
            for name in live:
                live[name][product] = sum(weight * log for weight, log in zip(says[name], logs, strict=True))
        for name, values in live.items():
            moved = sum(value - stored[name][product] for product, value in values.items()) / len(values)
            stored[name] = {key: values.get(key, value + moved) for key, value in stored[name].items()}
        self.prior = stored["prior"]
        self.trend = {key: math.exp(value) for key, value in stored["trend"].items()}

    def score(self, rows: Iterable[HistoryRow], product: str, as_of: datetime, viewer: str | None = None) -> float:
        units = [self.unit(row, product, as_of, viewer) for row in rows]
        lifts = [self.lift(name, viewer, product) for name in self.says["contexts"]]
        return self.prior[product] + sum(lifts) + self.trend[product] * sum(units)

    def unit(self, row: HistoryRow, product: str, as_of: datetime, viewer: str | None = None) -> float:
        """What one unit of a history gives to a product, itself and through its stand-ins, before the trend."""
        through = [w * self.own(row, known, as_of, viewer) for known, w in self.stand_ins.get(product, {}).items()]
        return self.own(row, product, as_of, viewer) + sum(through)

    @cached_property
    def stand_ins(self) -> dict[str, dict[str, float]]:
        """Product that nobody met -> known product -> ρ."""
        arrays = load_file(self.artifact / "stand_ins.safetensors")
        found: dict[str, dict[str, float]] = {}
        for f, product in enumerate(arrays["products"]):
            for k, known in enumerate(arrays["known"][f]):
                weight = sum(float(a[f, k]) for name, a in arrays.items() if name.startswith("weights."))
                found.setdefault(self.ids[product], {})[self.ids[known]] = weight
        return found

    def own(self, row: HistoryRow, product: str, as_of: datetime, viewer: str | None = None) -> float:
        """What one unit of a history gives to a product itself, before the trend."""
        start, behaviour, events, last = row
        b = self.says["behaviours"].index(behaviour)
        age = max((as_of - last).total_seconds(), 0.0) / 86_400
        total = 0.0
        for term, numbers in self.says["terms"].items():
            total += _amount(numbers, b, events, age) * self.path(term, start, product, viewer)
        if self.says["low_pass"]:
            total += _amount(self.says["low_pass"], b, events, age) * self.crowd(start, product)
        if self.says["latent"]:
            total += _amount(self.says["latent"], b, events, age) * self.dot(start, product)
        return total

    def lift(self, name: str, viewer: str | None, product: str) -> float:
        """How much more a product is taken by those who share a property with the viewer."""
        value, numbers = self.properties[name].get(viewer), self.says["contexts"][name]
        if value not in numbers["values"]:
            return 0.0
        alike = [taken for user, taken in self.taken.items() if self.properties[name].get(user) == value]
        everybody = list(self.taken.values())
        share = sum(product in taken for taken in everybody) / sum(map(len, everybody))
        count, expected = sum(product in taken for taken in alike), sum(map(len, alike)) * share
        shape = numbers["shape"][numbers["values"].index(value)]
        return float(numbers["weight"] * math.log((count + shape) / (expected + shape)))

    def path(self, term: str, start: str, end: str, viewer: str | None) -> float:
        numbers = self.says["terms"][term]
        a, c = numbers["exponents"]
        if term == "SAME_PRODUCT":
            return float(start == end) / numbers["scale"]
        if start == end:
            return 0.0
        total, out_degree, degree = self.direct(term, start, end) or self.through(term, start, end, viewer)
        return total * max(out_degree, 1.0) ** -a * max(degree, 1.0) ** -c / numbers["scale"]

    def direct(self, term: str, start: str, end: str) -> tuple[float, float, float] | None:
        """Weight of the link and degrees of both ends; None for a term that is no direct relation."""
        relation = term.removesuffix("_REVERSE")
        if relation not in self.ontology["relations"] or not self.between_products(relation):
            return None
        if relation not in self._direct:
            links = self.edges(relation, own=False)
            self._direct[relation] = links, {p: sum(row.values()) for p, row in links.items()}, _column_sums(links)
        links, out_sums, in_sums = self._direct[relation]
        if term.endswith("_REVERSE"):
            return links.get(end, {}).get(start, 0.0), in_sums.get(start, 0.0), out_sums.get(end, 0.0)
        return links.get(start, {}).get(end, 0.0), out_sums.get(start, 0.0), in_sums.get(end, 0.0)

    def through(self, term: str, start: str, end: str, viewer: str | None) -> tuple[float, float, float]:
        """Sum over the middle nodes and degrees of both ends."""
        paths = self.two_step(term)
        weight = paths.passed_on(self.says["terms"][term]["middle"])
        left, right = paths.starts.get(start, {}), paths.ends.get(end, {})
        total = 0.0
        for middle in sorted(left.keys() & right.keys()):
            if viewer is None or paths.owner.get(middle) != viewer:
                total += left[middle] * right[middle] * weight[middle]
        return total, sum(left.values()), sum(right.values())

    def crowd(self, start: str, end: str) -> float:
        """The low-pass term between two products."""
        if start == end:
            return 0.0
        arrays = self._low_pass
        j, i = self.position[start], self.position[end]
        total = 0.0
        for left, right, response in zip(arrays["basis"][j], arrays["basis"][i], self._response, strict=True):
            total += left * response * right
        return float(arrays["start_factor"][j] * total * arrays["end_factor"][i])

    def dot(self, start: str, end: str) -> float:
        """The latent term between two products."""
        if start == end:
            return 0.0
        j, i = self.position[start], self.position[end]
        return float(self._start_factor[j]) * sum(x * y for x, y in zip(self.vector(j), self.vector(i), strict=True))

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
        return bool(self.ontology["relations"][relation]["to"] == "Product")

    @cached_property
    def events(self) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = pq.read_table(self.snapshot / "events.parquet").to_pylist()
        return rows

    @cached_property
    def properties(self) -> dict[str, dict[str | None, str | None]]:
        """Property that the model knows -> user -> value."""
        rows = pq.read_table(self.snapshot / "nodes/User.parquet").to_pylist()
        return {name: {row["id"]: row[name] for row in rows} for name in self.says["contexts"]}

    @cached_property
    def taken(self) -> dict[str, set[str]]:
        """User -> products that the target behaviour was shown with."""
        target = next(name for name, says in self.ontology["behaviours"].items() if says["target"])
        taken: dict[str, set[str]] = defaultdict(set)
        for event in self.events:
            if event["user"] is not None and event["behaviour"] == target:
                taken[self.users[event["user"]]].add(self.ids[event["product"]])
        return taken

    @cached_property
    def users(self) -> list[str]:
        return self._nodes("User")

    def two_step(self, term: str) -> Paths:
        """The paths of a term through something in the middle."""
        if term not in self._two_step:
            self._two_step[term] = self._found(term)
        return self._two_step[term]

    def _found(self, term: str) -> Paths:
        if term in self.ontology["meetings"]:
            return self._met(self.ontology["meetings"][term])
        if term == "NEXT_PRODUCT":
            return self._followed()
        if term in self.ontology["relations"]:
            links = self.edges(term)
        elif term.endswith("_SHARED"):
            links = self.edges(term.removesuffix("_SHARED"))
        else:
            links = _turned(self.edges(term.removesuffix("_COMMON")))
        return Paths(links, links, {})

    def _met(self, meeting: dict[str, Any]) -> Paths:
        links: Links = defaultdict(dict)
        owner = {}
        for event in self.events:
            user = None if event["user"] is None else self.users[event["user"]]
            group = user if meeting["by"] == "user" else event[meeting["by"]]
            if group is not None and user is not None:
                owner[group] = user
            if group is not None and event["behaviour"] in meeting["behaviours"]:
                links[self.ids[event["product"]]][group] = 1.0
        return Paths(links, links, owner)

    def _followed(self) -> Paths:
        """Steps of one person from all they did at one moment to all that they did at the next."""
        moments: dict[str, dict[datetime, set[str]]] = defaultdict(lambda: defaultdict(set))
        for event in self.events:
            if event["user"] is not None:
                moments[self.users[event["user"]]][event["time"]].add(self.ids[event["product"]])
        paths = Paths(defaultdict(dict), defaultdict(dict), {})
        for user, products in moments.items():
            for number, (before, after) in enumerate(pairwise(sorted(products))):
                step = f"{user} {number}"
                paths.owner[step] = user
                for product in products[before]:
                    paths.starts[product][step] = 1.0
                for product in products[after]:
                    paths.ends[product][step] = 1.0
        return paths

    def edges(self, relation: str, *, own: bool = True) -> Links:
        """Links of a relation that starts at products; `own` with those of a product to itself."""
        target = self.ontology["relations"][relation]["to"]
        ids = self._nodes(target)
        links: Links = defaultdict(lambda: defaultdict(float))
        for edge in pq.read_table(self.snapshot / f"edges/Product.{relation}.{target}.parquet").to_pylist():
            if edge["weight"] > 0 and (own or edge["source"] != edge["target"]):
                links[self.ids[edge["source"]]][ids[edge["target"]]] += edge["weight"]
        return {product: dict(row) for product, row in links.items()}

    def _nodes(self, node_type: str) -> list[str]:
        ids: list[str] = pq.read_table(self.snapshot / f"nodes/{node_type}.parquet").column("id").to_pylist()
        return ids

    @cached_property
    def _low_pass(self) -> dict[str, Any]:
        arrays = load_file(self.artifact / "low_pass.safetensors")
        return {name: array.astype(float).tolist() for name, array in arrays.items()}

    @cached_property
    def _response(self) -> list[float]:
        """What each frequency counts."""
        says = self.says["low_pass"]
        return [
            sum(eta * value**p for eta, p in zip(says["response"], RESPONSE_POWERS, strict=True))
            for value in says["values"]
        ]

    @cached_property
    def _layers(self) -> dict[str, Any]:
        arrays = load_file(self.artifact / "latent.safetensors")
        return {name: array for name, array in arrays.items() if name.startswith("layers.")}

    @cached_property
    def _start_factor(self) -> Any:
        return load_file(self.artifact / "latent.safetensors")["start_factor"]

    @cached_property
    def _vectors(self) -> dict[int, list[float]]:
        return {}

    @cached_property
    def _two_step(self) -> dict[str, Paths]:
        return {}

    @cached_property
    def _direct(self) -> dict[str, tuple[Links, dict[str, float], dict[str, float]]]:
        return {}


def _amount(numbers: dict[str, Any], b: int, events: int, age: float) -> float:
    """What a unit carries into a term."""
    floor, half_life = numbers["floor"][b], numbers["half_life_days"][b]
    return float(
        numbers["weights"][b] * events ** numbers["saturation"][b] * (floor + (1 - floor) * 2 ** (-age / half_life))
    )


def _turned(links: Links) -> Links:
    turned: Links = defaultdict(dict)
    for start, row in links.items():
        for end, weight in row.items():
            turned[end][start] = weight
    return turned
