"""How fresh answers are: from sending `upsertProducts` to the first answers with the product in them.

    python -m benchmarks.freshness --products 2000 --home fresh --json freshness.json

makes a shop (`benchmarks.made_shop`: categories have a title and a picture, a few products show theirs), leaves some
products out, trains and publishes a model of the rest (unless the home has one), serves it, and brings what was left
out one by one, over HTTP from this process: words, price, category, brand and three products that it can take the
place of, and every other time a picture. After each it asks, until the new product is there, for products similar to
one of the three, and for recommendations to somebody who bought all three; the two in turn first. Words and pictures
are new each time, so that no cache helps. The home keeps what was brought.
"""

import argparse
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import pyarrow as pa
from PIL import Image
from rich.console import Console
from rich.table import Table

from api import pipeline, registry
from benchmarks.machine import machine, write_json
from benchmarks.made_shop import made_shop
from benchmarks.serving import Client, serving
from gnn.data import Edges, Shop
from graph import Store, connect
from ingestion.demo.pictures import Picture, paint
from ingestion.demo.words import words

NEW = 80
"""Products that are left out of the shop, half of which come with a picture."""
WARM_UP = 5
"""Of each kind, not counted: an engine compiles its queries."""
PICTURED = 2_000
"""Products that show a picture from the start: enough for the model to learn what pictures say."""
FIRST = 100
PATIENCE = 5.0

_UPSERT = """mutation($p: [ProductInput!]!) { upsertProducts(products: $p) {
    withoutText withoutImage { message } userErrors { message } } }"""
_SIMILAR = """query($p: String!, $first: Int) {
    product(productId: $p) { similar(first: $first) { edges { node { productId } } } } }"""
_RECOMMENDED = """query($u: String, $first: Int) {
    recommendations(audience: {userId: $u}, first: $first) { edges { node { productId } } } }"""
_RECORD = "mutation($events: [EventInput!]!) { recordEvents(events: $events) { accepted } }"


def build(home: Path, shop: Shop, minutes: float) -> None:
    """A home with a published model of a shop; its last `NEW` products are left out."""
    with connect(f"embedded:{home / 'graph'}") as store:
        store.prepare()
        load(store, shop, len(shop.ids["Product"]) - NEW)
        draw(home / "images", shop)
        pipeline.embed(store, home=home)
        pipeline.embed_pictures(store, home=home)
        pipeline.export(store, home / "snapshot")
    pipeline.train(home / "snapshot", home / "trained", device="cpu", minutes=minutes)
    registry.publish(home, home / "trained")


def load(store: Store, shop: Shop, known: int) -> None:
    """The first products of a shop with what belongs to them."""
    categories = shop.edges["IN_CATEGORY"].target[:known]
    products = {
        "id": shop.ids["Product"][:known],
        "title": [title(category) for category in categories],
        "price": np.full(known, 9.9),
        "currency": ["EUR"] * known,
        "image": [picture(c) if at < PICTURED else None for at, c in enumerate(categories)],
    }
    store.load_nodes("Product", pa.table(products))
    for label in ("Category", "Brand"):
        store.load_nodes(label, pa.table({"id": shop.ids[label], "name": shop.ids[label]}))
    for name, label in (("IN_CATEGORY", "Category"), ("MADE_BY", "Brand")):
        store.load_relations(name, _links(shop, shop.edges[name], label, known))
    events = shop.events.take(np.flatnonzero(shop.events.product < known))
    behaviours = list(shop.ontology.behaviours)
    table = {
        "id": [f"e{at}" for at in range(len(events))],
        "user": [shop.ids["User"][at] for at in events.user],
        "product": [shop.ids["Product"][at] for at in events.product],
        "behaviour": [behaviours[code] for code in events.behaviour],
        "time": pa.array(events.time_ms, pa.timestamp("ms", tz="UTC")),
        "basket": [shop.baskets[at] if at >= 0 else None for at in events.basket],
    }
    store.load_events(pa.table(table))


