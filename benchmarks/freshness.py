"""How fresh answers are: from sending `upsertProducts` to the first answers with the product in them.

    python -m benchmarks.freshness --products 2000 --home fresh --json freshness.json

draws the demo shop with some products left out, trains and publishes a model of the rest (unless the home has one),
serves it, and brings what was left out one by one, over HTTP from this process: words, price, category, brand and
features, and every other time a picture. After each it asks, until the new product is there, for products similar
to the one that resembles it most, and for recommendations to somebody who bought three that resemble it; the two in
turn first. Words and pictures are new each time, so that no cache helps.
"""

import argparse
import csv
import random
import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
from PIL import Image
from rich.console import Console
from rich.table import Table

from api import pipeline, registry
from benchmarks.machine import machine, write_json
from benchmarks.serving import Client, serving
from graph import connect
from ingestion.demo_shop import PICTURES, generate

NEW = 80
"""Products that are left out of the shop, half of which come with a picture."""
WARM_UP = 5
"""Of each kind, not counted: an engine compiles its queries."""
PICTURED = 2_000
"""Products that have a picture from the start: enough for the model to learn what pictures say."""
FIRST = 100
PATIENCE = 5.0
_LEFT_OUT = "left-out.csv"

_UPSERT = """mutation($p: [ProductInput!]!) { upsertProducts(products: $p) {
    withoutText withoutImage { message } userErrors { message } } }"""
_SIMILAR = """query($p: String!, $first: Int) {
    product(productId: $p) { similar(first: $first) { edges { node { productId } } } } }"""
_RECOMMENDED = """query($u: String, $first: Int) {
    recommendations(audience: {userId: $u}, first: $first) { edges { node { productId } } } }"""
_RECORD = "mutation($events: [EventInput!]!) { recordEvents(events: $events) { accepted } }"
_DELETE = "mutation($ids: [String!]!) { deleteProducts(productIds: $ids) { deletedProductIds } }"
_FORGET = "mutation($ids: [String!]!) { deleteEvents(eventIds: $ids) { deletedEventIds } }"

Row = dict[str, str]


def build(home: Path, products: int, users: int, events: int, minutes: float) -> None:
    """A home with a published model of the demo shop; `NEW` products are left out."""
    folder = home / "shop"
    mapping = generate(folder, products=products + NEW, users=users, events=events)
    leave_out(folder)
    with connect(f"embedded:{home / 'graph'}") as store:
        pipeline.ingest(store, mapping, home=home)
        pipeline.embed(store, home=home)
        pipeline.embed_pictures(store, home=home)
        pipeline.export(store, home / "snapshot")
    pipeline.train(home / "snapshot", home / "trained", device="cpu", minutes=minutes)
    registry.publish(home, home / "trained")
    for picture in (folder / PICTURES).iterdir():
        shutil.copy2(picture, home / "images")


def leave_out(folder: Path) -> None:
    """Moves some rows of the products to a file beside, and takes most of the others' pictures away."""
    rows = _rows(folder / "products.csv")
    random.Random(1).shuffle(rows)
    for row in rows[NEW + PICTURED :]:
        row["picture"] = ""
    for name, some in ((_LEFT_OUT, rows[:NEW]), ("products.csv", rows[NEW:])):
        with (folder / name).open("w", encoding="utf-8", newline="") as stream:
            writer = csv.DictWriter(stream, list(rows[0]))
            writer.writeheader()
            writer.writerows(some)


def _rows(file: Path) -> list[Row]:
    with file.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def resembling(row: Row, rows: Sequence[Row], count: int = 3) -> list[str]:
    """The known products that share most with a new one: category, brand, features, words of the title."""
    own = _traits(row)
    best = sorted(rows, key=lambda other: -len(own & _traits(other)))
    return [other["product_id"] for other in best[:count]]


def _traits(row: Row) -> set[str]:
    return {row["category_id"], row["brand_id"], *row["features"].split("|"), *row["title"].split()}


