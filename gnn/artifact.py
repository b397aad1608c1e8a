"""The artifact: a trained model as a folder that loads without torch and without pickle.

`manifest.json`, `products.parquet` (id, prior, trend), `people.parquet`, `terms/<TERM>.npz` (the incidence
with its frozen degrees), `terms/<TERM>.parquet` (names of the middle nodes), `contexts/<property>.npz` (how many
people of each value took what), `demand.npy` (decayed counts), `low_pass.safetensors`, `latent.safetensors`,
`likeness.safetensors` (how alike products are), `stand_ins.safetensors` (known products for those nobody met).
The incidence says who links two products, under pseudonyms: it is personal data, and `gnn.erasure`
takes people out of it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal
from zipfile import BadZipFile

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import scipy.sparse as sp
from pydantic import BaseModel, ConfigDict, ValidationError
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from gnn.context import ContextPrior
from gnn.fusion import Fusion
from gnn.latent import Latent
from gnn.likeness import Likeness
from gnn.low_pass import LowPass
from gnn.paths import PathTerm
from gnn.popularity import Pulse
from gnn.scoring import Scorer
from gnn.stand_ins import StandIns
from gnn.units import UnitWeights
from schema.errors import PathrecError
from schema.files import replacing_folder, sha256
from schema.ontology import Ontology, Term

MANIFEST = "manifest.json"
_Groups = Mapping[str, Mapping[str, np.ndarray[Any, Any]]]
_BY_HORIZON = ("prior", "trend", "smoothing", "centre", "deviation")


class ArtifactError(PathrecError):
    """An artifact is missing, damaged, of another format or of an ontology that does not fit."""


class _Parameters(BaseModel):
    """What every term has, by behaviour: θ, and how a unit counts by number of events and age."""

    model_config = ConfigDict(frozen=True)

    weights: tuple[float, ...]
    saturation: tuple[float, ...]
    half_life_days: tuple[float, ...]
    floor: tuple[float, ...]

    def units(self) -> UnitWeights:
        """As a scorer reads them."""
        return UnitWeights(np.array(self.saturation), np.array(self.half_life_days), np.array(self.floor))


class TermParameters(_Parameters):
    """Fitted numbers of an explicit term: exponents of start and end, shares of the middle's powers, scale."""

    exponents: tuple[float, float]
    middle: tuple[float, ...]
    scale: float


class LowPassParameters(_Parameters):
    """Fitted numbers of the low-pass term: response of the filter, singular values."""

    response: tuple[float, ...]
    values: tuple[float, ...]


class LatentParameters(_Parameters):
    """Fitted numbers of the latent term: β by hop, γ by term."""

    hops: tuple[float, ...]
    gates: dict[str, float]


class LikenessParameters(BaseModel):
    """How much a likeness in relations counts (κ), and what a likeness is worth (λ)."""

    model_config = ConfigDict(frozen=True)

    graph: float
    scale: float


class ContextParameters(BaseModel):
    """A property of people: its values in the order of the counts, the shapes of its lifts and their weight."""

    model_config = ConfigDict(frozen=True)

    values: tuple[str, ...]
    shape: tuple[float, ...]
    weight: float


class DemandParameters(BaseModel):
    """What later prior and trend follow from, by horizon; a half-life of None is all time."""

    model_config = ConfigDict(frozen=True)

    as_of_ms: int
    half_life_days: tuple[float | None, ...]
    prior: tuple[float, ...]
    trend: tuple[float, ...]
    smoothing: tuple[float, ...]
    centre: tuple[float, ...]
    deviation: tuple[float, ...]


class ArtifactManifest(BaseModel):
    """What an artifact says of itself.

    `fit` says what the weights reach on the questions they were fitted on, and what without each term.
    """

    model_config = ConfigDict(frozen=True)

    format: Literal[3] = 3
    model_version: str
    ontology: Ontology
    ontology_hash: str
    created_at: datetime
    as_of: datetime
    change_number: int
    behaviours: tuple[str, ...]
    terms: dict[str, TermParameters]
    low_pass: LowPassParameters | None
    latent: LatentParameters | None
    contexts: dict[str, ContextParameters] = {}
    demand: DemandParameters | None = None
    likeness: LikenessParameters | None = None
    default_weight: float
    fit: dict[str, Any] = {}
    files: dict[str, str] = {}


@dataclass(frozen=True)
class Artifact:
    """A manifest and the model that it describes."""

    manifest: ArtifactManifest
    scorer: Scorer


