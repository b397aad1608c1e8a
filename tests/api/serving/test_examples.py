"""The examples, run as their pages say against a shop that is really served."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from gql import Client as GqlClient
from gql.transport.httpx import HTTPXTransport
from playwright.sync_api import Browser, expect
from served_shop import Client, within

from benchmarks.serving import free_port
from examples.python_client import recommend, record_purchase

ROOT = Path(__file__).parents[3]
STOREFRONT = ROOT / "examples" / "storefront"


@pytest.fixture(scope="session")
def npm() -> str:
    """The npm of this machine, with what the storefront needs installed as its lock file says."""
    found = shutil.which("npm")
    if found is None:
        if os.environ.get("CI"):
            pytest.fail("CI tests the storefront: npm is not there")
        pytest.skip("needs npm: install Node 20 or newer")
    installed = STOREFRONT / "node_modules" / ".package-lock.json"
    if not installed.exists() or installed.stat().st_mtime < (STOREFRONT / "package-lock.json").stat().st_mtime:
        subprocess.run([found, "ci"], cwd=STOREFRONT, check=True)
    return found


def script(npm: str, name: str, **variables: str) -> None:
    """Runs a script of the storefront; it must succeed."""
    command = [npm, "run", name]
    done = subprocess.run(
        command, cwd=STOREFRONT, capture_output=True, text=True, env=os.environ | variables, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_storefront_fits_the_committed_schema(npm: str) -> None:
    script(npm, "check")


def test_the_storefront_gets_from_a_shop_what_its_types_promise(npm: str, shop: Client) -> None:
    script(npm, "test", SHOP_URL=shop.url)


def test_the_storefront_can_be_built(npm: str) -> None:
    script(npm, "build")
    built = {file.name for file in (STOREFRONT / "dist").iterdir()}
    assert built == {"index.html", "style.css", "main.js"}


@pytest.fixture
def storefront(npm: str, shop: Client) -> Iterator[str]:
    """Its page, built and served as its own page says."""
    url = f"http://127.0.0.1:{(port := free_port())}"
    environment = os.environ | {"SHOP_URL": shop.url, "PORT": str(port)}
    # A session of its own: npm starts others, which have to end with it.
    server = subprocess.Popen([npm, "start"], cwd=STOREFRONT, env=environment, start_new_session=True)
    try:
        assert within(60, lambda: answers(url)), f"npm start ended with {server.poll()}"
        yield url
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(30)


def answers(url: str) -> bool:
    try:
        return httpx.get(url, trust_env=False).status_code == 200
    except httpx.TransportError:
        return False


def test_a_look_at_a_product_in_the_storefront_moves_the_list_and_is_its_reason(
    browser: Browser, storefront: str, shop: Client
) -> None:
    with browser.new_context(reduced_motion="reduce") as context:
        page = context.new_page()
        wrong: list[str] = []
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on(
            "request",
            lambda request: None if request.url.startswith((storefront, "data:")) else wrong.append(request.url),
        )
        page.goto(storefront)
        cards = page.locator(".cards > li")
        expect(cards).to_have_count(12)
        expect(page.get_by_role("heading", name="What people like")).to_be_visible()
        titles = cards.locator(".title").all_inner_texts()
        assert titles == [edge["node"]["title"] for edge in shop.recommend({}, 12)["edges"]]
        cards.first.get_by_role("button").press("Enter")
        expect(page.get_by_role("status")).to_contain_text("The list has changed:")
        expect(page.get_by_role("heading", name="For you")).to_be_visible()
        expect(page.get_by_role("heading", name=titles[0])).to_be_focused()
        expect(page.locator(".detail .parts tbody tr").first).to_be_visible()
        assert any(titles[0] in reason for reason in cards.locator(".reason").all_inner_texts())
        assert wrong == []


def test_the_storefronts_lock_file_names_no_registry() -> None:
    packages = json.loads((STOREFRONT / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    assert len(packages) > 1
    assert not [name for name, package in packages.items() if "resolved" in package]


def test_the_python_client_sees_an_event_in_the_next_list(shop: Client) -> None:
    visitor = {"sessionId": "python-client"}
    with GqlClient(transport=HTTPXTransport(url=f"{shop.url}/graphql")) as client:
        before = recommend(client, visitor, 5)
        bought = before["edges"][0]["node"]["productId"]
        assert len(record_purchase(client, visitor, bought)) == 1
        after = recommend(client, visitor, 5)
    assert before["strategy"] == "POPULAR"
    assert after["strategy"] == "COLD_START"
    assert bought not in [edge["node"]["productId"] for edge in after["edges"]]
    assert any(edge["explanation"]["contributions"] for edge in after["edges"])


def test_the_python_client_prints_both_lists(shop: Client) -> None:
    command = [sys.executable, "examples/python_client.py", shop.url, "--user", "u2", "--first", "3"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Before (PERSONAL)" in done.stdout
    assert "After (PERSONAL)" in done.stdout
    assert done.stdout.count("\n  1. ") == 2
