"""The command that shows everything: demo."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api import console
from api.cli.model import show_figures
from api.cli.options import HomeOption, JsonOption, StoreOption, settings_of
from api.console import Output

if TYPE_CHECKING:
    from api.child_server import ChildServer
    from api.demo import Outcome
    from api.settings import Settings


def register(app: typer.Typer) -> None:
    """Adds the command of this group."""
    app.command(epilog="Example: pathrec demo --once --json demo.json")(demo)


def demo(
    source: Annotated[
        str | None,
        typer.Option("--source", help="A shop that ships as a mapping: online-retail. [default: draw one up]"),
    ] = None,
    path: Annotated[Path | None, typer.Option("--path", help="Where the data of --source are.")] = None,
    once: Annotated[bool, typer.Option("--once", help="Stop everything after the first answer.")] = False,
    store: StoreOption = None,
    home: HomeOption = None,
    json: JsonOption = None,
) -> None:
    """Everything once, from a shop's files to a traced recommendation, then a server to play with.

    Without arguments it draws up a shop of 2,000 products. A shop named by --source gets a folder
    of its own within HOME, unless --home names one.
    """
    from api import demo as run

    shop = run.Shop(source, path)
    settings, output = _settings(source, home, store), Output(json)
    with _ending_well():
        with output.progress() as report:
            outcome = run.build(shop, settings, report)
        with run.answering(settings, outcome, port=0 if once else settings.port) as server:
            _show(output, outcome, server)
            output.document(outcome.as_dict())
            if not once:
                _invite(output, settings, outcome, server)
                server.wait()


def _settings(source: str | None, home: Path | None, store: str | None) -> "Settings":
    settings = settings_of(home, store)
    if source is None or "home" in settings.model_fields_set:
        return settings
    return settings_of(settings.home / source, store)


def _show(output: Output, outcome: "Outcome", server: "ChildServer") -> None:
    stages = outcome.stopwatch.stages
    rows = [(name, f"{stage.seconds:.1f}", console.amount(stage.peak_memory_bytes)) for name, stage in stages.items()]
    output.table("Stages", ("stage", "seconds", "peak memory"), rows)
    show_figures(output, outcome.metrics)
    if outcome.first is not None:
        output.say(f"\nThe first query:\n\n{outcome.first.query}\n\nIts answer, from {server.url}/graphql:\n")
        output.say(console.as_json(outcome.first.answer))


def _invite(output: Output, settings: "Settings", outcome: "Outcome", server: "ChildServer") -> None:
    output.say(f"\nOpen {server.url} to see why; or {server.url}/graphql and paste the query above.")
    output.say(f"What was read and what was rejected: {outcome.quality}")
    output.say(f"Other commands find this shop by --home {settings.home}. Ctrl-C stops the server.")


@contextmanager
def _ending_well() -> Iterator[None]:
    """A request to end (SIGTERM) unwinds like Ctrl-C, so that the child server ends as well."""
    before = signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
