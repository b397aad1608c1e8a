"""The whole way once: a shop's files, graph, vectors, snapshot, model, figures, server, first answer."""

import json
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from api import pipeline, registry
from api.child_server import ChildServer, child_server
from api.first_answer import FirstAnswer, ask_first, typical_user
from api.services.reports import EVALUATION
from api.settings import Settings
from api.stopwatch import Stopwatch
from api.versions import versions
from graph import Store, connect
from schema.errors import PathrecError
from schema.files import replacing_file
from schema.progress import Report, silent

GENERATED = "demo-shop"
"""Name of the shop that is drawn up when no source is given."""


class DemoError(PathrecError):
    """The demo cannot run as asked."""


@dataclass(frozen=True)
class Shop:
    """Where a demo's data come from."""

    source: str | None = None  # a mapping that ships with Pathrec; None: the generated shop
    path: Path | None = None  # its data

    def __post_init__(self) -> None:
        if (self.source is None) != (self.path is None):
            raise DemoError("--source and --path belong together: pathrec demo --source online-retail --path FILE")


@dataclass
class Outcome:
    """What a run has produced so far."""

    stopwatch: Stopwatch = field(default_factory=Stopwatch)
    metrics: dict[str, Any] = field(default_factory=dict)
    quality: Path | None = None
    first: FirstAnswer | None = None

    def as_dict(self) -> dict[str, Any]:
        """The JSON document of `pathrec demo --json`."""
        return {
            "stages": self.stopwatch.as_dict(),
            "metrics": self.metrics,
            "first_answer": self.first.as_dict() if self.first else None,
            "versions": versions(),
        }


def build(shop: Shop, settings: Settings, report: Report = silent) -> Outcome:
    """From files to a published model. Killed in the middle and run again, it finishes.

    Raises:
        DemoError: the store holds another shop.
    """
    outcome, home = Outcome(), settings.home
    stage = outcome.stopwatch.stage
    snapshot, artifact = home / "snapshot", home / "model"
    home.mkdir(parents=True, exist_ok=True)
    with stage("generate"):
        source, data = _files(shop, home, report)
    with stage("start_store"):
        store = connect(settings.store_url)
    with store:
        with stage("ingest"):
            store.ping()
            _refuse_another_shop(store, shop, home)
            outcome.quality = pipeline.ingest(store, source, home=home, data=data, report=report).quality
        with stage("embed"):
            pipeline.embed(store, home=home, model=settings.text_model, report=report)
        with stage("export"):
            pipeline.export(store, snapshot, report=report)
        with stage("train"):
            pipeline.train(snapshot, artifact, report=report)
        with stage("evaluate"):
            outcome.metrics = pipeline.evaluate(pipeline.Question(snapshot), report=report)
            with replacing_file(home / "reports" / EVALUATION) as aside:
                aside.write_text(json.dumps(outcome.metrics), encoding="utf-8")
        with stage("publish"):
            registry.publish(home, artifact)
            # The published copy is the one that deletions reach; no second one stays behind.
            shutil.rmtree(artifact)
    return outcome


@contextmanager
def answering(settings: Settings, outcome: Outcome, *, port: int = 0) -> Iterator[ChildServer]:
    """A server over what was built, after its first answer was checked; it ends with the block."""
    user = typical_user(settings.home / "snapshot")
    stage = outcome.stopwatch.stage
    with ExitStack() as stack:
        with stage("serve"):
            server = stack.enter_context(child_server(settings, port=port))
        with stage("first_answer"):
            outcome.first = ask_first(server.url, user)
        yield server


def _files(shop: Shop, home: Path, report: Report) -> tuple[str | Path, Path | None]:
    """What `pipeline.ingest` takes: a mapping, and where its data are."""
    if shop.source is not None:
        return shop.source, shop.path
    from ingestion.demo_shop import generate

    return generate(home / GENERATED, report=report), None


def _refuse_another_shop(store: Store, shop: Shop, home: Path) -> None:
    """Two shops in one graph would spoil each other's model, so a store is marked before it is filled."""
    mark = home / "demo.json"
    ours = {"source": shop.source or GENERATED, "store": store.url}
    known = json.loads(mark.read_text(encoding="utf-8")) if mark.is_file() else None
    if known != ours and store.counts().get("Product"):
        raise DemoError(f"{store.url}: holds products that this demo did not load; name another --home or --store")
    with replacing_file(mark) as aside:
        aside.write_text(json.dumps(ours), encoding="utf-8")