def draft(row: Row, home: Path, *, pictured: bool) -> dict[str, Any]:
    """A product as a shop would send it, with words and a picture that nobody has seen before."""
    product = {
        "productId": row["product_id"],
        "title": f"{row['title']} {uuid4().hex[:6]}",
        "description": row["description"],
        "price": {"amount": float(row["price"]), "currencyCode": "EUR"},
        "categories": [{"categoryId": row["category_id"]}],
        "brand": {"brandId": row["brand_id"], "name": row["brand_name"]},
        "relations": [{"relation": "HAS_FEATURE", "target": target} for target in row["features"].split("|")],
    }
    if not pictured:
        return product
    name = f"{uuid4().hex}.png"
    picture = Image.open(home / "images" / row["picture"]).convert("RGB")
    picture.putpixel((0, 0), tuple(random.randbytes(3)))
    picture.save(home / "images" / name)
    return product | {"image": name}


def bring(client: Client, new: dict[str, Any], like: Sequence[str], *, similar_first: bool) -> dict[str, float | None]:
    """Milliseconds until the mutation answered and until each list has the product; None where it never has."""
    person, key = f"benchmark-{uuid4().hex}", new["productId"]
    bought = [{"eventId": uuid4().hex, "userId": person, "productId": p, "behaviour": "purchase"} for p in like]
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
    client.ask(_FORGET, ids=[event["eventId"] for event in bought])
    return found


def _until(ask: Callable[[], Any], product: str, began: float) -> float | None:
    while time.perf_counter() - began < PATIENCE:
        if product in {edge["node"]["productId"] for edge in ask()["edges"]}:
            return 1000 * (time.perf_counter() - began)
    return None


def measured(url: str, home: Path) -> dict[str, Any]:
    """Figures of products without and with a picture."""
    client, folder = Client(url), home / "shop"
    known, new = _rows(folder / "products.csv"), _rows(folder / _LEFT_OUT)
    wait(client)
    found: dict[str, list[dict[str, float | None]]] = {"without a picture": [], "with a picture": []}
    for number, row in enumerate(new):
        pictured = bool(number % 2)
        product = draft(row, home, pictured=pictured)
        times = bring(client, product, resembling(row, known), similar_first=number % 4 < 2)
        found["with a picture" if pictured else "without a picture"].append(times)
    client.ask(_DELETE, ids=[row["product_id"] for row in new])
    return {name: _summary(rows[WARM_UP:]) for name, rows in found.items()}


def wait(client: Client) -> None:
    """Until words can be encoded; the first picture waits for its encoder by itself."""
    probe = {"productId": "benchmark-probe", "title": "Anything"}
    deadline = time.monotonic() + 120
    while client.ask(_UPSERT, p=[probe])["upsertProducts"]["withoutText"]:
        if time.monotonic() > deadline:
            raise SystemExit("the text encoder does not become ready; look at /readyz")
        time.sleep(0.5)
    client.ask(_DELETE, ids=["benchmark-probe"])


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
    parser.add_argument("--products", type=int, default=2_000, help="of the shop, if it is not there (%(default)s)")
    parser.add_argument("--users", type=int, default=2_000, help="likewise (%(default)s)")
    parser.add_argument("--events", type=int, default=60_000, help="likewise (%(default)s)")
    parser.add_argument("--minutes", type=float, default=10.0, help="the longest that training may take (%(default)s)")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    options = parser.parse_args()
    about = machine()
    if registry.served(options.home) is None:
        build(options.home, options.products, options.users, options.events, options.minutes)
    with connect(f"embedded:{options.home / 'graph'}") as store:
        counts = store.counts()
        with serving(options.home, 1) as (url, _, _):
            figures = measured(url, options.home)
    report = {"machine": about, "data": "demo shop", "products": counts["Product"], "counts": counts}
    report["milliseconds"] = figures
    show(report)
    if options.json:
        write_json(report, options.json)


if __name__ == "__main__":
    main()
