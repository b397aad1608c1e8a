"""What is installed, what can be reached, and whether the pieces fit each other.

Every finding is ok, a warning (something is missing that you may not need) or a problem (something
that is meant to work does not); what is not ok says what to do about it.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Literal

from api import adapters, registry
from api.settings import Settings
from api.versions import versions
from gnn.artifact import ArtifactManifest, check_fit, load_artifact
from graph import Store, connect
from ingestion.encoders.adapter import open_adapter, require_base
from ingestion.encoders.model_folder import find_model
from schema.errors import PathrecError
from schema.snapshot import MANIFEST, open_snapshot

State = Literal["ok", "warning", "problem"]

ROOMS = ("schema", "graph", "ingestion", "gnn", "api")
_JAVA = 17
_DISK_BYTES = 2 * 2**30
_MANY_CHANGES = 10_000


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    subject: str
    state: State
    says: str
    remedy: str | None = None


def examine(settings: Settings) -> Iterator[Finding]:
    """Looks at everything; changes nothing, and makes no store where there is none yet."""
    yield from _installation()
    yield _text_encoder(settings)
    yield _gpu()
    yield _java()
    yield _home(settings.home)
    manifest, finding = _model(settings)
    yield finding
    if not _has_store(settings):
        yield Finding("store", "warning", f"{settings.store_url}: no graph yet", "run pathrec demo or pathrec ingest")
        return
    try:
        with connect(settings.store_url) as store:
            yield from _store(store, manifest)
            yield from _snapshot(settings.home / "snapshot", store)
    except PathrecError as error:
        yield Finding("store", "problem", str(error), "start the store, or name another one with --store")


def _installation() -> Iterator[Finding]:
    missing = [name for name, version in versions().items() if version is None]
    remedy = "run make install"
    if missing:
        yield Finding("packages", "problem", f"not installed: {', '.join(missing)}", remedy)
    else:
        yield Finding("packages", "ok", ", ".join(f"{name} {version}" for name, version in versions().items()))
    owners = packages_distributions()
    shared = {room: sorted(set(owners.get(room, ())) - {"pathrec"}) for room in ROOMS}
    foreign = [f"{room} ({', '.join(others)})" for room, others in shared.items() if others]
    if foreign:
        remedy = "install Pathrec into a virtual environment of its own, without these distributions"
        yield Finding("import names", "problem", f"other distributions own {', '.join(foreign)}", remedy)
    else:
        yield Finding("import names", "ok", f"{', '.join(ROOMS)} belong to Pathrec alone")


def _text_encoder(settings: Settings) -> Finding:
    model = settings.text_model
    if model is not None and not Path(model).expanduser().is_dir():
        return Finding("text encoder", "ok", f"{model}, from Hugging Face on first use")
    try:
        folder = None if model else adapters.in_use(settings.home)
        adapter = open_adapter(folder) if folder else None
        found = find_model(adapter.manifest.base.model if adapter else model)
        if adapter:
            require_base(adapter, found.name, found.version)
    except PathrecError as error:
        return Finding("text encoder", "problem", str(error), "run make install, or name another model or adapter")
    return Finding(
        "text encoder", "ok", f"{found.name}{f' with adapter {folder.name}' if folder else ''}, files complete"
    )


def _gpu() -> Finding:
    import torch

    if torch.cuda.is_available():
        return Finding("GPU", "ok", torch.cuda.get_device_name())
    return Finding("GPU", "ok", "none; training and encoding use the CPU")


def _java() -> Finding:
    remedy = f"install a JDK {_JAVA} or newer and Maven, if you want make neo4j or its tests"
    absent = [tool for tool in ("java", "mvn") if shutil.which(tool) is None]
    if absent:
        return Finding("Neo4j tools", "warning", f"no {' and no '.join(absent)} on the PATH", remedy)
    told = subprocess.run(["java", "-version"], capture_output=True, text=True, check=False).stderr  # noqa: S607
    found = re.search(r'version "(\d+)', told)
    if not found or int(found[1]) < _JAVA:
        return Finding("Neo4j tools", "warning", f"Java {found[1] if found else 'of unknown version'}", remedy)
    return Finding("Neo4j tools", "ok", f"Java {found[1]} and Maven; the embedded engine brings its own Java")


def _home(home: Path) -> Finding:
    place = next(folder for folder in (home.absolute(), *home.absolute().parents) if folder.exists())
    if not place.is_dir() or not os.access(place, os.W_OK):
        return Finding("home", "problem", f"{place}: cannot be written", "name another --home")
    free = shutil.disk_usage(place).free
    if free < _DISK_BYTES:
        return Finding("home", "warning", f"{home}: {free / 2**30:.1f} GiB free", "free some space")
    return Finding("home", "ok", f"{home}: {free / 2**30:.0f} GiB free")


def _model(settings: Settings) -> tuple[ArtifactManifest | None, Finding]:
    try:
        folder = settings.artifact or registry.served(settings.home)
        if folder is None:
            remedy = "run pathrec demo, or pathrec train and pathrec publish"
            return None, Finding("model", "warning", "nothing is published yet", remedy)
        manifest = load_artifact(folder).manifest
    except PathrecError as error:
        return None, Finding("model", "problem", str(error), "publish a model again, or pathrec rollback")
    return manifest, Finding("model", "ok", f"{manifest.model_version}, as of {manifest.as_of:%Y-%m-%d %H:%M} UTC")


def _has_store(settings: Settings) -> bool:
    scheme, _, folder = settings.store_url.partition(":")
    return scheme != "embedded" or (Path(folder).is_dir() and any(Path(folder).iterdir()))


def _store(store: Store, manifest: ArtifactManifest | None) -> Iterator[Finding]:
    store.ping()
    counts = store.counts()
    yield Finding("store", "ok", f"{store.engine}: " + ", ".join(f"{n:,} {name}" for name, n in counts.items() if n))
    if not counts.get("Product"):
        yield Finding("graph", "warning", "has no products", "run pathrec ingest")
    if manifest is None:
        return
    try:
        check_fit(manifest, store.stored_ontology() or store.ontology)
        yield Finding("model and graph", "ok", "the ontologies fit")
    except PathrecError as error:
        yield Finding("model and graph", "problem", str(error), "export, train and publish again")
    yield _lag(store.change_number() - manifest.change_number)


def _lag(changes: int) -> Finding:
    remedy = "run pathrec export, train and publish"
    if changes < 0:
        return Finding("changes", "problem", "the model has seen changes that the store does not have", remedy)
    if changes > _MANY_CHANGES:
        return Finding("changes", "warning", f"{changes:,} since the model; servers replay them at start", remedy)
    return Finding("changes", "ok", f"{changes:,} since the model, which servers apply by themselves")


def _snapshot(path: Path, store: Store) -> Iterator[Finding]:
    if not (path / MANIFEST).is_file():
        return
    remedy = f"run pathrec export {path}"
    try:
        manifest = open_snapshot(path).manifest
    except PathrecError as error:
        yield Finding("snapshot", "problem", str(error), remedy)
        return
    ontology = store.stored_ontology()
    if ontology is not None and ontology.hash != manifest.ontology_hash:
        yield Finding("snapshot", "warning", f"{path}: is of another ontology than the store's", remedy)
    else:
        yield Finding("snapshot", "ok", f"{path}: {manifest.events:,} events, files complete")