def describe(
    scorer: Scorer, *, created_at: datetime, as_of: datetime, change_number: int, fit: dict[str, Any]
) -> ArtifactManifest:
    """The manifest of a model."""
    low_pass, latent = scorer.low_pass, scorer.latent
    return ArtifactManifest(
        model_version=scorer.model_version,
        ontology=scorer.ontology,
        ontology_hash=scorer.ontology.hash,
        created_at=created_at,
        as_of=as_of,
        change_number=change_number,
        behaviours=scorer.behaviours,
        terms={
            term.term.name: TermParameters(
                **_shared(term), exponents=term.exponents, middle=term.middle, scale=term.scale
            )
            for term in scorer.terms
        },
        low_pass=None
        if low_pass is None
        else LowPassParameters(
            **_shared(low_pass), response=tuple(low_pass.response.tolist()), values=tuple(low_pass.values.tolist())
        ),
        latent=None
        if latent is None
        else LatentParameters(**_shared(latent), hops=tuple(latent.hops.tolist()), gates=dict(latent.gates)),
        contexts={
            name: ContextParameters(values=prior.values, shape=tuple(prior.shape.tolist()), weight=prior.weight)
            for name, prior in scorer.contexts.items()
        },
        demand=scorer.pulse and _demand(scorer.pulse),
        likeness=scorer.likeness and LikenessParameters(graph=scorer.likeness.graph, scale=scorer.likeness.scale),
        default_weight=scorer.default_weight,
        fit=fit,
    )


def _demand(pulse: Pulse) -> DemandParameters:
    return DemandParameters(
        as_of_ms=pulse.as_of_ms,
        half_life_days=tuple(None if days == np.inf else days for days in pulse.horizons),
        **{name: tuple(getattr(pulse, name).tolist()) for name in _BY_HORIZON},
    )


def _shared(term: PathTerm | LowPass | Latent) -> dict[str, tuple[float, ...]]:
    units = term.units
    return {
        "weights": tuple(term.weights.tolist()),
        "saturation": tuple(units.saturation.tolist()),
        "half_life_days": tuple(units.half_life.tolist()),
        "floor": tuple(units.floor.tolist()),
    }


def save_artifact(artifact: Artifact, path: Path) -> ArtifactManifest:
    """Writes an artifact aside and renames it to `path`.

    Raises:
        WriteError: no space or no right to write there.
    """
    scorer = artifact.scorer
    with replacing_folder(path, marker=MANIFEST) as folder:
        (folder / "terms").mkdir()
        (folder / "contexts").mkdir()
        products = {"id": list(scorer.product_ids), "prior": scorer.prior, "trend": scorer.trend, "alive": scorer.alive}
        pq.write_table(pa.table(products), folder / "products.parquet")
        pq.write_table(pa.table({"key": pa.array(_people(scorer), pa.string())}), folder / "people.parquet")
        for term in scorer.terms:
            _save_term(term, folder / "terms")
        for name, prior in scorer.contexts.items():
            np.savez(folder / "contexts" / f"{name}.npz", **_csr_arrays("", prior.counts), share=prior.share)
        if scorer.pulse is not None:
            np.save(folder / "demand.npy", scorer.pulse.counts)
        if scorer.low_pass is not None:
            save_file(_low_pass_arrays(scorer.low_pass), folder / "low_pass.safetensors")
        if scorer.latent is not None:
            save_file(_latent_arrays(scorer.latent), folder / "latent.safetensors")
        if scorer.likeness is not None:
            save_file(_likeness_arrays(scorer.likeness), folder / "likeness.safetensors")
        save_file(_stand_in_arrays(scorer.stand_ins), folder / "stand_ins.safetensors")
        names = sorted(str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file())
        manifest = artifact.manifest.model_copy(update={"files": {name: sha256(folder / name) for name in names}})
        (folder / MANIFEST).write_text(manifest.model_dump_json(by_alias=True, indent=2), encoding="utf-8")
    return manifest


def load_artifact(path: Path) -> Artifact:
    """Reads an artifact and checks every file against its sha256.

    Raises:
        ArtifactError: nothing there, another format, or a file is missing or damaged.
    """
    manifest = read_manifest(path)
    for name, expected in manifest.files.items():
        file = path / name
        if not file.is_file() or sha256(file) != expected:
            raise ArtifactError(f"{file}: is missing or damaged; train or publish the model again")
    try:
        return Artifact(manifest, _load_scorer(path, manifest))
    except (OSError, KeyError, ValueError, BadZipFile, SafetensorError, pa.ArrowException) as error:
        raise ArtifactError(f"{path}: cannot be read ({error}); train or publish the model again") from error


