"""The web explorer in a real browser, over a served shop."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from keyed_shop import KEYS, Keyed
from playwright.sync_api import Browser, Page, Request, Route, expect
from served_shop import EXPERT, Client, served_here

from api.settings import Settings

VIEWS = (
    "",
    "?user=u8",
    "?product=p1&product=p3",
    "?anybody=yes",
    "?user=u8&why=p20",
    "search?q=mug&user=u8",
    "model",
    "data",
)
# What is asked has the words of its file, whatever the reader's language.
QUESTIONS = (
    "questions",
    "questions?saved=cold-products",
    "questions?saved=last-buyers&product=p1",
    "questions?cypher=RETURN",
)
PATIENCE_MS = 60_000
DESK, PHONE = {"width": 1280, "height": 900}, {"width": 360, "height": 740}
LIST, PREVIEW = "recommendations(", "preview: true"


@contextmanager
def opening(browser: Browser, url: str, locale: str = "en-GB", **options: Any) -> Iterator[Page]:
    """A page that reaches nobody but its server, logs nothing as shown to those it looks at, and has no error."""
    context = browser.new_context(reduced_motion="reduce", locale=locale, **options)
    wrong: list[str] = []

    def look(request: Request) -> None:
        asked = str((request.post_data_json or {}).get("query", "")) if request.method == "POST" else ""
        if urlsplit(request.url).netloc != urlsplit(url).netloc or asked.count(LIST) > asked.count(PREVIEW):
            wrong.append(f"asked {request.url} {asked}")

    context.on("request", look)
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda said: wrong.append(said.text) if "Security Policy" in said.text else None)
    yield page
    context.close()
    assert wrong == []


@pytest.fixture
def page(browser: Browser, shop: Client) -> Iterator[Page]:
    with opening(browser, shop.url, viewport=DESK) as page:
        yield page


def view(page: Page, shop: Client, address: str) -> None:
    """Shows a view, complete."""
    page.goto(f"{shop.url}/#/{address}")
    if "why=" in address:
        expect(page.get_by_role("dialog")).to_be_visible()
    settled(page)


def settled(page: Page) -> None:
    expect(page.locator(".loading")).to_have_count(0)
    expect(page.locator("[aria-busy]")).to_have_count(0)
    expect(page.locator("h1")).to_be_visible()


def ranking(page: Page) -> list[str]:
    settled(page)
    keys: list[str] = page.locator("a.card").evaluate_all("cards => cards.map(card => card.dataset.key)")
    return keys


def number(text: str) -> float:
    return float(text.replace("−", "-"))


@pytest.mark.usefixtures("in_one_minute")
def test_from_a_shopper_to_reasons_that_add_up_and_a_list_without_a_purchase(page: Page, shop: Client) -> None:
    view(page, shop, "")
    page.get_by_role("combobox").fill("u8")
    page.get_by_role("button", name="Show", exact=True).click()
    expect(page.get_by_role("heading", name="u8")).to_be_visible()
    before = ranking(page)
    assert before == shop.ids({"userId": "u8"}, 24)
    first = page.locator("a.card").first
    assert re.match(r"Rank 1\b", str(first.locator(".rank").text_content()))
    assert "€" in first.inner_text()
    assert "“" in first.locator(".reason").inner_text()

    first.click()
    sheet = page.get_by_role("dialog")
    expect(sheet.locator(".waterfall")).to_be_visible()
    assert_adds_up(sheet, shop.recommend({"userId": "u8"}, 1)["edges"][0]["score"])

    page.keyboard.press("Escape")
    expect(sheet).to_be_hidden()
    switch = page.locator(".past input[role=switch]").first
    out = str(switch.get_attribute("data-key")).removeprefix("counts-")
    switch.click()
    expect(page.get_by_text("Without 1 product of the history")).to_be_visible()
    after = ranking(page)
    assert after == shop.ids({"userId": "u8", "without": [out]}, 24)
    assert after != before
    assert f"without={out}" in page.url
    page.get_by_role("link", name="Count everything again").click()
    expect(page.get_by_text("Without 1 product of the history")).to_be_hidden()
    assert ranking(page) == before


def assert_adds_up(sheet: Any, score: float) -> None:
    """What is written adds up to the last digit, and each bar begins where the one before ends."""
    rows = sheet.locator(".waterfall tbody tr")
    cells = rows.evaluate_all("rows => rows.map(row => row.querySelector('td.number').textContent)")
    *parts, total = [number(cell) for cell in cells]
    assert len(parts) >= 3
    digits = len(cells[-1].partition(".")[2])
    assert round(sum(parts), digits) == total == round(score, digits)
    bars = rows.evaluate_all(
        """rows => rows.map(row => {
            const bar = row.querySelector(".bar"), { left, right } = bar.getBoundingClientRect();
            return bar.classList.contains("against") ? [right, left] : [left, right];
        })"""
    )
    for (_, end), (begin, _) in pairwise(bars[:-1]):
        assert begin == pytest.approx(end, abs=2.5)  # as wide as the thinnest bar
    assert bars[-1][0] == pytest.approx(bars[0][0], abs=1)
    assert bars[-1][1] == pytest.approx(bars[-2][1], abs=2.5)


@pytest.mark.usefixtures("in_one_minute")
def test_the_paths_of_a_product_are_drawn_with_their_weight(page: Page, shop: Client) -> None:
    product = shop.ids({"userId": "u8"}, 1)[0]
    view(page, shop, f"?user=u8&why={product}")
    sheet = page.get_by_role("dialog")
    drawing = sheet.get_by_role("img", name=re.compile("paths lead"))
    expect(drawing).to_be_visible()
    assert drawing.locator(".edge").count() >= 4
    widths = drawing.locator(".edge").evaluate_all("edges => edges.map(e => Number(e.getAttribute('stroke-width')))")
    assert max(widths) > 2 * min(widths)
    assert {"Products", "Recommended"} <= set(sheet.locator(".graph .legend li").all_inner_texts())
    titles = drawing.locator(".node b").all_inner_texts()
    assert any("mug" in title for title in titles)


@pytest.mark.usefixtures("in_one_minute")
def test_taking_out_what_the_counterfactual_names_moves_the_product_out_of_the_list(page: Page, shop: Client) -> None:
    user, product, length = next(counterfactuals(shop))
    view(page, shop, f"?user={user}&why={product}")
    sheet = page.get_by_role("dialog")
    expect(sheet.get_by_text("would be")).to_be_visible()
    sheet.get_by_role("button", name=re.compile("Take (it|them) out")).click()
    expect(sheet.locator("input[role=switch]:not(:checked)").first).to_be_visible()
    without = re.findall(r"without=(\w+)", page.url)
    rank = shop.ids({"userId": user, "without": without}, 100).index(product) + 1
    assert rank > length
    expect(sheet.locator(".headline")).to_contain_text(re.compile(rf"^{rank}(st|nd|rd|th) in the list"))


def counterfactuals(shop: Client) -> Iterator[tuple[str, str, int]]:
    """A user, a product that would leave their list without part of their history, and how long the list is."""
    query = """query($user: String!) { recommendations(audience: {userId: $user}, first: 20) {
        edges { node { productId } explanation { counterfactual { newRank } } } } }"""
    for user in (f"u{number}" for number in range(80)):
        edges = shop.ask(query, user=user)["recommendations"]["edges"]
        for edge in edges:
            if edge["explanation"]["counterfactual"]:
                yield user, edge["node"]["productId"], len(edges)


@pytest.mark.usefixtures("in_one_minute")
def test_a_product_that_is_taken_out_in_the_sheet_gives_nothing_to_the_score(page: Page, shop: Client) -> None:
    product = shop.ids({"userId": "u8"}, 1)[0]
    view(page, shop, f"?user=u8&why={product}")
    sheet = page.get_by_role("dialog")
    switch = sheet.get_by_role("switch").first
    out = str(switch.get_attribute("data-key")).removeprefix("counts-")
    before = sheet.locator("[data-score]").inner_text()
    switch.focus()
    page.keyboard.press("Space")
    expect(sheet.locator("[data-score]")).not_to_have_text(before)
    query = (
        'query($without: [String!]) { explain(audience: {userId: "u8", without: $without}, productId: "%s") { score } }'
    )
    score = shop.ask(query % product, without=[out])["explain"]["score"]
    assert number(sheet.locator("[data-score]").inner_text()) == pytest.approx(score, abs=1e-3)
    assert_adds_up(sheet, score)
    expect(sheet.locator(f"[data-key=counts-{out}]")).to_be_focused()


def test_all_of_it_works_with_the_keyboard(page: Page, shop: Client) -> None:
    view(page, shop, "")
    page.keyboard.press("Tab")
    expect(page.get_by_text("Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(page.get_by_role("combobox")).to_be_focused()
    page.keyboard.type("u8")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="u8")).to_be_focused()
    settled(page)
    page.locator("a.card").first.focus()
    for key, place in (("ArrowRight", 1), ("End", 23), ("Home", 0), ("ArrowDown", columns(page)), ("ArrowUp", 0)):
        page.keyboard.press(key)
        expect(page.locator("a.card").nth(place)).to_be_focused()
    page.keyboard.press("Enter")
    sheet = page.get_by_role("dialog")
    expect(sheet.locator(".waterfall")).to_be_visible()
    for _ in range(30):
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement === document.body || why.contains(document.activeElement)")
    page.keyboard.press("Escape")
    expect(sheet).to_be_hidden()
    expect(page.locator("a.card").first).to_be_focused()
    switch = page.locator(".past input[role=switch]").first
    switch.focus()
    page.keyboard.press("Space")
    expect(page.get_by_text("Without 1 product of the history")).to_be_visible()
    expect(page.locator(".past input[role=switch]").first).to_be_focused()


def columns(page: Page) -> int:
    tops = page.locator("a.card").evaluate_all("cards => cards.map(card => card.getBoundingClientRect().top)")
    return tops.count(tops[0])


@pytest.mark.usefixtures("in_one_minute")
def test_a_view_can_be_sent_to_somebody(browser: Browser, page: Page, shop: Client) -> None:
    product = shop.ids({"userId": "u8"}, 3)[2]
    view(page, shop, "?user=u8")
    page.locator(f"a.card[data-key={product}]").click()
    shown = page.get_by_role("dialog").get_by_role("heading", level=2)
    expect(shown).to_be_visible()
    title, url = shown.inner_text(), page.url
    with opening(browser, shop.url) as other:
        other.goto(url)
        expect(other.get_by_role("dialog").get_by_role("heading", level=2)).to_have_text(title)
    page.go_back()
    expect(page.get_by_role("dialog")).to_be_hidden()


@pytest.mark.usefixtures("in_one_minute")
def test_products_and_nobody_have_lists_as_well(page: Page, shop: Client) -> None:
    view(page, shop, "")
    page.get_by_text("Products", exact=True).click()
    page.get_by_role("combobox").fill("p1, p3 nothing")
    page.keyboard.press("Enter")
    expect(page.get_by_text("From what was given")).to_be_visible()
    assert ranking(page) == shop.ids({"productIds": ["p1", "p3", "nothing"]}, 24)
    view(page, shop, "?anybody=yes")
    assert ranking(page) == shop.ids({}, 24)
    expect(page.get_by_text("Nothing is known of what they did.")).to_be_visible()
    view(page, shop, "?user=nobody%20at%20all")
    expect(page.get_by_text("The shop knows nobody with the id nobody at all.")).to_be_visible()


@pytest.mark.usefixtures("in_one_minute")
def test_more_of_a_list_comes_when_asked_for(page: Page, shop: Client) -> None:
    view(page, shop, "?user=u8")
    page.get_by_role("button", name="Show 24 more").click()
    expect(page.locator("a.card").nth(24)).to_be_focused()
    assert ranking(page) == shop.ids({"userId": "u8"}, 48)


def test_every_view_is_accessible_in_light_and_dark_and_fits_a_phone(browser: Browser, shop: Client) -> None:
    with opening(browser, shop.url, viewport=DESK) as page:
        for address in (*VIEWS, *QUESTIONS):
            page.emulate_media(color_scheme="light")
            view(page, shop, address)
            assert brightness(page) > 128
            assert_accessible(page, address)
            page.emulate_media(color_scheme="dark")
            assert brightness(page) < 128
            assert_accessible(page, address, rules=["color-contrast"])  # nothing but the colours has changed
            page.set_viewport_size(PHONE)
            assert_fits(page, address)
            page.set_viewport_size(DESK)


def test_every_view_is_accessible_in_chinese_and_fits_a_phone(browser: Browser, shop: Client) -> None:
    with opening(browser, shop.url, "zh-CN", viewport=PHONE, has_touch=True, is_mobile=True) as page:
        for address in VIEWS:
            view(page, shop, address)
            assert_accessible(page, address)
            assert_fits(page, address)
            left = set(re.findall(r"[A-Za-z]{3,}", page.locator("main").inner_text()))
            assert not left & {"the", "and", "what", "History", "Model", "Words"}, (address, left)
        for address in QUESTIONS:
            view(page, shop, address)
            assert_accessible(page, address)
            assert_fits(page, address)


def brightness(page: Page) -> int:
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    return min(map(int, re.findall(r"\d+", paper)))


def assert_accessible(page: Page, address: str, rules: list[str] | None = None) -> None:
    found = Axe().run(page, options={"runOnly": rules}) if rules else Axe().run(page)
    assert found.violations_count == 0, f"{address}: {found.generate_report()}"


def assert_fits(page: Page, address: str) -> None:
    wide = "[document.documentElement, ...document.querySelectorAll('dialog[open]')].map(e => e.scrollWidth)"
    assert max(page.evaluate(wide)) <= PHONE["width"], address


def test_the_language_is_chosen_with_the_keyboard_and_remembered(page: Page, shop: Client) -> None:
    view(page, shop, "?user=u8")
    assert page.locator("html").get_attribute("lang") == "en"
    page.get_by_role("button", name="中文").press("Enter")
    expect(page.locator("html")).to_have_attribute("lang", "zh")
    settled(page)
    expect(page.get_by_role("heading", name="历史记录")).to_be_visible()
    query = """{ recommendations(audience: {userId: "u8"}, first: 1, preview: true) {
        edges { explanation { contributions { text(locale: "zh") } } } } }"""
    [edge] = shop.ask(query)["recommendations"]["edges"]
    sentences = [part["text"] for part in edge["explanation"]["contributions"]]
    assert page.locator("a.card .reason").first.inner_text() in sentences
    page.reload()
    expect(page.get_by_role("button", name="English")).to_be_visible()
    assert page.title().startswith("为谁推荐")


@pytest.mark.usefixtures("in_one_minute")
def test_a_list_is_narrowed_down_with_the_keyboard(page: Page, shop: Client) -> None:
    view(page, shop, "?user=u8")
    whole = ranking(page)
    page.locator(".filters summary").press("Enter")
    page.get_by_role("link", name=re.compile("^Mugs")).press("Enter")
    expect(page).to_have_url(re.compile("category=mug"))
    expect(page.get_by_role("link", name="Take the filter Mugs off")).to_be_visible()
    assert ranking(page) == shop.ids({"userId": "u8"}, 24, filter={"categoryIds": ["mug"]}) != whole
    page.locator(".filters a[data-key=brand-b0]").press("Enter")
    expect(page).to_have_url(re.compile("brand=b0"))
    expect(page.locator(".filters a[data-key=brand-b0]")).to_be_focused()
    settled(page)
    both = {"categoryIds": ["mug"], "brandIds": ["b0"]}
    assert ranking(page) == shop.ids({"userId": "u8"}, 24, filter=both)
    page.locator("a.card").first.click()
    expect(page.get_by_role("dialog").locator(".headline")).to_contain_text("in the list without a filter")
    page.keyboard.press("Escape")
    page.get_by_role("link", name="Show all again").click()
    expect(page.get_by_role("link", name="Show all again")).to_be_hidden()
    assert ranking(page) == whole


@pytest.mark.usefixtures("in_one_minute")
def test_prices_what_is_not_available_and_what_was_bought_are_in_the_address(page: Page, shop: Client) -> None:
    view(page, shop, "?user=u8&min=5&max=20&bought=yes")
    wanted = {"price": {"min": 5, "max": 20}, "includeBought": True}
    assert ranking(page) == shop.ids({"userId": "u8"}, 24, filter=wanted)
    expect(page.get_by_role("link", name="Take the filter €5.00 – €20.00 off")).to_be_visible()
    view(page, shop, "?user=u8&stock=yes")
    expect(page.get_by_text("No product is left that could be recommended.")).to_be_visible()


@pytest.mark.usefixtures("in_one_minute")
def test_the_page_works_behind_a_path_prefix(page: Page, shop: Client) -> None:
    asked = []

    def stripped(route: Route) -> None:
        asked.append(urlsplit(route.request.url).path)
        route.continue_(url=route.request.url.replace("/tools/pathrec/", "/", 1))

    page.route("**/tools/pathrec/**", stripped)
    page.goto(f"{shop.url}/tools/pathrec/#/?user=u8")
    assert ranking(page) == shop.ids({"userId": "u8"}, 24)
    assert "/tools/pathrec/graphql" in asked
    assert any(path.startswith("/tools/pathrec/images/") for path in asked)


def test_a_picture_elsewhere_is_not_asked_for(page: Page, shop: Client) -> None:
    shop.upsert({"productId": "far", "title": "From afar", "image": "https://pictures.example/1.png"})
    view(page, shop, "?product=p1&why=far")
    expect(page.get_by_role("dialog").locator(".head .letter")).to_have_text("F")


@pytest.mark.usefixtures("in_one_minute")
def test_an_expert_sees_the_cypher_of_each_path(browser: Browser, shop: Client) -> None:
    product = shop.ids({"userId": "u8"}, 1)[0]
    with opening(browser, shop.url, extra_http_headers=EXPERT) as page:
        view(page, shop, f"?user=u8&why={product}")
        page.get_by_text("Cypher of the paths").click()
        expect(page.get_by_role("dialog").locator("pre").first).to_contain_text("MATCH")


@pytest.mark.usefixtures("in_one_minute")
def test_a_search_is_narrowed_down_by_what_was_found(page: Page, shop: Client) -> None:
    query = """query($words: String!, $filter: ProductFilter) { search(query: $words, audience: {userId: "u8"},
        filter: $filter, first: 24) { totalCount edges { score node { productId } } } }"""
    view(page, shop, "search")
    page.get_by_label("Words").fill("red")
    page.get_by_label("Seen by shopper").fill("u8")
    page.get_by_role("button", name="Search").click()
    expect(page.get_by_text("in the order of u8")).to_be_visible()
    mugs = {"categoryIds": ["mug"], "includeBought": True}
    all_of_it = shop.ask(query, words="red", filter={"includeBought": True})["search"]
    assert ranking(page) == [edge["node"]["productId"] for edge in all_of_it["edges"]]
    page.get_by_role("link", name=re.compile("^Mugs")).click()
    expect(page).to_have_url(re.compile("category=mug"))
    found = shop.ask(query, words="red", filter=mugs)["search"]
    expect(page.get_by_text(f"{found['totalCount']} products")).to_be_visible()
    assert ranking(page) == [edge["node"]["productId"] for edge in found["edges"]]
    page.locator("a.card").nth(1).click()
    sheet = page.get_by_role("dialog")
    expect(sheet.get_by_role("rowheader", name="Fits the search")).to_be_visible()
    assert_adds_up(sheet, found["edges"][1]["score"])


def test_the_model_and_its_data_are_shown(page: Page, shop: Client) -> None:
    view(page, shop, "model")
    expect(page.get_by_text(shop.ask("{ model { version } }")["model"]["version"])).to_be_visible()
    expect(page.get_by_role("rowheader", name="Bought by the same shoppers").first).to_be_visible()
    expect(page.get_by_text("Nothing was evaluated yet")).to_be_visible()
    view(page, shop, "data")
    expect(page.get_by_text("No report yet")).to_be_visible()


def test_a_saved_question_is_found_filled_in_and_answered(page: Page, shop: Client) -> None:
    view(page, shop, "questions")
    page.get_by_label("Find a question").fill("bought a product last")
    expect(page.locator(".facet a:visible")).to_have_text(["Cypher of your own", "Last buyers of a product"])
    page.get_by_role("link", name="Last buyers of a product").click()
    expect(page.get_by_role("heading", name="Last buyers of a product")).to_be_visible()
    expect(page.get_by_label("The most rows")).to_have_value("20")
    page.get_by_label("Id of the product").fill("p3")
    page.get_by_label("The most rows").fill("2")
    page.get_by_role("button", name="Ask").click()
    expect(page.get_by_text(re.compile(r"^2 rows in .+ s$"))).to_be_visible()
    expect(page).to_have_url(re.compile(r"#/questions\?saved=last-buyers&product=p3&limit=2$"))
    saved = """{ askSaved(name: "last-buyers", parameters: {product: "p3", limit: 2}) { rows } }"""
    rows = shop.ask(saved, EXPERT)["askSaved"]["rows"]
    cells = page.locator(".answer tbody tr").evaluate_all(
        "rows => rows.map(row => [...row.children].map(cell => cell.textContent))"
    )
    assert cells == [[str(value) for value in row] for row in rows]


def test_cypher_of_ones_own_reads_and_does_not_write(page: Page, shop: Client) -> None:
    view(page, shop, "questions")
    query = page.get_by_label("Cypher", exact=True)
    query.fill("MATCH (p:Product {id: 'p1'}) RETURN p, p.id AS id, [1, 2] AS some, null AS nothing")
    page.get_by_role("button", name="Ask").click()
    cells = page.locator(".answer tbody tr > *")
    expect(cells).to_have_text(["Product p1", "p1", re.compile(r"^1.+2$"), "–"])
    query.fill("CREATE (:Product {id: 'mine'})")
    query.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("Only queries that read are run")
    expect(page.get_by_role("alert").get_by_role("button")).to_have_text("Try again")  # no key would help
    assert shop.ask('{ product(productId: "mine") { title } }')["product"] is None


def test_where_keys_are_asked_for_questions_need_one_of_an_expert(browser: Browser, keyed: Keyed) -> None:
    with opening(browser, keyed.client.url, viewport=DESK) as page:
        page.goto(f"{keyed.client.url}/#/questions")
        expect(page.get_by_role("alert")).to_be_visible()
        page.get_by_label("Key").fill(KEYS["expert"])
        page.get_by_role("button", name="Use it").click()
        expect(page.get_by_role("link", name="Last buyers of a product")).to_be_visible()


def test_a_server_without_a_store_says_what_is_missing_and_what_to_do(browser: Browser, tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, store="bolt://127.0.0.1:1", text_model=str(tmp_path / "none"))
    with served_here(settings) as client, opening(browser, client.url) as page:
        page.goto(f"{client.url}/#/?user=u8")
        wrong = page.get_by_role("alert")
        expect(wrong.get_by_role("heading")).to_have_text("The shop cannot answer yet")
        expect(wrong.get_by_text("Model")).to_be_visible()
        assert_accessible(page, "nothing to show")


def test_words_that_cannot_be_read_are_said_not_to_count(browser: Browser, home: Path, tmp_path: Path) -> None:
    settings = Settings(home=home, text_model=str(tmp_path / "none"))
    with served_here(settings) as client, opening(browser, client.url) as page:
        page.goto(f"{client.url}/#/?text=a%20red%20mug")
        expect(page.get_by_text("The words could not be read")).to_be_visible()
