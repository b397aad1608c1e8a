"""Products that nobody has met yet: their words, pictures and places in the graph, from the next answer on."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from served_shop import Client

from api import pipeline
from graph import Query, Store, connect
from tests.support.commands import pathrec

pytestmark = pytest.mark.usefixtures("none_stays")

MAPPING = """format: 1
name: delivery
images: pictures
sources:
  - path: products.csv
    columns: {id: {}, title: {}, category: {}, category_name: {}, goes_with: {}, picture: {}}
    nodes:
      - {type: Product, id: id, properties: {title: title, image: picture}}
      - {type: Category, id: category, properties: {name: category_name}}
    relations:
      - {name: IN_CATEGORY, source: id, target: category}
      - {name: COMPLEMENTS, source: id, target: goes_with}
"""


@pytest.fixture
def store(home: Path) -> Iterator[Store]:
    with connect(f"embedded:{home / 'graph'}") as store:
        yield store


@pytest.fixture
def ready(shop: Client) -> Client:
    """The first server, when it can encode words and pictures; the first picture has its encoder started."""
    deadline = time.monotonic() + 120
    while (states := encoders(shop))["encoder"] != "ready" or states["picture_encoder"] != "ready":
        if states["picture_encoder"] == "stopped":
            shop.upsert({"productId": "first-picture", "image": "nowhere.png"})
        assert time.monotonic() < deadline
        time.sleep(0.1)
    return shop


def encoders(server: Client) -> dict[str, str]:
    found = server.http.get(f"{server.url}/readyz").json()
    return {name: found[name]["status"] for name in ("encoder", "picture_encoder")}


def hashes(store: Store, product: str) -> dict[str, str | None]:
    return {modality: store.feature_hashes("Product", modality).get(product) for modality in ("text", "image")}


def nearest(store: Store, product: str, modality: str) -> list[str]:
    """The products nearest to one by the store's own vector index."""
    name = f"embedding_{modality}"
    query = Query(
        f"MATCH (p:Product {{id: $id}}) CALL db.index.vector.queryNodes('Product[{name}]', 3, p.{name}) "
        "YIELD node RETURN node.id AS id",
        {"id": product},
    )
    return [row["id"] for row in store.read(query)]


def similar(server: Client, product: str) -> list[str]:
    query = "query($p: String!) { product(productId: $p) { similar(first: 100) { edges { node { productId } } } } }"
    return [edge["node"]["productId"] for edge in server.ask(query, p=product)["product"]["similar"]["edges"]]


def test_words_and_picture_are_node_features_at_once(ready: Client, second: Client, home: Path, store: Store) -> None:
    Image.linear_gradient("L").save(home / "images" / "grey.png")
    new = {
        "productId": "seen",
        "title": "Red mug with a view",
        "image": "grey.png",
        "categories": [{"categoryId": "mug"}],
    }
    written = ready.upsert(new)
    assert (written["withoutText"], written["withoutImage"], written["userErrors"]) == ([], [], [])
    made = hashes(store, "seen")
    assert all(made.values())
    assert nearest(store, "seen", "text")[0] == "seen"
    assert nearest(store, "seen", "image") == ["seen"]
    for server in (ready, second):
        assert "seen" in similar(server, "p0")
        assert "seen" in server.ids({"productIds": ["p0"]}, 100)
    pipeline.embed(store, home=home)
    pipeline.embed_pictures(store, home=home)
    assert hashes(store, "seen") == made  # nothing new to encode in bulk


def test_reasons_name_the_known_product_that_a_new_one_resembles(shop: Client, second: Client) -> None:
    shop.upsert({"productId": "unmet", "title": "Mug of a new kind", "categories": [{"categoryId": "mug"}]})
    query = """query($a: AudienceInput!, $p: String!) { explain(audience: $a, productId: $p) { score prior
        remainder { count value }
        contributions(first: 100) { kind value text because { product { productId } }
            resembles { productId title categories { categoryId } } } } }"""
    for server in (shop, second):
        found = server.ask(query, a={"productIds": ["p0", "p2"]}, p="unmet")["explain"]
        through = [part for part in found["contributions"] if part["resembles"] is not None]
        assert through
        assert {part["resembles"]["categories"][0]["categoryId"] for part in through} == {"mug"}
        assert all(part["resembles"]["title"] in part["text"] for part in through)
        total = found["prior"] + found["remainder"]["value"] + sum(part["value"] for part in found["contributions"])
        assert found["score"] == pytest.approx(total, rel=1e-4)


def test_products_say_how_much_each_of_their_features_counts(ready: Client) -> None:
    query = "query($p: String!) { product(productId: $p) { featureWeights { feature weight } } }"
    ready.upsert({"productId": "weighed", "title": "Red mug"}, {"productId": "unweighed"})
    assert ready.ask(query, p="weighed")["product"]["featureWeights"] == [{"feature": "text", "weight": 1.0}]
    assert ready.ask(query, p="unweighed")["product"]["featureWeights"] == []