def read_manifest(path: Path) -> ArtifactManifest:
    """The manifest alone.

    Raises:
        ArtifactError: nothing there, or another format.
    """
    try:
        return ArtifactManifest.model_validate_json((path / MANIFEST).read_bytes())
    except OSError as error:
        raise ArtifactError(f"{path}: no artifact here ({error.strerror}); make one with `pathrec train`") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise ArtifactError(f"{path / MANIFEST}: {place}: {first['msg']}; train the model again") from error


def check_fit(manifest: ArtifactManifest, store: Ontology) -> None:
    """An artifact serves a store whose ontology has everything that the artifact was trained with.

    Raises:
        ArtifactError: naming each difference.
    """
    missing = list(_misfits(manifest.ontology, store))
    if missing:
        raise ArtifactError(
            f"model {manifest.model_version} does not fit the store's ontology: {'; '.join(missing)}. "
            "Train it again from a snapshot of this store"
        )


def _misfits(trained: Ontology, store: Ontology) -> Iterable[str]:
    for section in ("relations", "behaviours", "meetings"):
        ours, theirs = getattr(trained, section), getattr(store, section)
        for name, definition in ours.items():
            if name not in theirs:
                yield f"the store has no {section[:-1]} {name}"
            elif theirs[name] != definition:
                yield f"{section[:-1]} {name} is defined differently"
    yield from (f"the store has no node type {name}" for name in trained.nodes if name not in store.nodes)


def _people(scorer: Scorer) -> list[str]:
    """Pseudonyms by position; an empty one where somebody was forgotten."""
    keys = [""] * (max(scorer.people.values(), default=-1) + 1)
    for key, position in scorer.people.items():
        keys[position] = key
    return keys


def _save_term(term: PathTerm, folder: Path) -> None:
    ends = {} if term.ends is None else _csr_arrays("ends_", term.ends)
    np.savez(
        folder / f"{term.term.name}.npz",
        **_csr_arrays("", term.links),
        **ends,
        degree=term.degree,
        out_degree=term.out_degree,
        middle_degree=term.middle_degree,
    )
    middles = {"key": pa.array(term.keys, pa.string()), "owner": pa.array(term.owner, pa.int32())}
    pq.write_table(pa.table(middles), folder / f"{term.term.name}.parquet")


def _csr_arrays(prefix: str, matrix: sp.csr_array) -> dict[str, Any]:
    return {
        f"{prefix}data": matrix.data,
        f"{prefix}indices": matrix.indices,
        f"{prefix}indptr": matrix.indptr,
        f"{prefix}shape": np.asarray(matrix.shape),
    }


def _csr(arrays: Any, prefix: str) -> sp.csr_array:
    parts = (arrays[f"{prefix}data"], arrays[f"{prefix}indices"], arrays[f"{prefix}indptr"])
    return sp.csr_array(parts, shape=tuple(arrays[f"{prefix}shape"].tolist()))


def _low_pass_arrays(term: LowPass) -> dict[str, np.ndarray[Any, Any]]:
    return {"basis": term.basis, "start_factor": term.start_factor, "end_factor": term.end_factor}


def _latent_arrays(latent: Latent) -> dict[str, np.ndarray[Any, Any]]:
    groups = {
        "layers": latent.layers,
        "projections": latent.fusion.projections,
        "openings": latent.fusion.openings,
        "shares": latent.shares,
    }
    return _by_group(groups) | {"start_factor": latent.start_factor}


def _likeness_arrays(likeness: Likeness) -> dict[str, np.ndarray[Any, Any]]:
    return _by_group({"axes": likeness.axes, "vectors": likeness.vectors}) | {
        "met": likeness.met,
        "known": likeness.known.astype(np.int64),
    }


def _stand_in_arrays(stand_ins: StandIns) -> dict[str, np.ndarray[Any, Any]]:
    positions = {"products": stand_ins.products.astype(np.int64), "known": stand_ins.known.astype(np.int64)}
    return _by_group({"weights": stand_ins.weights}) | positions


def _by_group(groups: _Groups) -> dict[str, np.ndarray[Any, Any]]:
    """Arrays of modalities as one flat mapping: "group.modality"."""
    # What is not laid out row by row would be written as if it were.
    return {f"{g}.{name}": np.ascontiguousarray(array) for g, named in groups.items() for name, array in named.items()}


def _group(arrays: Mapping[str, np.ndarray[Any, Any]], name: str) -> dict[str, np.ndarray[Any, Any]]:
    return {key.partition(".")[2]: array for key, array in arrays.items() if key.startswith(f"{name}.")}


