"""The explorer's files as they are served, to whoever asks and without a store."""

import re
from collections.abc import Iterator
from importlib.resources import files

import httpx
import pytest
from served_shop import Client, served_here

from api.settings import Settings

PARTS = sorted(file.name for file in files("api").joinpath("web").iterdir())
MODULES = [name for name in PARTS if name.endswith(".js")]
MOST_BYTES = 100_000


def text(name: str) -> str:
    return files("api").joinpath("web", name).read_text(encoding="utf-8")


def imported(name: str) -> set[str]:
    """Modules that one needs at once; what it fetches later is not among them."""
    found = re.findall(r'^import .* from "\./(.+)";$', text(name), flags=re.MULTILINE)
    return {name}.union(*(imported(other) for other in found))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    folder = tmp_path_factory.mktemp("bare")
    with served_here(Settings(home=folder, store="bolt://127.0.0.1:1", text_model=str(folder / "none"))) as client:
        yield client


@pytest.mark.parametrize("path", ["/", *(f"/web/{name}" for name in PARTS)])
def test_every_part_says_what_it_is_and_what_may_be_done_with_it(server: Client, path: str) -> None:
    response = server.http.get(f"{server.url}{path}")
    assert response.status_code == 200
    kind = {"": "text/html", "html": "text/html", "css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
    assert response.headers["content-type"].split(";")[0] == kind[path.rpartition(".")[2] if "." in path else ""]
    policy = response.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    assert response.headers["x-content-type-options"] == "nosniff"


def test_what_a_browser_has_is_not_sent_again(server: Client) -> None:
    first = server.http.get(f"{server.url}/web/explorer.css")
    assert first.headers["cache-control"] == "no-cache"
    for known in (first.headers["etag"], f"W/{first.headers['etag']}", f'"other", {first.headers["etag"]}'):
        again = server.http.get(f"{server.url}/web/explorer.css", headers={"if-none-match": known})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == first.headers["etag"]
    assert server.http.get(f"{server.url}/web/explorer.css", headers={"if-none-match": '"old"'}).content


def test_a_monitor_may_ask_for_the_head_alone(server: Client) -> None:
    response = server.http.head(f"{server.url}/")
    assert (response.status_code, response.content) == (200, b"")


@pytest.mark.parametrize("name", ["none.js", "..%2fapp.py", "%2e%2e/app.py", "__init__.py", ""])
def test_nothing_else_is_served(server: Client, name: str) -> None:
    url = httpx.URL(server.url).copy_with(raw_path=f"/web/{name}".encode())
    assert server.http.get(url).status_code == 404


def test_the_page_holds_no_script_and_no_style_of_its_own_and_names_parts_that_are_there() -> None:
    page = text("index.html")
    assert not re.search(r"<style|\son\w+=|\sstyle=|javascript:", page)
    assert all("src=" in tag for tag in re.findall(r"<script[^>]*>", page))
    addresses = re.findall(r'(?:src|href)="([^"#]+)"', page)
    assert all(not address.startswith("/") and "//" not in address for address in addresses)
    assert {a.removeprefix("web/") for a in addresses if a.startswith("web/")} <= set(PARTS)


def test_the_page_fetches_at_once_what_its_first_view_needs_and_little_of_it() -> None:
    page = text("index.html")
    needed = imported("explorer.js") | imported("recommendations.js")
    assert set(re.findall(r'modulepreload" href="web/(.+)"', page)) == needed - {"explorer.js"}
    size = sum(len(text(name).encode()) for name in (*needed, "index.html", "explorer.css", "icon.svg"))
    assert size < MOST_BYTES


@pytest.mark.parametrize("name", PARTS)
def test_no_part_names_another_machine(name: str) -> None:
    assert set(re.findall(r"https?://[\w.]+", text(name))) <= {"http://www.w3.org"}


def test_every_module_is_used() -> None:
    named = {other for name in MODULES for other in re.findall(r'"\./(\w+\.js)"', text(name))}
    assert named | {"explorer.js"} == set(MODULES)
