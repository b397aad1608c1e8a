"""From a store's address to a `Store`."""

import os
from contextlib import ExitStack
from pathlib import Path

from graph.connection import Connection, Endpoint, Observe
from graph.dialect import Dialect, Embedded, Neo4j
from graph.embedded import EmbeddedEngine
from graph.errors import StoreError
from graph.store import Store
from schema.ontology import Ontology

EMBEDDED = "embedded:"
ENGINE_SECONDS = 10.0
SCHEMES = ("bolt", "bolt+s", "bolt+ssc", "neo4j", "neo4j+s", "neo4j+ssc")


def connect(
    url: str,
    *,
    ontology: Ontology | None = None,
    user: str | None = None,
    password: str | None = None,
    timeout: float | None = None,
    observe: Observe | None = None,
) -> Store:
    """A store by its address.

    `embedded:PATH` starts the engine of that folder, or finds the one that runs. A server is first
    spoken to when it is used: `Store.ping` tells whether it is there.

    Args:
        url: `embedded:PATH`, `bolt://HOST:PORT`, `neo4j://HOST:PORT` (or `+s` for TLS).
        ontology: the shop's vocabulary; by default the one the store was made with.
        user, password: the login of a server; by default PATHREC_STORE_USER and PATHREC_STORE_PASSWORD.
            The embedded engine needs none.
        timeout: for how many seconds one call may wait for the store; for ever if None.
        observe: told how many seconds each call took, and whether it failed.

    Raises:
        StoreError: the address is not one of a store.
        StoreUnavailable: the embedded engine cannot be started.
    """
    with ExitStack() as resources:
        dialect: Dialect
        if url.startswith(EMBEDDED) and url != EMBEDDED:
            engine = EmbeddedEngine(Path(url.removeprefix(EMBEDDED)).expanduser())
            resources.callback(engine.close)
            # A killed engine holds its locks for a moment longer, then another is started.
            connection = Connection(url, engine.locate, patience=ENGINE_SECONDS, timeout=timeout, observe=observe)
            engine.locate()
            dialect = Embedded()
        elif url.split("://")[0] in SCHEMES and "://" in url:
            endpoint = Endpoint(url, _login(user, password))
            connection = Connection(url, lambda: endpoint, timeout=timeout, observe=observe)
            dialect = Neo4j()
        else:
            raise StoreError(f"{url}: not a store's address; give embedded:PATH, bolt://HOST:PORT or neo4j://HOST:PORT")
        resources.callback(connection.close)
        return Store(url, connection, dialect, ontology, resources.pop_all())


def _login(user: str | None, password: str | None) -> tuple[str, str] | None:
    user = user or os.environ.get("PATHREC_STORE_USER")
    password = password or os.environ.get("PATHREC_STORE_PASSWORD")
    return (user or "neo4j", password) if password else None
