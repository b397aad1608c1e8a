"""The rooms in order: records to graph, graph to vectors, snapshot, artifact, figures.

Every stage is idempotent. One that was killed is simply run again, and finishes.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import structlog

import ingestion
from api import adapters
from api.pictures import copy_pictures
from graph import Loaded, Store
from ingestion.encoders import EmbeddingCache, Hung, Named, encode_cached, encode_gallery, texts_of
from ingestion.quality import write_report
from ingestion.quarantine import quarantine_file
from schema.errors import PathrecError
from schema.files import replacing_file
from schema.ontology import Ontology
from schema.progress import Report, silent
from schema.snapshot import SnapshotManifest, open_snapshot

if TYPE_CHECKING:
    from gnn.artifact import ArtifactManifest
    from ingestion.encoders.adapter import AdapterManifest
    from ingestion.finetuning import Course

TEXT = "text"
IMAGE = "image"
EVENTS = "events"
_log = structlog.get_logger()


class PipelineError(PathrecError):
    """A stage cannot begin because what it builds on is not there."""


@dataclass(frozen=True)
class Ingested:
    """What one ingestion did."""

    nodes: dict[str, int]
    relations: dict[str, int]
    events: dict[str, int]
    dangling: dict[str, int]  # relations and events whose ends are in no source, by name
    clock: datetime | None
    pictures: int  # copied to where the server serves them from
    quality: Path
    counts: dict[str, int]  # what the graph holds now


@dataclass(frozen=True)
class Embedded:
    """What one run of an encoder did."""

    encoder: str
    written: dict[str, int]  # nodes whose embedding is new or changed, by type
    unchanged: dict[str, int]
    rejected: dict[str, int]  # nodes whose picture cannot be used


def ingest(
    store: Store, source: str | Path, *, home: Path, data: Path | None = None, report: Report = silent
) -> Ingested:
    """Reads a shop's files and loads what is sound into the store.

    Args:
        source: path of a mapping, or the name of one that ships with Pathrec.
        data: where the data of a shipped mapping is.
        home: its `quarantine/` and `reports/` receive what was rejected and why.

    Raises:
        MappingError: the mapping has mistakes.
        StoreError: the store refused or went away; run it again to finish.
    """

    mapping = ingestion.load_mapping(source, ontology=store.ontology, data=data)
    records = ingestion.read(mapping, workdir=home, report=report)
    _, quality = write_report(records.quality, home / "reports")
    nodes, loaded = _load(store, records, report)
    events = loaded.pop(EVENTS)
    done = Ingested(
        nodes=nodes,
        relations={name: found.written for name, found in loaded.items()},
        events={"written": events.written, "existing": events.existing},
        dangling={name: found.dangling for name, found in [*loaded.items(), (EVENTS, events)] if found.dangling},
        clock=records.clock,
        pictures=_copy_pictures(mapping, records, home / "images", report),
        quality=quality,
        counts=store.counts(),
    )
    _log.info("loaded", source=str(source), nodes=nodes, events=events.written)
    return done


def _load(store: Store, records: ingestion.Records, report: Report) -> tuple[dict[str, int], dict[str, Loaded]]:
    """Nodes first, so that relations and events find their ends; the clock last, when all is there."""
    store.prepare()
    nodes = {name: store.load_nodes(name, table, report) for name, table in records.nodes.items()}
    loaded = {name: store.load_relations(name, table, report) for name, table in records.relations.items()}
    loaded[EVENTS] = store.load_events(records.events, report)
    if records.clock is not None:
        store.set_clock(records.clock)
    return nodes, loaded


def embed(
    store: Store, *, home: Path, model: str | None = None, adapter: Path | None = None, report: Report = silent
) -> Embedded:
    """Encodes the texts of every node type that has a text feature, and stores what changed.

    Args:
        store: the graph.
        home: its `cache/` keeps vectors, its `adapters/` the adapter in use.
        model: as of `load_text_encoder`.
        adapter: folder of one; that in use if neither it nor a model is named. It is in use from now on.
        report: told how far it is.

    Raises:
        PipelineError: the store is empty.
        EncoderError: the model or the adapter cannot be loaded, or they do not fit.
    """
    from ingestion.encoders.text import load_text_encoder

    _refuse_empty(store, "embed")
    chosen = adapter if adapter or model else adapters.in_use(home)
    encoder = load_text_encoder(model, adapter=chosen)
    cache = EmbeddingCache(home / "cache")
    written, unchanged = {}, {}
    for node_type, properties in _features(store.ontology, TEXT):
        nodes = store.nodes(node_type)
        ids = nodes.column("id").to_pylist()
        matrix, hashes = encode_cached(encoder, texts_of(nodes, properties), cache, report)
        stored = store.feature_hashes(node_type, TEXT)
        written[node_type] = _store(store, node_type, TEXT, ids, matrix, hashes, stored, report)
        unchanged[node_type] = len(ids) - written[node_type]
    adapters.use(home, chosen)
    return Embedded(encoder.name, written, unchanged, {})


def embed_pictures(store: Store, *, home: Path, model: str | None = None, report: Report = silent) -> Embedded | None:
    """Encodes the pictures of every node type that has an image feature, and stores what changed.

    What cannot be used is in `home`'s `quarantine/pictures.jsonl` with a reason.

    Returns:
        What was done; None where no node names a picture, for which no model is loaded.

    Raises:
        PipelineError: the store is empty.
        EncoderError: the model cannot be loaded.
    """
    _refuse_empty(store, "embed")
    galleries = {
        node_type: _gallery(store.nodes(node_type), properties)
        for node_type, properties in _features(store.ontology, IMAGE)
    }
    if not any(one.picture for named in galleries.values() for one in named):
        return None
    from ingestion.encoders.vision import load_image_encoder

    encoder, cache = load_image_encoder(model), EmbeddingCache(home / "cache")
    written, unchanged, rejected = {}, {}, {}
    with replacing_file(quarantine_file(home, "pictures")) as aside, aside.open("w", encoding="utf-8") as refused:
        for node_type, named in galleries.items():
            stored, changed, unusable = store.feature_hashes(node_type, IMAGE), 0, 0
            for hung in encode_gallery(encoder, named, home / "images", cache, report):
                ids = [one.node for one in hung.named]
                changed += _store(store, node_type, IMAGE, ids, hung.matrix, hung.hashes, stored)
                unusable += len(hung.rejected)
                refused.writelines(_refusals(node_type, hung))
            written[node_type], unchanged[node_type] = changed, len(named) - changed
            rejected[node_type] = unusable
    return Embedded(encoder.name, written, unchanged, rejected)


def _gallery(nodes: pa.Table, properties: Sequence[str]) -> list[Named]:
    """Each node with the first picture that it names."""
    columns = [nodes.column(name).to_pylist() for name in properties]
    pictures = (next(filter(None, values), None) for values in zip(*columns, strict=True))
    return [Named(*pair) for pair in zip(nodes.column("id").to_pylist(), pictures, strict=True)]


def _refusals(node_type: str, hung: Hung) -> Iterator[str]:
    for row, problem in hung.rejected.items():
        one = hung.named[row]
        entry = {"node": node_type, "id": one.node, "picture": one.picture, "reason": problem.reason}
        yield json.dumps(entry | {"explanation": str(problem)}, ensure_ascii=False) + "\n"


def _store(
    store: Store,
    node_type: str,
    modality: str,
    ids: Sequence[str],
    matrix: npt.NDArray[np.float32],
    hashes: Sequence[str],
    stored: Mapping[str, str],
    report: Report = silent,
) -> int:
    """Keeps what changed in the store; says how many that were."""
    changed = _changed(ids, hashes, np.any(matrix, axis=1).tolist(), stored)
    if changed:
        keys, fresh = [ids[row] for row in changed], [hashes[row] for row in changed]
        store.load_features(node_type, modality, keys, matrix[changed], fresh, report)
    return len(changed)


def export(store: Store, out: Path, *, report: Report = silent) -> SnapshotManifest:
    """Writes the graph as a snapshot folder that appears complete or not at all.

    Raises:
        PipelineError: the store is empty.
    """
    _refuse_empty(store, "export")
    return store.export(out, report)


def finetune_text(snapshot: Path, out: Path, course: "Course", report: Report = silent) -> "AdapterManifest":
    """Trains an adapter of the text encoder on a snapshot's own pairs and saves it; needs no store.

    Args:
        snapshot: its folder.
        out: folder of the adapter.
        course: how.
        report: told how far it is.
    """
    from ingestion.finetuning import finetune

    return finetune(open_snapshot(snapshot), out, course, report)


def train(
    snapshot: Path,
    out: Path,
    *,
    seed: int = 0,
    device: str | None = None,
    minutes: float | None = None,
    earlier: Path | None = None,
    report: Report = silent,
) -> "ArtifactManifest":
    """Fits the model to a snapshot and saves it; needs no store.

    Args:
        snapshot: its folder.
        out: folder of the model.
        seed, device, minutes: as of `gnn.train.train`.
        earlier: folder of a model to go on from.
        report: told how far it is.
    """
    opened = open_snapshot(snapshot)  # before torch, whose import takes seconds
    from gnn.artifact import load_artifact, save_artifact
    from gnn.train import MINUTES
    from gnn.train import train as fit

    before = None if earlier is None else load_artifact(earlier)
    budget = MINUTES if minutes is None else minutes
    artifact = fit(opened, seed=seed, device=device, minutes=budget, earlier=before, report=report)
    return save_artifact(artifact, out)


@dataclass(frozen=True)
class Question:
    """What `evaluate` is to look at.

    Attributes:
        path: a snapshot, or the folder of a public data set.
        form: its format; found out if not said.
        ks: lengths of lists; those of the protocol if not said.
        without: relations to leave out.
        baselines: whether all baselines are asked, or the usual two.
        curve: whether the terms without paths are scaled down on the validation part, to see what they are worth.
    """

    path: Path
    form: str | None = None
    ks: tuple[int, ...] = ()
    without: tuple[str, ...] = ()
    baselines: bool = False
    curve: bool = False


def evaluate(
    question: Question,
    *,
    seed: int = 0,
    device: str | None = None,
    minutes: float | None = None,
    report: Report = silent,
) -> dict[str, Any]:
    """Figures of the model and of the baselines on what is held out of a data set; needs no store."""
    from gnn.datasets import read_question

    # Before torch, whose import takes seconds.
    benchmark = read_question(question.path, question.form, question.ks, seed=seed, without=question.without)
    from gnn.baselines import BASELINES
    from gnn.evaluate import USUAL
    from gnn.evaluate import evaluate as judge
    from gnn.train import MINUTES

    found = judge(
        benchmark,
        seed=seed,
        minutes=MINUTES if minutes is None else minutes,
        baselines=tuple(BASELINES) if question.baselines else USUAL,
        curve=question.curve,
        device=device,
        report=report,
    )
    return found.as_dict()


def _copy_pictures(mapping: ingestion.Mapping, records: ingestion.Records, folder: Path, report: Report) -> int:
    products = records.nodes.get("Product")
    if mapping.images is None or products is None or IMAGE not in products.column_names:
        return 0
    names = products.column(IMAGE).drop_null().to_pylist()
    return copy_pictures(mapping.images, names, folder, report)


def _refuse_empty(store: Store, command: str) -> None:
    if not store.counts().get("Product"):
        raise PipelineError(f"{store.url}: has no products to {command}; run `pathrec ingest` first")


def _features(ontology: Ontology, modality: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Node types that have a feature, and the properties that it is made from."""
    for name, node in ontology.nodes.items():
        if modality in node.features:
            yield name, node.features[modality].source


def _changed(ids: Sequence[str], hashes: Sequence[str], spoken: Sequence[bool], stored: Mapping[str, str]) -> list[int]:
    """Rows to write. A node that says or shows nothing has no feature, unless it had one that must go."""
    return [row for row, key in enumerate(ids) if stored.get(key) != hashes[row] and (spoken[row] or key in stored)]