def _links(shop: Shop, edges: Edges, label: str, known: int) -> pa.Table:
    ends = zip(edges.source[:known], edges.target[:known], strict=True)
    rows = [(shop.ids["Product"][source], shop.ids[label][target]) for source, target in ends]
    return pa.table({"source": [source for source, _ in rows], "target": [target for _, target in rows]})


def title(category: int) -> str:
    """What the products of a category are called."""
    place = words().places[category % len(words().places)]
    return f"{place.leaf.noun} of series {category}, {', '.join(place.leaf.materials)}"


def picture(category: int) -> str:
    """The file of a category's picture."""
    return f"c{category}.png"


def draw(folder: Path, shop: Shop) -> None:
    """A picture of each category."""
    folder.mkdir(parents=True)
    vocabulary, generator = words(), np.random.default_rng(0)
    for category in range(len(shop.ids["Category"])):
        place = vocabulary.places[category % len(vocabulary.places)]
        red, green, blue = generator.integers(0, 256, 3).tolist()
        style = list(vocabulary.styles)[category % len(vocabulary.styles)]
        paint(Picture(place.name, place.number, style, (red, green, blue), turned=False)).save(
            folder / picture(category)
        )


def draft(shop: Shop, position: int, home: Path, *, pictured: bool) -> dict[str, Any]:
    """A product as a shop would send it, with an id, words and a picture that nobody has seen before."""
    category, brand = (int(shop.edges[name].target[position]) for name in ("IN_CATEGORY", "MADE_BY"))
    product = {
        "productId": f"{shop.ids['Product'][position]}-{uuid4().hex}",
        "title": f"{title(category)}, number {uuid4().hex[:6]}",
        "description": "New in the shop. It goes well with what you have and is made to last.",
        "price": {"amount": 9.9, "currencyCode": "EUR"},
        "categories": [{"categoryId": shop.ids["Category"][category]}],
        "brand": {"brandId": shop.ids["Brand"][brand], "name": shop.ids["Brand"][brand]},
        "relations": [{"relation": "SUBSTITUTES", "target": other} for other in resembling(shop, position)],
    }
    if not pictured:
        return product
    name = f"{uuid4().hex}.png"
    image = Image.open(home / "images" / picture(category)).convert("RGB")
    image.putpixel((0, 0), tuple(uuid4().bytes[:3]))
    image.save(home / "images" / name)
    return product | {"image": name}


def resembling(shop: Shop, position: int, count: int = 3) -> list[str]:
    """Known products of the same category, those of the same brand first."""
    category, brand = (shop.edges[name].target for name in ("IN_CATEGORY", "MADE_BY"))
    known = np.arange(len(category) - NEW)
    alike = 2.0 * (category[known] == category[position]) + (brand[known] == brand[position])
    return [shop.ids["Product"][at] for at in np.argsort(-alike, kind="stable")[:count]]


def bring(client: Client, new: dict[str, Any], like: Sequence[str], *, similar_first: bool) -> dict[str, float | None]:
    """Milliseconds until the mutation answered and until each list has the product; None where it never has."""
    person, key = f"benchmark-{new['productId']}", new["productId"]
    bought = [{"eventId": f"{person}-{p}", "userId": person, "productId": p, "behaviour": "purchase"} for p in like]
    client.ask(_RECORD, events=bought)

    def similar() -> Any:
        return client.ask(_SIMILAR, p=like[0], first=FIRST)["product"]["similar"]

    def recommended() -> Any:
        return client.ask(_RECOMMENDED, u=person, first=FIRST)["recommendations"]

    lists: list[tuple[str, Callable[[], Any]]] = [("similar", similar), ("recommended", recommended)]
    for _, ask in lists:
        ask()
    began = time.perf_counter()
    said = client.ask(_UPSERT, p=[new])["upsertProducts"]
    found: dict[str, float | None] = {"mutation": 1000 * (time.perf_counter() - began)}
    if any(said.values()):
        raise RuntimeError(said)
    for name, ask in lists if similar_first else lists[::-1]:
        found[name] = _until(ask, key, began)
    return found


