"""How many queries a request sends to the store, counted where the driver logs them."""

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from api.encoding import picture_encoder, text_encoder
from api.graphql.context import Context
from api.graphql.execution import Executor
from api.graphql.limits import Limits
from api.graphql.schema import executable
from api.runtime import assemble
from api.services.callers import Caller, Role
from api.settings import load_settings
from benchmarks.questions import Questions
from graph import Store

ANYBODY = Caller(frozenset(Role))


class _Runs(logging.Handler):
    """Counts the queries that the driver says it sends."""

    count = 0

    def emit(self, record: logging.LogRecord) -> None:
        """Looks at one line of the driver's log."""
        self.count += "C: RUN" in record.getMessage()


@contextmanager
def counted() -> Iterator[_Runs]:
    """Counts the queries to the store that this process sends in the block."""
    log, runs = logging.getLogger("neo4j.io"), _Runs()
    log.addHandler(runs)
    log.setLevel(logging.DEBUG)
    try:
        yield runs
    finally:
        log.setLevel(logging.NOTSET)
        log.removeHandler(runs)


def store_queries(home: Path, store: Store, questions: Questions) -> dict[str, int]:
    """Queries to the store by kind of request, as this process answers them; the usual number of some requests."""
    settings = load_settings(home=home)
    text = text_encoder(settings.text_model, home / "cache", home)
    pictures = picture_encoder(settings.image_model, home / "cache", settings.images, allow_private=False)
    shop, executor = assemble(settings, store, text, pictures), Executor(executable(), Limits())
    shop.live.follow()

    def asked(body: bytes) -> int:
        question = json.loads(body)
        with counted() as runs:
            found = executor.execute(
                question["query"], question["variables"], None, Context(shop, "benchmark", ANYBODY)
            )
        if "errors" in found.body:
            raise RuntimeError(found.body["errors"][0]["message"])
        return runs.count

    return {kind: int(median(asked(body) for body in questions.of(kind, 9))) for kind in questions.kinds}
