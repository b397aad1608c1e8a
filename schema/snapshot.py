"""The snapshot: a folder that holds a graph at one moment, readable without any code of ours.

`manifest.json`, `nodes/<Type>.parquet`, `nodes/<Type>.<modality>.npy` (row k is node k),
`edges/<Source>.<RELATION>.<Target>.parquet`, `events.parquet`. The manifest is written last and
carries the sha256 of every file; the folder gets its name only when it is complete.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from schema.errors import SnapshotError
from schema.files import replacing_folder, sha256
from schema.ontology import Ontology

MANIFEST = "manifest.json"


def _ontology(value: Any) -> Any:
    return Ontology.model_validate(value) if isinstance(value, dict) else value


class SnapshotManifest(BaseModel):
    """What a snapshot says of itself."""

    model_config = ConfigDict(frozen=True)

    format: Literal[1] = 1
    ontology: Annotated[Ontology, BeforeValidator(_ontology)]
    ontology_hash: str
    created_at: datetime
    as_of: datetime  # the shop's clock at the export, or `until`
    until: datetime | None = None  # later events and dated relations were left out; nodes are as at `created_at`
    since: datetime | None = None  # when the snapshot was made that the unchanged was taken from
    change_number: int  # last entry of the store's change log that the snapshot holds
    nodes: dict[str, int]
    features: dict[str, dict[str, int]]  # type -> modality -> width
    edges: dict[str, int]
    events: int
    files: dict[str, str]  # path -> sha256


@dataclass(frozen=True)
class Snapshot:
    """An opened snapshot. Tables are read when asked for."""

    path: Path
    manifest: SnapshotManifest

    @property
    def ontology(self) -> Ontology:
        return self.manifest.ontology

    def nodes(self, node_type: str) -> pa.Table:
        """Nodes of a type with `id` and its properties; row k is position k."""
        return pq.read_table(self.path / node_file(node_type))

    def features(self, node_type: str, modality: str) -> npt.NDArray[np.floating[Any]] | None:
        """(N, d) embeddings of a type, all-zero rows where a node has none; None if there are none."""
        if modality not in self.manifest.features.get(node_type, {}):
            return None
        return np.asarray(np.load(self.path / feature_file(node_type, modality), mmap_mode="r", allow_pickle=False))

    def edges(self, relation: str) -> pa.Table:
        """Edges of a relation by position, `schema.tables.SNAPSHOT_EDGES`."""
        return pq.read_table(self.path / edge_file(self.ontology, relation))

    def events(self) -> pa.Table:
        """All events, ordered by time, `schema.tables.SNAPSHOT_EVENTS`."""
        return pq.read_table(self.path / "events.parquet")


def node_file(node_type: str) -> str:
    """Where the nodes of a type are, within the folder."""
    return f"nodes/{node_type}.parquet"


def feature_file(node_type: str, modality: str) -> str:
    """Where the embeddings of a type are, within the folder."""
    return f"nodes/{node_type}.{modality}.npy"


def edge_file(ontology: Ontology, relation: str) -> str:
    """Where the edges of a relation are, within the folder."""
    ends = ontology.relations[relation]
    return f"edges/{ends.source}.{relation}.{ends.target}.parquet"


def open_snapshot(path: Path, *, verify: bool = True) -> Snapshot:
    """Opens a snapshot and, unless told otherwise, checks every file against its sha256.

    Raises:
        SnapshotError: no snapshot there, another format, or a file is missing or damaged.
    """
    file = path / MANIFEST
    try:
        manifest = SnapshotManifest.model_validate_json(file.read_bytes())
    except OSError as error:
        raise SnapshotError(f"{path}: no snapshot here ({error.strerror}); make one with `pathrec export`") from error
    except ValidationError as error:
        raise SnapshotError(
            f"{file}: not a manifest of format 1: {error.errors()[0]['msg']}; export it again"
        ) from error
    if manifest.ontology.hash != manifest.ontology_hash:
        raise SnapshotError(f"{file}: the ontology does not have the hash that is written beside it; export it again")
    if verify:
        for name, expected in manifest.files.items():
            _check(path / name, expected)
    return Snapshot(path, manifest)


@contextmanager
def writing_snapshot(path: Path) -> Iterator[Path]:
    """A folder to fill with a snapshot's files; it becomes `path` when the block ends well."""
    with replacing_folder(path, marker=MANIFEST) as folder:
        (folder / "nodes").mkdir()
        (folder / "edges").mkdir()
        yield folder


def write_manifest(folder: Path, manifest: SnapshotManifest) -> SnapshotManifest:
    """Completes a folder: the manifest with the hash of each file in it."""
    names = sorted(str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file())
    complete = manifest.model_copy(update={"files": {name: sha256(folder / name) for name in names}})
    (folder / MANIFEST).write_text(complete.model_dump_json(by_alias=True, indent=2), encoding="utf-8")
    return complete


def _check(file: Path, expected: str) -> None:
    if not file.is_file():
        raise SnapshotError(f"{file}: is missing from the snapshot; export it again")
    if sha256(file) != expected:
        raise SnapshotError(f"{file}: is damaged (its sha256 differs from the manifest); export it again")
