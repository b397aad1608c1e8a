"""Commands about the running system: serve, doctor."""

import os
from dataclasses import asdict
from typing import Annotated

import typer

from api.cli.options import ArtifactOption, HomeOption, JsonOption, StoreOption, settings_of
from api.console import Output


def register(app: typer.Typer) -> None:
    """Adds the commands of this group."""
    app.command(epilog="Example: pathrec serve --port 8000")(serve)
    app.command(epilog="Example: pathrec doctor --json -")(doctor)


def serve(
    host: Annotated[str | None, typer.Option("--host", help="Loopback address. [default: 127.0.0.1]")] = None,
    port: Annotated[int | None, typer.Option("--port", help="0 takes a free one. [default: 8000]")] = None,
    workers: Annotated[int | None, typer.Option("--workers", help="Server processes. [default: 1]")] = None,
    store: StoreOption = None,
    artifact: ArtifactOption = None,
    home: HomeOption = None,
    json: JsonOption = None,
) -> None:
    """Answer GraphQL over HTTP: /graphql, /healthz, /readyz; a page for people is at /.

    The JSON document, with the address, is written as soon as the port is taken.
    """
    from api.server import run

    output = Output(json)

    def announce(url: str) -> None:
        output.say(f"Listening on {url}")
        output.document({"url": url, "pid": os.getpid()})

    run(settings_of(home, store, artifact, host=host, port=port, workers=workers), announce)


def doctor(
    store: StoreOption = None, artifact: ArtifactOption = None, home: HomeOption = None, json: JsonOption = None
) -> None:
    """Say what is installed, what can be reached, and whether the pieces fit each other."""
    from api.doctor import examine

    output, findings = Output(json), []
    for finding in examine(settings_of(home, store, artifact)):
        findings.append(finding)
        output.say(f"{finding.state:8} {finding.subject}: {finding.says}")
        if finding.remedy:
            output.say(f"{'':8} -> {finding.remedy}")
    output.document({"findings": [asdict(finding) for finding in findings]})
    if any(finding.state == "problem" for finding in findings):
        raise typer.Exit(1)
