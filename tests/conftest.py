"""What tests of several rooms share: real stores, and the folder of real data."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from graph import Query, Store, connect
from tools.neo4j_server import RELEASES, MissingNeo4jError, fetched, running_server
from tools.neo4j_server.java import newest_jdk
from tools.neo4j_server.releases import Installed

pytest_plugins = ["tests.support.demo_run", "tests.support.object_store", "tests.support.sharing"]

ENGINES = ("embedded", "neo4j-5", "neo4j-2026")


@pytest.fixture(scope="session", params=ENGINES)
def store_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a real store, once for each engine; it runs for as long as its tests do."""
    if request.param == "embedded":
        yield request.getfixturevalue("_embedded_url")
        return
    installed = installed_or_skipped(request.param.removeprefix("neo4j-"))
    with running_server(installed, tmp_path_factory.mktemp(request.param)) as server:
        yield server.url


@pytest.fixture(scope="session")
def neo4j_installed() -> Installed:
    """The long-term release of Neo4j, for tests that start and stop servers of their own."""
    return installed_or_skipped("5")


@pytest.fixture(scope="session")
def _prepared_shops() -> dict[str, dict[str, Any]]:
    """What the shop's own node of a store looked like when the store was prepared, by address."""
    return {}


@pytest.fixture
def store(store_url: str, _prepared_shops: dict[str, dict[str, Any]]) -> Iterator[Store]:
    """An empty, prepared store, on each engine in turn."""
    yield from _prepared(store_url, _prepared_shops)


@pytest.fixture(scope="session")
def _embedded_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    url = f"embedded:{tmp_path_factory.mktemp('embedded')}"
    with connect(url):  # holds the engine, so that it does not start anew for each test
        yield url


@pytest.fixture
def embedded_store(_embedded_url: str, _prepared_shops: dict[str, dict[str, Any]]) -> Iterator[Store]:
    """An empty, prepared store on the embedded engine, for tests that do not depend on the engine."""
    yield from _prepared(_embedded_url, _prepared_shops)


def _prepared(url: str, shops: dict[str, dict[str, Any]]) -> Iterator[Store]:
    with connect(url) as store:
        empty(store)
        if url in shops:
            # Constraints and indexes are still there, and to ask for each takes longer than most tests.
            store._connection.rows(Query("CREATE (s:Shop) SET s = $shop", {"shop": shops[url]}), write=True)
        else:
            store.prepare()
            shops[url] = store.read(Query("MATCH (s:Shop) RETURN properties(s) AS shop"))[0]["shop"]
        yield store


@pytest.fixture(scope="session")
def data_folder() -> Callable[[str], Path]:
    """The folder of a real data set by name ("online_retail"), under PATHREC_DATA; skips where it is not."""

    def find(name: str) -> Path:
        root = os.environ.get("PATHREC_DATA")
        if root is None or not (Path(root) / name).exists():
            pytest.skip(f"needs the data set {name}: set PATHREC_DATA to the folder that holds it")
        return Path(root) / name

    return find


def installed_or_skipped(name: str) -> Installed:
    """A release of Neo4j; a test without it is skipped, or fails on CI."""
    release = RELEASES[name]
    # The newest release is tested where there is a Java for it, the long-term one always.
    if name != "5" and newest_jdk(release.java) is None:
        pytest.skip(f"Neo4j {release.version} needs a JDK {release.java} or newer")
    try:
        return fetched(release)
    except MissingNeo4jError as error:
        if os.environ.get("CI"):
            pytest.fail(f"CI tests the store on Neo4j: {error}")
        pytest.skip(str(error))


def empty(store: Store) -> None:
    """Takes everything out of a store but its constraints and indexes."""
    # Nothing in the store's own interface does this, on purpose.
    store._connection.rows(Query("MATCH (n) DETACH DELETE n"), write=True)
