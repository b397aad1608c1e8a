"""Texts and pictures a second: the bare networks, the encoders around them, and the pipeline with its cache.

    python -m benchmarks.encoders --data ../shared/data/fashion --json encoders.json

Bare is the network alone, on inputs that were prepared before, in the batches and on the threads of the encoder.
The three take turns on the same slices. On a machine that does other things too, wall time says little; so the shares
are of processor time, the median over slices. Then `pathrec embed`'s own functions run on an embedded graph, twice,
and a million texts of a made-up shop go through them with an encoder that costs nothing, to see the memory.
"""

import argparse
import csv
import gzip
import json
import operator
import resource
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, cast
from unittest.mock import patch

import numpy as np
import pyarrow as pa
import torch
from rich.console import Console
from rich.table import Table

from api import pipeline
from benchmarks.machine import in_fresh_process, machine, write_json
from graph import Store, connect
from ingestion.encoders import EmbeddingCache, Named, encode_cached, encode_gallery
from ingestion.encoders.archive import PictureArchive, open_archive
from ingestion.encoders.cores import on_cores
from ingestion.encoders.text import TextEncoder, load_text_encoder
from ingestion.encoders.vision import ImageEncoder, load_image_encoder
from schema.ontology import default_ontology
from schema.progress import Report, silent

ROUNDS = 5
TEXTS, PICTURES = 256, 48
"""Of each slice."""
EMBEDDED = 300
"""Products of the graph that is embedded."""
MILLION = 1_000_000
MIB = 2**20

Run = Callable[[], object]


