"""The rooms in order: records to graph, graph to vectors, snapshot, artifact, figures.

Every stage is idempotent. One that was killed is simply run again, and finishes.
"""

import itertools
import json
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import structlog

import ingestion
from api import adapters
from api.pictures import copy_pictures, unpack_pictures
from api.services import refreshing
from graph import Loaded, Store
from ingestion.encoders import (
    EmbeddingCache,
    Encoder,
    Hung,
    Named,
    content_hash,
    encode_cached,
    encode_gallery,
    first_named,
    shop_pictures,
    texts_of,
)
from ingestion.encoders.archive import PictureArchive, open_archive
from ingestion.quality import write_report
from ingestion.quarantine import quarantine_file
from schema.errors import PathrecError
from schema.files import replacing_file
from schema.ontology import Ontology
from schema.progress import Report, silent
from schema.snapshot import MANIFEST, Snapshot, SnapshotManifest, open_snapshot

if TYPE_CHECKING:
    from gnn.artifact import ArtifactManifest
    from ingestion.encoders.adapter import AdapterManifest
    from ingestion.finetuning import Course

TEXT = "text"
IMAGE = "image"
EVENTS = "events"
PIECE = 4096
"""Nodes in memory at a time while they are embedded."""
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
    knowledge: refreshing.Refreshed  # what the rules of experts made of it
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
        ArchiveError: its pictures are in an archive that is damaged.
        StoreError: the store refused or went away; run it again to finish.
    """

    mapping = ingestion.load_mapping(source, ontology=store.ontology, data=data)
    archive = open_archive(mapping.images) if mapping.images and mapping.images.is_file() else None
    records = ingestion.read(mapping, workdir=home, report=report)
    _, quality = write_report(records.quality, home / "reports")
    nodes, loaded = _load(store, records, report)
    events = loaded.pop(EVENTS)
    known = refreshing.refresh(store)
    done = Ingested(
        nodes=nodes,
        relations={name: found.written for name, found in loaded.items()},
        events={"written": events.written, "existing": events.existing},
        dangling={name: found.dangling for name, found in [*loaded.items(), (EVENTS, events)] if found.dangling},
        clock=records.clock,
        pictures=_copy_pictures(archive or mapping.images, records, home / "images", report),
        quality=quality,
        knowledge=known,
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


@dataclass(frozen=True)
class Refreshed:
    """What became of the vectors of products that were written."""

    embedded: dict[str, Embedded]  # by modality; of those only in which the shop was encoded before
    left_out: tuple[str, ...]  # why others were not encoded


def refresh(
    store: Store,
    since: int,
    *,
    home: Path,
    model: str | None = None,
    image_model: str | None = None,
    allow_private: bool = False,
    report: Report = silent,
) -> Refreshed:
    """Encodes the products that the change log names, in the modalities in which the shop was encoded before.

    Args:
        store: the graph.
        since: number of the last change before they were written.
        home: as of `embed`.
        model, image_model: as of `embed` and `embed_pictures`; with another model than before nothing is encoded.
        allow_private: as of `embed_pictures`.
        report: told how far it is.

    Raises:
        EncoderError: a model cannot be loaded.
    """
    written = [change.keys for change in store.changes(since) if change.kind == "PRODUCTS_WRITTEN"]
    products = sorted({key for keys in written for key in keys})
    encoders = store.encoders("Product") if products else {}
    embedded: dict[str, Embedded] = {}
    left_out = []
    pictures = partial(embed_pictures, model=image_model, allow_private=allow_private)
    for modality, work in ((TEXT, partial(embed, model=model)), (IMAGE, pictures)):
        if modality not in encoders:
            continue
        try:
            done = work(store, home=home, products=products, report=report)
        except PipelineError as error:
            left_out.append(str(error))
        else:
            embedded |= {modality: done} if done is not None else {}
    return Refreshed(embedded, tuple(left_out))


def embed(
    store: Store,
    *,
    home: Path,
    model: str | None = None,
    adapter: Path | None = None,
    products: Sequence[str] | None = None,
    report: Report = silent,
) -> Embedded:
    """Encodes the texts of every node type that has a text feature, and stores what changed.

    Args:
        store: the graph.
        home: its `cache/` keeps what was encoded, its `adapters/` the adapter in use.
        model: as of `load_text_encoder`.
        adapter: folder of one; that in use if neither it nor a model is named. It is in use from now on.
        products: ids of products, if only these shall be encoded; the model must then be the one of the others.
        report: told how far it is.

    Raises:
        PipelineError: the store is empty, or its other products were encoded by another model.
        EncoderError: the model or the adapter cannot be loaded, or they do not fit.
    """
    from ingestion.encoders.text import load_text_encoder

    _refuse_empty(store, "embed")
    chosen = adapter if adapter or model else adapters.in_use(home)
    encoder = load_text_encoder(model, adapter=chosen)
    written, unchanged = embed_texts(store, encoder, EmbeddingCache(home / "cache"), products, report)
    if products is None:
        adapters.use(home, chosen)
    return Embedded(encoder.name, written, unchanged, {})


def embed_texts(
    store: Store,
    encoder: Encoder,
    cache: EmbeddingCache,
    products: Sequence[str] | None = None,
    report: Report = silent,
) -> tuple[dict[str, int], dict[str, int]]:
    """Encodes texts with a model that is there already, some thousand nodes at a time; arguments as of `embed`.

    Returns:
        By node type, how many nodes have a new vector and how many the one that they had.
    """
    written, unchanged = {}, {}
    for node_type, properties in _features(store.ontology, TEXT):
        ids = _ids(store, node_type, products)
        _use_encoder(store, node_type, TEXT, encoder.version, whole=products is None)
        written[node_type] = 0
        for start in range(0, len(ids), PIECE):
            some = ids[start : start + PIECE]
            news = _within(report, start + len(some), len(ids))
            written[node_type] += _embed_some(store, node_type, properties, some, encoder, cache, news)
        unchanged[node_type] = len(ids) - written[node_type]
    return written, unchanged


def _embed_some(
    store: Store,
    node_type: str,
    properties: Sequence[str],
    ids: Sequence[str],
    encoder: Encoder,
    cache: EmbeddingCache,
    report: Report = silent,
) -> int:
    """Encodes the texts of some nodes, those alone that are new or changed; says how many that were."""
    nodes = store.nodes(node_type, ids)
    ids, texts = nodes.column("id").to_pylist(), texts_of(nodes, properties)
    hashes = [content_hash(encoder.version, text) for text in texts]
    spoken = [bool(text.strip()) for text in texts]
    changed = _changed(ids, hashes, spoken, store.feature_hashes(node_type, TEXT, ids))
    matrix, fresh = encode_cached(encoder, [texts[row] for row in changed], cache, report)
    if changed:
        store.load_features(node_type, TEXT, [ids[row] for row in changed], matrix, fresh)
    return len(changed)


def _within(report: Report, end: int, total: int) -> Report:
    """The news of a piece that ends there as news of the whole."""
    return lambda stage, done, of: report(stage, end - of + done, total)


def embed_pictures(
    store: Store,
    *,
    home: Path,
    model: str | None = None,
    products: Sequence[str] | None = None,
    allow_private: bool = False,
    report: Report = silent,
) -> Embedded | None:
    """Encodes the pictures of every node type that has an image feature, and stores what changed.

    Pictures are in `home`'s `images/`, or at addresses of the web. What cannot be used is in `home`'s
    `quarantine/pictures.jsonl` with a reason.

    Args:
        store, home, model, products, report: as of `embed`.
        allow_private: whether addresses may lead to machines that are not on the public internet.

    Returns:
        What was done; None where no node names a picture, for which no model is loaded.

    Raises:
        PipelineError: as of `embed`.
        EncoderError: the model cannot be loaded.
    """
    _refuse_empty(store, "embed")
    galleries = {
        node_type: list(_gallery(store, node_type, properties, _ids(store, node_type, products)))
        for node_type, properties in _features(store.ontology, IMAGE)
    }
    if not any(one.picture for named in galleries.values() for one in named):
        return None
    from ingestion.encoders.vision import load_image_encoder

    encoder, cache = load_image_encoder(model), EmbeddingCache(home / "cache")
    written, unchanged, rejected = {}, {}, {}
    file = quarantine_file(home, "pictures")
    others = [] if products is None else _refused_of_others(file, set(products))
    with (
        replacing_file(file) as aside,
        aside.open("w", encoding="utf-8") as refused,
        shop_pictures(home / "images", home / "cache", allow_private=allow_private) as source,
    ):
        refused.writelines(others)
        for node_type, named in galleries.items():
            _use_encoder(store, node_type, IMAGE, encoder.version, whole=products is None)
            stored, changed, unusable = store.feature_hashes(node_type, IMAGE), 0, 0
            for hung in encode_gallery(encoder, named, source, cache, report):
                changed += _store(store, node_type, hung, stored)
                unusable += len(hung.rejected)
                refused.writelines(_refusals(node_type, hung))
            written[node_type], unchanged[node_type] = changed, len(named) - changed
            rejected[node_type] = unusable
    return Embedded(encoder.name, written, unchanged, rejected)


def _ids(store: Store, node_type: str, products: Sequence[str] | None) -> Sequence[str]:
    """All nodes of a type, or if only some products are wanted, these."""
    if products is None:
        return store.node_ids(node_type)
    return products if node_type == "Product" else ()


def _use_encoder(store: Store, node_type: str, modality: str, version: str, *, whole: bool) -> None:
    """Says in the store whose vectors are kept, so that vectors of two models are never mixed."""
    known = store.encoders(node_type).get(modality)
    if known == version:
        return
    if known is not None and not whole:
        raise PipelineError(
            f"{store.url}: {node_type}.{modality} was encoded by another model, so what is new was not encoded; "
            "name that model, or run `pathrec embed` with this one"
        )
    store.use_encoder(node_type, modality, version)


def _refused_of_others(file: Path, products: Set[str]) -> list[str]:
    """Lines about pictures of what is not looked at now."""
    lines = file.read_text(encoding="utf-8").splitlines(keepends=True) if file.is_file() else []
    return [line for line in lines if (entry := json.loads(line))["node"] != "Product" or entry["id"] not in products]


def _gallery(store: Store, node_type: str, properties: Sequence[str], ids: Sequence[str]) -> Iterator[Named]:
    """Each of some nodes with the first picture that it names."""
    for start in range(0, len(ids), PIECE):
        nodes = store.nodes(node_type, ids[start : start + PIECE])
        columns = [nodes.column(name).to_pylist() for name in properties]
        pictures = (first_named(values) for values in zip(*columns, strict=True))
        yield from itertools.starmap(Named, zip(nodes.column("id").to_pylist(), pictures, strict=True))


def _refusals(node_type: str, hung: Hung) -> Iterator[str]:
    for row, problem in hung.rejected.items():
        one = hung.named[row]
        entry = {"node": node_type, "id": one.node, "picture": one.picture, "reason": problem.reason}
        yield json.dumps(entry | {"explanation": str(problem)}, ensure_ascii=False) + "\n"


def _store(store: Store, node_type: str, hung: Hung, stored: Mapping[str, str]) -> int:
    """Keeps the vectors of pictures that changed in the store; says how many that were."""
    ids = [one.node for one in hung.named]
    changed = _changed(ids, hung.hashes, np.any(hung.matrix, axis=1).tolist(), stored)
    if changed:
        keys, fresh = [ids[row] for row in changed], [hung.hashes[row] for row in changed]
        store.load_features(node_type, IMAGE, keys, hung.matrix[changed], fresh)
    return len(changed)


def export(
    store: Store,
    out: Path,
    *,
    until: datetime | None = None,
    since: Snapshot | None = None,
    report: Report = silent,
) -> SnapshotManifest:
    """Writes the graph as a snapshot folder that appears complete or not at all; what experts derive is refreshed.

    Args:
        store: the graph.
        out: the folder.
        until: later events and dated relations are left out; nodes are as they are now.
        since: an earlier snapshot, of which what still holds is not read again.
        report: told how far it is.

    Raises:
        PipelineError: the store is empty, or both a moment and an earlier snapshot are named.
    """
    _refuse_empty(store, "export")
    if until is not None and since is not None:
        raise PipelineError(
            f"{store.url}: what changed is known only up to now; export a point in time without an earlier snapshot"
        )
    for rule, problem in refreshing.refresh(store).problems.items():
        _log.warning("knowledge_not_refreshed", rule=rule, problem=problem)
    return store.export(out, report, until=until, since=since)


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
    return found.as_dict() | _looked_at(question)


def _looked_at(question: Question) -> dict[str, Any]:
    """Which snapshot it was, if it was a whole one: figures belong to the models that are made of the same."""
    from gnn.datasets.registry import SNAPSHOT

    named = question.form in (None, SNAPSHOT) and (question.path / MANIFEST).is_file()
    if question.without or not named:
        return {}
    manifest = open_snapshot(question.path).manifest
    return {SNAPSHOT: manifest.model_dump(mode="json", include={"ontology_hash", "as_of", "change_number"})}


def _copy_pictures(
    source: PictureArchive | Path | None, records: ingestion.Records, folder: Path, report: Report
) -> int:
    products = records.nodes.get("Product")
    if source is None or products is None or IMAGE not in products.column_names:
        return 0
    names = products.column(IMAGE).drop_null().to_pylist()
    if isinstance(source, PictureArchive):
        return unpack_pictures(source, names, folder, report)
    return copy_pictures(source, names, folder, report)


def _refuse_empty(store: Store, command: str) -> None:
    if not store.counts().get("Product"):
        raise PipelineError(f"{store.url}: has no products to {command}; run `pathrec ingest` first")


def _features(ontology: Ontology, modality: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Node types that have a feature, and the properties that it is made from; not where vectors are brought along."""
    for name, node in ontology.nodes.items():
        if modality in node.features and node.features[modality].source:
            yield name, node.features[modality].source


def _changed(ids: Sequence[str], hashes: Sequence[str], spoken: Sequence[bool], stored: Mapping[str, str]) -> list[int]:
    """Rows to write. A node that says or shows nothing has no feature, unless it had one that must go."""
    return [row for row, key in enumerate(ids) if stored.get(key) != hashes[row] and (spoken[row] or key in stored)]
