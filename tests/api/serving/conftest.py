"""A home folder with a loaded graph and a published model, and servers over it."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest
import torch
from keyed_shop import KEYS, Keyed, keyed_here, token
from playwright.sync_api import Browser, expect, sync_playwright
from served_shop import Client, load

from api import pipeline, registry
from api.child_server import child_server
from api.settings import Settings
from benchmarks.page import BROWSERS
from graph import Store, connect


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home folder with a loaded graph and a published model."""
    home = tmp_path_factory.mktemp("shop")
    with connect(f"embedded:{home / 'graph'}") as store:
        store.prepare()
        load(store)
        pipeline.embed(store, home=home)
        pipeline.export(store, home / "snapshot")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # so little work is only slowed down by sharing it
    pipeline.train(home / "snapshot", home / "trained", seed=1, device="cpu")
    torch.set_num_threads(threads)
    registry.publish(home, home / "trained")
    (home / "images").mkdir()
    (home / "images" / "mug 1.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    (home / "secret.png").write_bytes(b"not for you")
    return home


@pytest.fixture(scope="session")
def untouched(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same home as it was before any server changed it."""
    return Path(shutil.copytree(home, tmp_path_factory.mktemp("copies") / "untouched"))


@pytest.fixture(scope="session")
def apart(untouched: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """The graph of the same home once more, which no server follows."""
    graph = shutil.copytree(untouched / "graph", tmp_path_factory.mktemp("copies") / "graph")
    with connect(f"embedded:{graph}") as store:
        yield store


@pytest.fixture(scope="session")
def serve() -> Iterator[Callable[[Path], Client]]:
    """Starts a server of a home, which ends with the tests."""
    with ExitStack() as stack:

        def start(home: Path) -> Client:
            server = stack.enter_context(child_server(Settings(home=home)))
            return Client(server.url, stack.enter_context(httpx.Client(timeout=30, trust_env=False)))

        yield start


@pytest.fixture(scope="session")
def shop(serve: Callable[[Path], Client], home: Path, untouched: Path) -> Client:
    """The server that most tests ask."""
    return serve(home)


@pytest.fixture
def in_one_minute(shop: Client) -> None:
    """Time for a few pages whose lists differ by nothing but what was asked."""
    shop.wait_for_a_minute(20)


@pytest.fixture
def none_stays(shop: Client, home: Path) -> Iterator[None]:
    """What a test brings is gone after it: others count on the shop as it was."""
    yield
    with connect(f"embedded:{home / 'graph'}") as store:
        brought = [key for key in store.node_ids("Product") if not key[1:].isdigit()]
    if brought:
        shop.ask("mutation($ids: [String!]!) { deleteProducts(productIds: $ids) { userErrors { code } } }", ids=brought)


@pytest.fixture(scope="session")
def second(serve: Callable[[Path], Client], home: Path) -> Client:
    """Another process over the same store."""
    return serve(home)


@pytest.fixture(scope="session")
def keyed(home: Path, untouched: Path) -> Iterator[Keyed]:
    """A server of the same shop that asks for keys."""
    with keyed_here(home) as server:
        yield server


@pytest.fixture(scope="session")
def visitor(keyed: Keyed) -> Client:
    """A storefront, for a user who is logged in."""
    return keyed.by(token("u6"))


@pytest.fixture(scope="session")
def anonymous(keyed: Keyed) -> Client:
    """A storefront, for nobody in particular."""
    return keyed.by(KEYS["storefront"])


@pytest.fixture(scope="session")
def server(keyed: Keyed) -> Client:
    """The shop's own server."""
    return keyed.by(KEYS["server"])


@pytest.fixture(scope="session")
def spare(untouched: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Keyed]:
    """A server of a shop of its own that asks for keys: for what would disturb others."""
    home = Path(shutil.copytree(untouched, tmp_path_factory.mktemp("copies") / "spare"))
    with keyed_here(home, store_seconds=3) as server:
        yield server


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium, as Debian packages it."""
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if found is None:
        reason = "needs Chromium: apt-get install chromium"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    expect.set_options(timeout=60_000)
    with sync_playwright() as playwright:
        # Its sandbox needs rights that a container's root has not got.
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield browser
        browser.close()
