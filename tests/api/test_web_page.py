"""The explorer's files as they are served, to whoever asks and without a store."""

import gzip
import json
import re
from collections.abc import Iterator
from importlib.resources import files

import httpx
import pytest
from served_shop import Client, served_here

from api.settings import Settings

PARTS = sorted(file.name for file in files("api").joinpath("web").iterdir())
MODULES = [name for name in PARTS if name.endswith(".js")]
MOST_BYTES = 45_000  # packed


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


@pytest.fixture(scope="module")
def folder(server: Client) -> str:
    """Where the page finds its parts."""
    found = set(re.findall(r'"(web/\w+)/', server.http.get(server.url).text))
    assert len(found) == 1
    return found.pop()


@pytest.mark.parametrize("name", ["", *sorted(set(PARTS) - {"index.html"})])
def test_every_part_says_what_it_is_and_what_may_be_done_with_it(server: Client, folder: str, name: str) -> None:
    path = f"/{folder}/{name}" if name else "/"
    response = server.http.get(f"{server.url}{path}")
    assert response.status_code == 200
    if name:
        assert response.text == text(name)
    kind = {"": "text/html", "html": "text/html", "css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
    assert response.headers["content-type"].split(";")[0] == kind[path.rpartition(".")[2] if "." in path else ""]
    policy = response.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    assert response.headers["x-content-type-options"] == "nosniff"


def test_a_page_that_a_browser_has_is_not_sent_again(server: Client) -> None:
    first = server.http.get(server.url)
    assert first.headers["cache-control"] == "no-cache"
    for known in (first.headers["etag"], f"W/{first.headers['etag']}", f'"other", {first.headers["etag"]}'):
        again = server.http.get(server.url, headers={"if-none-match": known})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == first.headers["etag"]
    assert server.http.get(server.url, headers={"if-none-match": '"old"'}).content


def test_parts_of_this_version_are_kept_for_good_and_those_of_another_are_not(server: Client, folder: str) -> None:
    now = server.http.get(f"{server.url}/{folder}/explorer.css")
    other = server.http.get(f"{server.url}/web/0123456789ab/explorer.css")
    assert "immutable" in now.headers["cache-control"]
    assert other.headers["cache-control"] == "no-cache"
    assert other.text == now.text


@pytest.mark.parametrize("accepted", ["gzip", "br, GZIP;q=0.5", "deflate, *"])
def test_parts_are_packed_for_whoever_reads_them_so(server: Client, folder: str, accepted: str) -> None:
    url = f"{server.url}/{folder}/explorer.css"
    plain = server.http.get(url, headers={"accept-encoding": "identity"})
    packed = server.http.get(url, headers={"accept-encoding": accepted})
    assert packed.headers["content-encoding"] == "gzip"
    assert all("accept-encoding" in response.headers["vary"] for response in (packed, plain))
    assert packed.headers["etag"] != plain.headers["etag"]
    assert packed.text == plain.text
    assert int(packed.headers["content-length"]) < len(plain.content) / 3


@pytest.mark.parametrize("accepted", ["identity", "", "gzip;q=0, br", "gzip; q=0.000", "x-gzip"])
def test_nobody_gets_what_they_do_not_read(server: Client, folder: str, accepted: str) -> None:
    response = server.http.get(f"{server.url}/{folder}/explorer.css", headers={"accept-encoding": accepted})
    assert "content-encoding" not in response.headers


def test_small_answers_are_not_packed(server: Client, folder: str) -> None:
    assert "content-encoding" not in server.http.get(f"{server.url}/{folder}/icon.svg").headers


def test_a_monitor_may_ask_for_the_head_alone(server: Client) -> None:
    response = server.http.head(f"{server.url}/")
    assert (response.status_code, response.content) == (200, b"")


@pytest.mark.parametrize("name", ["none.js", "..%2fapp.py", "%2e%2e/app.py", "__init__.py", ""])
def test_nothing_else_is_served(server: Client, folder: str, name: str) -> None:
    url = httpx.URL(server.url).copy_with(raw_path=f"/{folder}/{name}".encode())
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
    needed.add("en.js")  # the language of most
    assert set(re.findall(r'modulepreload" href="web/(.+)"', page)) == needed - {"explorer.js"}
    size = sum(len(gzip.compress(text(name).encode())) for name in (*needed, "index.html", "explorer.css", "icon.svg"))
    assert size < MOST_BYTES


@pytest.mark.parametrize("name", PARTS)
def test_no_part_names_another_machine(name: str) -> None:
    assert set(re.findall(r"https?://[\w.]+", text(name))) <= {"http://www.w3.org"}


def test_every_module_is_used() -> None:
    named = {other for name in MODULES for other in re.findall(r'"\./(\w+\.js)"', text(name))}
    assert named | {"explorer.js"} == set(MODULES)


def catalogue(language: str) -> dict[str, str | dict[str, str]]:
    """The messages of a language, which are JSON."""
    return dict(json.loads(text(f"{language}.js").removeprefix("export default ").rstrip().removesuffix(";")))


def placeholders(message: str | dict[str, str]) -> set[str]:
    forms = [message] if isinstance(message, str) else [form for name, form in message.items() if name != "of"]
    found = [set(re.findall(r"{(\w+)}", form)) for form in forms]
    assert all(names == found[0] for names in found)
    return found[0]


def test_every_language_says_the_same() -> None:
    english, chinese = catalogue("en"), catalogue("zh")
    assert list(chinese) == list(english)
    assert {key: placeholders(chinese[key]) for key in chinese} == {key: placeholders(english[key]) for key in english}


def test_every_message_is_used_and_there() -> None:
    code = "".join(text(name) for name in MODULES if name not in ("en.js", "zh.js")) + text("index.html")
    named = set(re.findall(r'["`]([a-z]+\.[\w.]+)["`]', code))
    families = set(re.findall(r"`([a-z]+\.)\$\{", code))
    keys = set(catalogue("en"))
    used = {key for key in keys if key in named or any(key.startswith(family) for family in families)}
    assert keys - used == set()
    rooms = {key.partition(".")[0] for key in keys}
    assert {name for name in named if name.partition(".")[0] in rooms} <= keys