def _load_scorer(path: Path, manifest: ArtifactManifest) -> Scorer:
    products = pq.read_table(path / "products.parquet")
    people = pq.read_table(path / "people.parquet").column("key").to_pylist()
    by_name = {term.name: term for term in manifest.ontology.terms}
    return Scorer(
        model_version=manifest.model_version,
        ontology=manifest.ontology,
        product_ids=tuple(products.column("id").to_pylist()),
        behaviours=manifest.behaviours,
        terms=tuple(_load_term(path / "terms", by_name[name], p) for name, p in manifest.terms.items()),
        low_pass=_load_low_pass(path, manifest.low_pass),
        latent=_load_latent(path, manifest.latent),
        prior=products.column("prior").to_numpy().astype(np.float64),
        trend=products.column("trend").to_numpy().astype(np.float64),
        alive=products.column("alive").to_numpy(zero_copy_only=False).astype(bool),
        people={key: position for position, key in enumerate(people) if key},
        default_weight=manifest.default_weight,
        contexts={name: _load_context(path / "contexts", name, p) for name, p in manifest.contexts.items()},
        pulse=_load_pulse(path, manifest.demand),
        likeness=_load_likeness(path, manifest.likeness),
        stand_ins=_load_stand_ins(path),
    )


def _load_term(folder: Path, term: Term, parameters: TermParameters) -> PathTerm:
    middles = pq.read_table(folder / f"{term.name}.parquet")
    with np.load(folder / f"{term.name}.npz", allow_pickle=False) as arrays:
        return PathTerm(
            term=term,
            links=_csr(arrays, ""),
            ends=_csr(arrays, "ends_") if "ends_data" in arrays else None,
            out_degree=arrays["out_degree"],
            degree=arrays["degree"],
            middle_degree=arrays["middle_degree"],
            keys=tuple(middles.column("key").to_pylist()),
            owner=middles.column("owner").to_numpy().astype(np.int32),
            weights=np.array(parameters.weights),
            units=parameters.units(),
            exponents=parameters.exponents,
            middle=parameters.middle,
            scale=parameters.scale,
        )


def _load_context(folder: Path, name: str, parameters: ContextParameters) -> ContextPrior:
    with np.load(folder / f"{name}.npz", allow_pickle=False) as arrays:
        return ContextPrior(
            parameters.values, _csr(arrays, ""), arrays["share"], np.array(parameters.shape), parameters.weight
        )


def _load_pulse(path: Path, parameters: DemandParameters | None) -> Pulse | None:
    if parameters is None:
        return None
    return Pulse(
        as_of_ms=parameters.as_of_ms,
        horizons=tuple(np.inf if days is None else days for days in parameters.half_life_days),
        counts=np.load(path / "demand.npy", allow_pickle=False),
        **{name: np.array(getattr(parameters, name)) for name in _BY_HORIZON},
    )


def _load_low_pass(path: Path, parameters: LowPassParameters | None) -> LowPass | None:
    if parameters is None:
        return None
    arrays = load_file(path / "low_pass.safetensors")
    return LowPass(
        basis=arrays["basis"],
        values=np.array(parameters.values),
        response=np.array(parameters.response),
        start_factor=arrays["start_factor"],
        end_factor=arrays["end_factor"],
        weights=np.array(parameters.weights),
        units=parameters.units(),
    )


def _load_latent(path: Path, parameters: LatentParameters | None) -> Latent | None:
    if parameters is None:
        return None
    arrays = load_file(path / "latent.safetensors")
    return Latent(
        layers=_group(arrays, "layers"),
        fusion=Fusion(_group(arrays, "projections"), _group(arrays, "openings")),
        shares=_group(arrays, "shares"),
        hops=np.array(parameters.hops),
        gates=parameters.gates,
        start_factor=arrays["start_factor"],
        weights=np.array(parameters.weights),
        units=parameters.units(),
    )


def _load_likeness(path: Path, parameters: LikenessParameters | None) -> Likeness | None:
    if parameters is None:
        return None
    arrays = load_file(path / "likeness.safetensors")
    axes, vectors = _group(arrays, "axes"), _group(arrays, "vectors")
    return Likeness(axes, vectors, arrays["met"], arrays["known"], parameters.graph, parameters.scale)


def _load_stand_ins(path: Path) -> StandIns:
    arrays = load_file(path / "stand_ins.safetensors")
    return StandIns(arrays["products"], arrays["known"], _group(arrays, "weights"))
