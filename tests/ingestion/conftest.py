"""A shop's files and mapping, written by a test in a few lines."""

import gzip
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from ingestion import Mapping, Records, load_mapping, read
from schema import default_ontology

NOW = datetime(2026, 1, 1, tzinfo=UTC)


class Shop:
    """A folder with the files of a shop and `mapping.yaml`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def file(self, name: str, content: str | bytes) -> Path:
        path = self.folder / name
        data = content.encode() if isinstance(content, str) else content
        path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
        return path

    def mapping(self, *sources: dict[str, Any], **more: Any) -> Mapping:
        document = {"format": 1, "name": "shop", "sources": list(sources)} | more
        path = self.file("mapping.yaml", yaml.safe_dump(document, sort_keys=False))
        return load_mapping(path, ontology=default_ontology())

    def read(self, *sources: dict[str, Any], **more: Any) -> Records:
        return read(self.mapping(*sources, **more), workdir=self.folder / "work", now=NOW)


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


@pytest.fixture
def quarantined(shop: Shop) -> Callable[[str], list[tuple[int, str]]]:
    """Line and reason of what is in a source's quarantine file."""
    import json

    def entries(source: str) -> list[tuple[int, str]]:
        text = (shop.folder / "work" / "quarantine" / f"{source}.jsonl").read_text(encoding="utf-8")
        return [(entry["line"], entry["reason"]) for entry in map(json.loads, text.splitlines())]

    return entries