def _until(ask: Callable[[], Any], product: str, began: float) -> float | None:
    while time.perf_counter() - began < PATIENCE:
        if product in {edge["node"]["productId"] for edge in ask()["edges"]}:
            return 1000 * (time.perf_counter() - began)
    return None


def measured(url: str, home: Path, shop: Shop) -> dict[str, Any]:
    """Figures of products without and with a picture."""
    client, count = Client(url), len(shop.ids["Product"])
    wait(client)
    found: dict[str, list[dict[str, float | None]]] = {"without a picture": [], "with a picture": []}
    for number, position in enumerate(range(count - NEW, count)):
        pictured = bool(number % 2)
        new = draft(shop, position, home, pictured=pictured)
        times = bring(client, new, resembling(shop, position), similar_first=number % 4 < 2)
        found["with a picture" if pictured else "without a picture"].append(times)
    return {name: _summary(rows[WARM_UP:]) for name, rows in found.items()}


def wait(client: Client) -> None:
    """Until words and pictures can be encoded."""
    probe = {"productId": "benchmark-probe", "title": "Anything", "image": picture(0)}
    deadline = time.monotonic() + 300
    while (said := client.ask(_UPSERT, p=[probe])["upsertProducts"])["withoutText"] or said["withoutImage"]:
        if time.monotonic() > deadline:
            raise SystemExit("the encoders do not become ready; look at /readyz")
        time.sleep(0.5)


def _summary(rows: Sequence[dict[str, float | None]]) -> dict[str, Any]:
    summary: dict[str, Any] = {"products": len(rows)}
    for name in ("mutation", "similar", "recommended"):
        values = [value for row in rows if (value := row[name]) is not None]
        p50, p90 = np.percentile(values, [50, 90]) if values else (np.nan, np.nan)
        summary[name] = {"p50_ms": round(float(p50), 1), "p90_ms": round(float(p90), 1), "of": len(values)}
    return summary


def show(report: dict[str, Any]) -> None:
    """The figures as a table."""
    table = Table(title=f"Milliseconds from sending upsertProducts, {report['products']:,} products")
    for name in ("", "mutation answered", f"in similar(first: {FIRST})", f"in recommendations(first: {FIRST})"):
        table.add_column(name, justify="right" if name else "left")
    for kind, row in report["milliseconds"].items():
        cells = [row[name] for name in ("mutation", "similar", "recommended")]
        of = row["products"]
        table.add_row(kind, *(f"p50 {c['p50_ms']:.0f}, p90 {c['p90_ms']:.0f} ({c['of']}/{of})" for c in cells))
    Console().print(table)


def main() -> None:
    """Builds what is not there, measures and reports."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", type=Path, required=True, help="folder of the shop, kept for the next time")
    parser.add_argument("--products", type=int, default=2_000, help="of the shop (%(default)s)")
    parser.add_argument("--users", type=int, help="by default half as many as products")
    parser.add_argument("--minutes", type=float, default=10.0, help="the longest that training may take (%(default)s)")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    options = parser.parse_args()
    about = machine()
    shop = made_shop(options.products + NEW, options.users or options.products // 2)
    if registry.served(options.home) is None:
        build(options.home, shop, options.minutes)
    with connect(f"embedded:{options.home / 'graph'}") as store:
        counts = store.counts()
        with serving(options.home, 1) as (url, _, _):
            figures = measured(url, options.home, shop)
    report = {"machine": about, "data": "made shop", "products": counts["Product"], "counts": counts}
    report["milliseconds"] = figures
    show(report)
    if options.json:
        write_json(report, options.json)


if __name__ == "__main__":
    main()