def test_only_what_is_sent_is_encoded_anew(ready: Client, home: Path, store: Store) -> None:
    for name, gradient in (("one.png", Image.linear_gradient("L")), ("other.png", Image.radial_gradient("L"))):
        gradient.save(home / "images" / name)
    ready.upsert({"productId": "changing", "title": "Tall lamp", "image": "one.png"})
    first = hashes(store, "changing")
    ready.upsert({"productId": "changing", "title": "Short lamp"})
    renamed = hashes(store, "changing")
    ready.upsert({"productId": "changing", "image": "other.png"})
    repainted = hashes(store, "changing")
    ready.upsert({"productId": "changing", "title": "Tall lamp", "image": "one.png"})
    assert (renamed["image"], repainted["text"]) == (first["image"], renamed["text"])
    assert len({first["text"], renamed["text"], first["image"], repainted["image"]}) == 4
    assert hashes(store, "changing") == first


def test_a_picture_that_cannot_be_used_is_said_and_the_product_is_written_without(
    ready: Client, home: Path, store: Store
) -> None:
    Image.linear_gradient("L").save(home / "images" / "good.png")
    ready.upsert({"productId": "spoilt", "title": "Blue mug", "image": "good.png"})
    shown = store.product_links(["spoilt"])["spoilt"].features["image"]
    (home / "images" / "bad.png").write_bytes(b"hello")
    written = ready.upsert(
        {"productId": "spoilt", "image": "bad.png"},
        {"productId": "blind", "title": "Blue lamp", "image": "nowhere.png"},
        {"productId": "outside", "title": "Blue lamp", "image": "../secret.png"},
    )
    assert [p["productId"] for p in written["products"]] == ["spoilt", "blind", "outside"]
    refused = {one["productId"]: one["reason"] for one in written["withoutImage"]}
    assert refused == {"spoilt": "no_picture", "blind": "missing", "outside": "missing"}
    now = store.product_links(["spoilt", "blind"])
    assert shown.any()
    assert not now["spoilt"].features["image"].any()  # it no longer looks like its old picture
    assert "image" not in now["blind"].features
    assert "text" in now["blind"].features


def test_vectors_of_another_model_are_not_mixed_with_the_shops_own(ready: Client, store: Store) -> None:
    own = store.encoders("Product")["text"]
    store.use_encoder("Product", "text", "of another model")
    try:
        assert ready.upsert({"productId": "strange", "title": "Strange mug"})["withoutText"] == ["strange"]
    finally:
        store.use_encoder("Product", "text", own)
    assert "text" not in store.product_links(["strange"])["strange"].features
    assert ready.upsert({"productId": "strange", "title": "Strange mug"})["withoutText"] == []


def delivery(folder: Path, *rows: str) -> Path:
    """Files of a shop with some products more."""
    folder.mkdir()
    (folder / "pictures").mkdir()
    Image.linear_gradient("L").save(folder / "pictures" / "delivered.png")
    header = "id,title,category,category_name,goes_with,picture"
    (folder / "products.csv").write_text("\n".join((header, *rows)) + "\n", encoding="utf-8")
    (folder / "delivery.yaml").write_text(MAPPING, encoding="utf-8")
    return folder / "delivery.yaml"


def test_what_an_ingestion_brings_is_shown_by_every_process(
    ready: Client, second: Client, home: Path, store: Store, tmp_path: Path
) -> None:
    before = store.change_number()
    mapping = delivery(
        tmp_path / "files",
        "ingested-1,Yellow mug of the delivery,mug,Mugs,p1,delivered.png",
        "ingested-2,Yellow teapot of the delivery,pot,Pots,ingested-1,",
    )
    said = ingest(mapping, home)
    assert said["embedded"]["text"]["written"]["Product"] == 2
    assert store.change_number() > before
    for server in (ready, second):
        assert {"ingested-1", "ingested-2"} <= set(server.ids({}, 100))
        assert "ingested-1" in server.ids({"productIds": ["p0"]}, 100, filter={"categoryIds": ["mug"]})
        assert server.ids({}, 100, filter={"categoryIds": ["pot"]}) == ["ingested-2"]
        found = server.recommend({"productIds": ["ingested-1"]}, 100, shown=100)["edges"]
        reasons = {e["node"]["productId"]: e["explanation"]["contributions"] for e in found}
        assert "COMPLEMENTS" in {part["relation"] for part in reasons["p1"]}
        assert "COMPLEMENTS_REVERSE" in {part["relation"] for part in reasons["ingested-2"]}
    assert nearest(store, "ingested-1", "text")[0] == "ingested-1"
    made = hashes(store, "ingested-1")
    pipeline.embed(store, home=home)
    assert hashes(store, "ingested-1") == made
    assert ingest(mapping, home)["embedded"] == {}  # nothing new


def ingest(mapping: Path, home: Path) -> dict[str, object]:
    done = pathrec("ingest", mapping, "--home", home, "--json", "-")
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))
