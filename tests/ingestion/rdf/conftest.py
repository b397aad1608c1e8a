"""Files of RDF, read by a test in one line."""

import gzip
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from ingestion.account import QualityReport
from ingestion.rdf import load_rdf_mapping, read_rdf
from schema.iris import Names
from schema.ontology import Ontology, default_ontology
from schema.tables import EVENTS, RELATIONS, node_schema

NAMES = Names("https://shop.example/")
NOW = datetime(2026, 6, 1, tzinfo=UTC)


@dataclass
class Read:
    """What a file gave: tables by name, sorted, the account, and the quarantine."""

    tables: dict[str, pa.Table]
    quality: QualityReport
    quarantine: list[dict[str, Any]]

    def rows(self, name: str) -> list[dict[str, Any]]:
        """Rows of a table without what is empty."""
        found = self.tables[name].to_pylist() if name in self.tables else []
        return [{key: value for key, value in row.items() if value is not None} for row in found]

    @property
    def reasons(self) -> list[tuple[int, str]]:
        return [(entry["line"], entry["reason"]) for entry in self.quarantine]


class Reader:
    """Writes files into a folder and reads them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def file(self, name: str, content: str | bytes) -> Path:
        path = self.folder / name
        data = content.encode() if isinstance(content, str) else content
        path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
        return path

    def read(
        self, path: Path, mapping: str | Path = "pathrec", *, ontology: Ontology | None = None, few: int = 500_000
    ) -> Read:
        known = ontology or default_ontology()
        rules = load_rdf_mapping(mapping, ontology=known, names=NAMES)
        work = self.folder / "work"
        with read_rdf(path, rules, ontology=known, names=NAMES, workdir=work, now=NOW, few=few) as staged:
            tables = {}
            for name in staged.tables.rows:
                section, _, own = name.partition(".")
                batches = staged.tables.events() if section == "events" else getattr(staged.tables, section)(own)
                schema = {"nodes": lambda n: node_schema(known, n), "relations": lambda _: RELATIONS}.get(section)
                table = pa.Table.from_batches(list(batches), schema=schema(own) if schema else EVENTS)
                keys = ["source", "target"] if section == "relations" else ["id"]
                tables[name] = table.sort_by([(key, "ascending") for key in keys])
            quality = staged.quality
        quarantine = work / "quarantine" / f"{path.name.removesuffix('.gz').rpartition('.')[0]}.jsonl"
        entries = [json.loads(line) for line in quarantine.read_text(encoding="utf-8").splitlines()]
        return Read(tables, quality, entries)


@pytest.fixture
def reader(tmp_path: Path) -> Reader:
    return Reader(tmp_path)