def names(data: Path) -> Iterator[tuple[str, str]]:
    """Id and name of each product of the catalogue, no name twice."""
    seen: set[str] = set()
    with gzip.open(data / "catalogue.csv.gz", "rt", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if row["productDisplayName"] not in seen:
                seen.add(row["productDisplayName"])
                yield row["id"], row["productDisplayName"]


def take_turns(slices: Sequence[dict[str, Run]], size: int) -> dict[str, Any]:
    """Rates of some ways to do the same work, each slice done by all of them, in turns."""
    wall: dict[str, list[float]] = {name: [] for name in slices[0]}
    processor: dict[str, list[float]] = {name: [] for name in slices[0]}
    for number, runs in enumerate(slices):
        order = list(runs)[number % len(runs) :] + list(runs)[: number % len(runs)]
        for name in order:
            began = time.perf_counter(), time.process_time()
            runs[name]()
            wall[name].append(time.perf_counter() - began[0])
            processor[name].append(time.process_time() - began[1])
    return {
        name: {
            "per_second": round(size * len(slices) / sum(wall[name]), 1),
            "per_processor_second": round(size * len(slices) / sum(spent), 1),
            "share_of_bare": round(statistics.median(map(operator.truediv, processor["bare"], spent)), 3),
        }
        for name, spent in processor.items()
    }


def text_rates(encoder: TextEncoder, texts: Sequence[str], folder: Path) -> dict[str, Any]:
    """Of the network, of the encoder, and with the cache."""
    cache = EmbeddingCache(folder / "texts")

    def of(some: list[str]) -> dict[str, Run]:
        tokens = sorted(encoder.tokens(some), key=len, reverse=True)
        batches = [tokens[at : at + 32] for at in range(0, len(tokens), 32)]
        return {
            "bare": lambda: list(on_cores(encoder._run, batches)),
            "encoder": lambda: encoder.encode(some),
            "pipeline": lambda: encode_cached(encoder, some, cache),
        }

    encoder.encode(texts[:64])
    return take_turns([of(list(texts[at : at + TEXTS])) for at in range(0, len(texts), TEXTS)], TEXTS)


def picture_rates(encoder: ImageEncoder, source: PictureArchive, ids: Sequence[str], folder: Path) -> dict[str, Any]:
    """Of the network, of the encoder with decoding, and from the archive with the cache."""
    cache = EmbeddingCache(folder / "pictures")

    def of(some: list[str]) -> dict[str, Run]:
        contents = [source.read(name) for name in some]
        ready = [encoder._opened(content) for content in contents]
        batches = [ready[at : at + 8] for at in range(0, len(ready), 8)]
        named = [Named(name, name) for name in some]
        return {
            "bare": lambda: list(on_cores(encoder._vectors, batches)),
            "encoder": lambda: encoder.encode(contents),
            "pipeline": lambda: list(encode_gallery(encoder, named, source, cache)),
        }

    encoder.encode([source.read(name) for name in ids[:16]])
    return take_turns([of(list(ids[at : at + PICTURES])) for at in range(0, len(ids), PICTURES)], PICTURES)


@contextmanager
def counted(kind: type[TextEncoder] | type[ImageEncoder]) -> Iterator[list[int]]:
    """How many texts or pictures an encoder is given."""
    asked: list[int] = []
    original = kind.encode

    def encode(self: Any, contents: Any, report: Report = silent) -> Any:
        asked.append(len(contents))
        return original(self, contents, report)

    with patch.object(kind, "encode", encode):
        yield asked


def embedded_twice(products: Sequence[tuple[str, str]], source: PictureArchive, home: Path) -> dict[str, Any]:
    """Seconds and encodes of `pathrec embed` on a graph of the products, then once more with nothing changed."""
    found: dict[str, Any] = {"products": len(products)}
    (home / "images").mkdir(parents=True)
    for key, _ in products:
        (home / "images" / f"{key}.jpg").write_bytes(source.read(key))
    columns = {"id": [key for key, _ in products], "title": [name for _, name in products]}
    columns["image"] = [f"{key}.jpg" for key, _ in products]
    with connect(f"embedded:{home / 'graph'}") as store:
        store.prepare()
        store.load_nodes("Product", pa.table(columns))
        for run in ("first", "second"):
            with counted(TextEncoder) as texts, counted(ImageEncoder) as pictures:
                began = time.perf_counter()
                pipeline.embed(store, home=home)
                between = time.perf_counter()
                pipeline.embed_pictures(store, home=home)
                done = time.perf_counter()
            found[run] = {
                "text_seconds": round(between - began, 1),
                "texts_encoded": sum(texts),
                "picture_seconds": round(done - between, 1),
                "pictures_encoded": sum(pictures),
            }
    return found


class MadeUpStore:
    """A shop of a million products that are made when they are asked for, and the hashes of what was stored."""

    ontology = default_ontology()

    def __init__(self) -> None:
        self.hashes = np.zeros((MILLION, 32), np.uint8)

    def node_ids(self, node_type: str) -> list[str]:
        """As of `Store`; only products have texts."""
        return [f"p{number:07}" for number in range(MILLION)]

    def encoders(self, node_type: str) -> dict[str, str]:
        """As of `Store`; what made the vectors is not kept."""
        return {}

    def use_encoder(self, node_type: str, modality: str, version: str) -> None:
        """As of `Store`."""

    def nodes(self, node_type: str, ids: Sequence[str]) -> pa.Table:
        """As of `Store`."""
        titles = [f"A made-up product, the {key[1:]}th of its kind" for key in ids]
        return pa.table({"id": ids, "title": titles, "description": pa.nulls(len(ids), pa.string())})

    def feature_hashes(self, node_type: str, modality: str, ids: Sequence[str]) -> dict[str, str]:
        """As of `Store`."""
        rows = {key: self.hashes[int(key[1:])] for key in ids}
        return {key: row.tobytes().hex() for key, row in rows.items() if row.any()}

    def load_features(
        self, node_type: str, modality: str, ids: Sequence[str], matrix: Any, hashes: Sequence[str]
    ) -> int:
        """As of `Store`; the vectors are forgotten."""
        for key, digest in zip(ids, hashes, strict=True):
            self.hashes[int(key[1:])] = np.frombuffer(bytes.fromhex(digest), np.uint8)
        return len(ids)


class Free:
    """An encoder that costs nothing, with vectors as long as MiniLM's."""

    version, width = "free", 384

    def encode(self, texts: Sequence[str], report: Report = silent) -> Any:
        """The same vector for each."""
        return np.ones((len(texts), self.width), np.float32)


def a_million() -> dict[str, Any]:
    """Peak memory of embedding a million texts, of which the process itself takes `before`."""
    store = cast(Store, MadeUpStore())
    found: dict[str, Any] = {"before_mib": _peak()}
    with tempfile.TemporaryDirectory() as folder:
        for run in ("first", "second"):
            began = time.perf_counter()
            written, _ = pipeline.embed_texts(store, Free(), EmbeddingCache(Path(folder)))
            found[run] = {"written": written["Product"], "seconds": round(time.perf_counter() - began), "mib": _peak()}
    return found


def _peak() -> int:
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / MIB)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="the folder fashion, with catalogue.csv.gz and images.npz")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--million", action="store_true", help="the million texts alone, as JSON")
    arguments = parser.parse_args()
    if arguments.million:
        print(json.dumps(a_million()))
        return
    if arguments.data is None:
        parser.error("--data is needed")
    found: dict[str, Any] = {"machine": machine()}
    source = open_archive(arguments.data / "images.npz")
    products = list(islice(names(arguments.data), ROUNDS * TEXTS))
    with tempfile.TemporaryDirectory() as folder, torch.inference_mode():
        found["texts"] = text_rates(load_text_encoder(device="cpu"), [name for _, name in products], Path(folder))
        ids = [key for key, _ in products[: ROUNDS * PICTURES] if key in source.positions]
        found["pictures"] = picture_rates(load_image_encoder(device="cpu"), source, ids, Path(folder))
        found["embed"] = embedded_twice(products[:EMBEDDED], source, Path(folder) / "home")
    found["million"] = in_fresh_process("encoders", "--million")
    show(found)
    if arguments.json:
        write_json(found, arguments.json)


def show(found: dict[str, Any]) -> None:
    """The figures as tables."""
    console = Console()
    rates = Table("what", "how", "a second", "a processor second", "of the bare network")
    for what in ("texts", "pictures"):
        for how, rate in found[what].items():
            rates.add_row(
                what,
                how,
                f"{rate['per_second']:,}",
                f"{rate['per_processor_second']:,}",
                f"{rate['share_of_bare']:.1%}",
            )
    console.print(rates)
    for part in ("embed", "million", "machine"):
        console.print(part, found[part])


if __name__ == "__main__":
    main()
