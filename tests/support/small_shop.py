"""Snapshots of small shops with known contents, written as the store would write them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from schema import Ontology, Snapshot, SnapshotManifest, default_ontology, open_snapshot
from schema.snapshot import edge_file, feature_file, node_file, write_manifest, writing_snapshot
from schema.tables import SNAPSHOT_EDGES, SNAPSHOT_EVENTS, conform, node_schema

START = datetime(2026, 1, 1, tzinfo=UTC)
Event = tuple[int | None, int, str, float, str | None]
"""User, product, behaviour, days after START, basket."""


@dataclass
class SmallShop:
    """What to write. Ids are p0, p1, …, u0, u1, …"""

    products: int
    users: int
    events: Sequence[Event]
    edges: Mapping[str, Sequence[tuple[int, int, float]]] = field(default_factory=dict)
    nodes: Mapping[str, Sequence[str]] = field(default_factory=dict)
    text: np.ndarray | None = None
    ontology: Ontology = field(default_factory=default_ontology)
    days: float = 100.0
    countries: Sequence[str | None] = ()
    titles: Sequence[str | None] = ()
    descriptions: Sequence[str | None] = ()

    def write(self, path: Path) -> Snapshot:
        ontology = self.ontology
        ids = {"Product": [f"p{n}" for n in range(self.products)], "User": [f"u{n}" for n in range(self.users)]}
        ids |= {name: list(values) for name, values in self.nodes.items()}
        with writing_snapshot(path) as folder:
            for node_type in ontology.nodes:
                table = pa.table({"id": pa.array(ids.get(node_type, []), pa.string())})
                for name, values in self._properties().get(node_type, {}).items():
                    if values:
                        table = table.append_column(name, pa.array(values, pa.string()))
                pq.write_table(
                    conform(table, node_schema(ontology, node_type), what=node_type), folder / node_file(node_type)
                )
            for relation in ontology.relations:
                pq.write_table(_edges(self.edges.get(relation, ())), folder / edge_file(ontology, relation))
            pq.write_table(self._events(), folder / "events.parquet")
            if self.text is not None:
                np.save(folder / feature_file("Product", "text"), self.text.astype(np.float32))
            write_manifest(folder, self._manifest({name: len(values) for name, values in ids.items()}))
        return open_snapshot(path)

    def _properties(self) -> dict[str, dict[str, Sequence[str | None]]]:
        return {
            "User": {"country": self.countries},
            "Product": {"title": self.titles, "description": self.descriptions},
        }

    def _events(self) -> pa.Table:
        rows = sorted(self.events, key=lambda event: event[3])
        return pa.table(
            {
                "id": [f"e{n}" for n in range(len(rows))],
                "user": pa.array([r[0] for r in rows], pa.int32()),
                "product": pa.array([r[1] for r in rows], pa.int32()),
                "behaviour": [r[2] for r in rows],
                "time": pa.array([START + timedelta(days=r[3]) for r in rows], pa.timestamp("ms", tz="UTC")),
                "value": pa.nulls(len(rows), pa.float64()),
                "basket": pa.array([r[4] for r in rows], pa.string()),
                "session": pa.nulls(len(rows), pa.string()),
            }
        ).cast(SNAPSHOT_EVENTS)

    def _manifest(self, counts: dict[str, int]) -> SnapshotManifest:
        return SnapshotManifest(
            ontology=self.ontology,
            ontology_hash=self.ontology.hash,
            created_at=START,
            as_of=START + timedelta(days=self.days),
            change_number=0,
            nodes=counts,
            features={} if self.text is None else {"Product": {"text": self.text.shape[1]}},
            edges={name: len(rows) for name, rows in self.edges.items()},
            events=len(self.events),
            files={},
        )


def _edges(rows: Sequence[tuple[int, int, float]]) -> pa.Table:
    source, target, weight = zip(*rows, strict=True) if rows else ((), (), ())
    return pa.table(
        {
            "source": pa.array(source, pa.int32()),
            "target": pa.array(target, pa.int32()),
            "weight": pa.array(weight, pa.float32()),
            "time": pa.nulls(len(rows), pa.timestamp("ms", tz="UTC")),
        },
        schema=SNAPSHOT_EDGES,
    )


def checkerboard(users: int = 60, products: int = 40, *, seed: int = 0, text: bool = True) -> SmallShop:
    """Even users buy even products, odd users odd ones; categories and texts say which is which."""
    generator = np.random.default_rng(seed)
    events: list[Event] = []
    for user in range(users):
        own = np.arange(user % 2, products, 2)
        for n, product in enumerate(generator.permutation(own)[: 4 + generator.integers(8)]):
            day = float(generator.uniform(0, 100))
            events.append((user, int(product), "view", max(day - 0.1, 0.0), None))
            events.append((user, int(product), "purchase", day, f"b{user}-{n // 2}"))
    vectors = generator.normal(size=(products, 8)) * 0.2
    vectors[:, 0] += np.where(np.arange(products) % 2, 1.0, -1.0)
    return SmallShop(
        products=products,
        users=users,
        events=events,
        nodes={"Category": ["even", "odd"]},
        edges={
            "IN_CATEGORY": [(p, p % 2, 1.0) for p in range(products)],
            "COMPLEMENTS": [(p, (p + 2) % products, 1.0) for p in range(0, products, 4)],
        },
        text=vectors if text else None,
    )
