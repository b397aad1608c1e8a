"""Vectors that a shop brings along as node features: further modalities, with no model of ours."""

import json
from collections.abc import Iterator, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from graph import Store
from ingestion.quarantine import quarantine_file
from ingestion.vectors import VectorFile, VectorPiece, digest, open_vectors
from schema.errors import PathrecError, suggestion
from schema.files import replacing_file
from schema.ontology import Ontology
from schema.progress import Report, silent

EXPLANATIONS = {
    "no_id": "the row has no id",
    "unknown_id": "no node of this type has this id; ingest it first",
    "duplicate": "an earlier row has the same id",
    "not_finite": "the vector is missing, of another length than the first, or holds NaN or an infinite number",
    "zero": "all numbers are zero, which says nothing",
}


class VectorsError(PathrecError):
    """Vectors do not fit the ontology or what the graph has."""


@dataclass(frozen=True)
class Brought:
    """What came of a file of vectors."""

    width: int
    written: int  # nodes whose vector is new or changed
    unchanged: int
    rejected: dict[str, int]  # rows that were not taken, by reason


@dataclass(frozen=True)
class _Sound:
    """Rows that can be taken, at length 1, and the reasons of the others by row."""

    ids: list[str]
    matrix: npt.NDArray[np.float32]
    rejected: dict[int, str]


def bring_vectors(
    store: Store,
    path: Path,
    *,
    home: Path,
    modality: str,
    node_type: str = "Product",
    ids: Path | None = None,
    report: Report = silent,
) -> Brought:
    """Stores vectors of a file as a feature of nodes. Nodes that it does not name keep what they have.

    Args:
        store: the graph, whose ontology has the feature, made from no property.
        path, ids: as of `ingestion.vectors.open_vectors`.
        home: its `quarantine/<type>.<modality>.jsonl` receives rows that were not taken, and why.
        modality, node_type: the feature.
        report: told how far it is.

    Raises:
        VectorsError: the feature is not of this kind, or the vectors are of another width than those that stay.
        SourceError: the file is damaged or not of its form.
    """
    _check_feature(store.ontology, node_type, modality)
    file = open_vectors(path, ids)
    known = set(store.node_ids(node_type))
    _check_width(store, file, node_type, modality)
    written, taken, rejected = 0, 0, dict.fromkeys(EXPLANATIONS, 0)
    place = quarantine_file(home, f"{node_type}.{modality}")
    with replacing_file(place) as aside, aside.open("w", encoding="utf-8") as refused:
        for piece, sound in _sound(file, known):
            hashes = [digest(vector) for vector in sound.matrix]
            if sound.ids:
                written += store.load_features(node_type, modality, sound.ids, sound.matrix, hashes)
            taken += len(sound.ids)
            for row, reason in sound.rejected.items():
                rejected[reason] += 1
                refused.write(_entry(piece, row, reason))
            report(f"vectors {node_type}.{modality}", piece.first + len(piece.ids), file.rows)
    return Brought(file.width, written, taken - written, {name: count for name, count in rejected.items() if count})


def _check_feature(ontology: Ontology, node_type: str, modality: str) -> None:
    if node_type not in ontology.nodes:
        raise VectorsError(f"no node type {node_type} in the ontology; {suggestion(node_type, ontology.nodes)}")
    features = ontology.nodes[node_type].features
    if modality not in features:
        raise VectorsError(
            f"{node_type} has no feature {modality} in the ontology. Add nodes: {{{node_type}: {{features: "
            f"{{{modality}: {{}}}}}}}} to the shop's own and ingest with --ontology"
        )
    if features[modality].source:
        made = ", ".join(features[modality].source)
        raise VectorsError(
            f"{node_type}.{modality} is made from {made} by an encoder, which would replace these vectors; "
            "declare a feature of another name, without from"
        )


def _check_width(store: Store, file: VectorFile, node_type: str, modality: str) -> None:
    """Refuses a change of width that would leave some nodes with vectors of the old one."""
    width = store.feature_width(node_type, modality)
    if width in (None, file.width):
        return
    left = set(store.feature_hashes(node_type, modality))
    for _, sound in _sound(file, frozenset(left)):
        left -= set(sound.ids)
    if left:
        raise VectorsError(
            f"{file.path}: its vectors have {file.width} numbers, those in the graph {width}, and {len(left):,} nodes "
            f"that have one are not in the file ({min(left)}, …); bring vectors of one model for all of them"
        )


def _sound(file: VectorFile, known: Set[str]) -> Iterator[tuple[VectorPiece, _Sound]]:
    seen: set[str] = set()
    for piece in file.pieces():
        lengths = np.linalg.norm(piece.matrix.astype(np.float64), axis=1)
        rejected: dict[int, str] = {}
        ids: dict[str, int] = {}
        for row, (key, length) in enumerate(zip(piece.ids, lengths, strict=True)):
            reason = _reason(key, known, seen, float(length))
            if reason or key is None:
                rejected[row] = reason or "no_id"
                continue
            seen.add(key)
            ids[key] = row
        rows = list(ids.values())
        yield piece, _Sound(list(ids), (piece.matrix[rows] / lengths[rows, None]).astype(np.float32), rejected)


def _reason(key: str | None, known: Set[str], seen: Set[str], length: float) -> str | None:
    if not key:
        return "no_id"
    if key not in known:
        return "unknown_id"
    if key in seen:
        return "duplicate"
    if not np.isfinite(length):
        return "not_finite"
    return None if length else "zero"


def _entry(piece: VectorPiece, row: int, reason: str) -> str:
    entry: dict[str, Any] = {"row": piece.first + row + 1, "id": piece.ids[row], "reason": reason}
    return json.dumps(entry | {"explanation": EXPLANATIONS[reason]}, ensure_ascii=False) + "\n"
