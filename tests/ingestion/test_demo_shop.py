import csv
import json
from collections import Counter
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow.compute as pc
import pytest
from PIL import Image

from ingestion import Records, load_mapping, read
from ingestion.demo_shop import DemoShopError, generate
from schema import default_ontology
from schema.files import WriteError, sha256
from schema.progress import silent

SMALL = {"products": 180, "users": 60, "events": 900}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return generate(tmp_path_factory.mktemp("demo") / "shop").parent


@pytest.fixture(scope="module")
def records(shop: Path, tmp_path_factory: pytest.TempPathFactory) -> Records:
    mapping = load_mapping(shop / "mapping.yaml", ontology=default_ontology())
    return read(mapping, workdir=tmp_path_factory.mktemp("work"), report=silent)


@pytest.fixture(scope="module")
def products(shop: Path) -> dict[str, dict[str, str]]:
    with (shop / "products.csv").open(encoding="utf-8", newline="") as file:
        return {row["product_id"]: row for row in csv.DictReader(file)}


@pytest.fixture(scope="module")
def events(shop: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in (shop / "events.jsonl").read_text(encoding="utf-8").splitlines()]


def content(folder: Path) -> dict[str, str]:
    return {str(file.relative_to(folder)): sha256(file) for file in folder.rglob("*") if file.is_file()}


def test_the_same_seed_gives_the_same_bytes_and_another_seed_another_shop(tmp_path: Path) -> None:
    first, again, other = (
        content(generate(tmp_path / name, seed=seed, **SMALL).parent) for name, seed in (("a", 7), ("b", 7), ("c", 8))
    )
    assert first == again
    assert first["events.jsonl"] != other["events.jsonl"] and first["products.csv"] != other["products.csv"]


@pytest.mark.parametrize(("products", "users", "events"), [(1, 1, 1), (3, 2, 50), (70, 1, 7), (500, 40, 333)])
def test_a_shop_has_the_size_that_was_asked_for(tmp_path: Path, products: int, users: int, events: int) -> None:
    mapping = generate(tmp_path / "shop", products=products, users=users, events=events)
    found = read(load_mapping(mapping, ontology=default_ontology()), workdir=tmp_path / "work")
    assert found.nodes["Product"].num_rows == products
    assert found.nodes["User"].num_rows == users
    assert found.events.num_rows == events
    assert len(list((tmp_path / "shop" / "pictures").iterdir())) == products


def test_every_row_of_the_shop_is_understood_and_every_end_exists(records: Records) -> None:
    ontology = default_ontology()
    assert records.quality.rows_quarantined == 0
    ids = {node_type: set(table.column("id").to_pylist()) for node_type, table in records.nodes.items()}
    assert {node_type: len(some) for node_type, some in ids.items()} == {
        "Product": 2000,
        "User": 2000,
        "Brand": 60,
        "Category": 84,
        "Feature": 81,
    }
    for name, table in records.relations.items():
        ends = ontology.relations[name]
        assert set(table.column("source").to_pylist()) <= ids[ends.source]
        assert set(table.column("target").to_pylist()) <= ids[ends.target]
    assert set(records.events.column("product").to_pylist()) <= ids["Product"]
    assert set(records.events.column("user").drop_null().to_pylist()) <= ids["User"]


def test_the_shops_clock_ends_with_its_last_event(records: Records) -> None:
    assert records.clock == pc.max(records.events.column("time")).as_py()
    assert datetime(2026, 6, 30, tzinfo=UTC) < records.clock < datetime(2026, 7, 1, tzinfo=UTC)


def test_titles_and_descriptions_say_what_the_features_say(products: dict[str, dict[str, str]]) -> None:
    for product in products.values():
        colour, style, made_of = (feature.split("-", 1)[1] for feature in product["features"].split("|"))
        title, description = product["title"].lower(), product["description"].lower()
        assert colour.replace("-", " ") in title and colour.replace("-", " ") in description
        assert made_of.replace("-", " ") in title
        assert f"the look is {style}" in description
        assert product["brand_name"] in product["title"] and product["brand_name"] in product["description"]


def test_no_two_products_have_one_title(products: dict[str, dict[str, str]]) -> None:
    assert len({product["title"] for product in products.values()}) == len(products)


def test_prices_are_plausible(products: dict[str, dict[str, str]]) -> None:
    prices = np.array([float(product["price"]) for product in products.values()])
    assert prices.min() >= 3 and prices.max() <= 620
    tents = [float(product["price"]) for product in products.values() if product["category_id"] == "tents"]
    soaps = [float(product["price"]) for product in products.values() if product["category_id"] == "soaps"]
    assert min(tents) > max(soaps)


def test_every_product_has_its_picture(shop: Path, products: dict[str, dict[str, str]]) -> None:
    names = {product["picture"] for product in products.values()}
    assert names == {file.name for file in (shop / "pictures").iterdir()}
    for name in sorted(names)[::97]:
        with Image.open(shop / "pictures" / name) as picture:
            assert (picture.format, picture.size, picture.mode) == ("PNG", (160, 160), "RGB")


def test_carts_follow_views_and_purchases_follow_carts(events: list[dict[str, str]]) -> None:
    done: set[tuple[str, str, str]] = set()
    needs = {"view": None, "cart": "view", "purchase": "cart"}
    for event in events:
        before = needs[event["action"]]
        if before:
            assert (event["session_id"], event["product_id"], before) in done
        done.add((event["session_id"], event["product_id"], event["action"]))


def test_events_are_in_the_order_of_time_and_views_are_most(events: list[dict[str, str]]) -> None:
    times = [event["time"] for event in events]
    assert times == sorted(times)
    count = Counter(event["action"] for event in events)
    assert count["view"] > 2 * count["cart"] > 3 * count["purchase"] > 20_000


def test_a_basket_is_what_one_session_bought(events: list[dict[str, str]]) -> None:
    baskets = {(event["session_id"], event["basket_id"]) for event in events if event["action"] == "purchase"}
    assert all(basket for _, basket in baskets)
    assert len({session for session, _ in baskets}) == len({basket for _, basket in baskets}) == len(baskets)
    assert not any(event["basket_id"] for event in events if event["action"] != "purchase")
    sizes = Counter(event["basket_id"] for event in events if event["action"] == "purchase")
    assert np.mean([size > 1 for size in sizes.values()]) > 0.25


def test_only_what_is_used_up_is_bought_again(
    events: list[dict[str, str]], products: dict[str, dict[str, str]]
) -> None:
    bought = Counter((e["user_id"], e["product_id"]) for e in events if e["action"] == "purchase" and e["user_id"])
    again = {products[product]["category_id"] for (_, product), times in bought.items() if times > 1}
    assert again and again <= {"coffee", "tea", "honey", "candles", "soaps", "seeds", "notebooks"}


def test_activity_and_popularity_have_long_tails_and_cold_ends(
    events: list[dict[str, str]], products: dict[str, dict[str, str]]
) -> None:
    looked_at = Counter(event["product_id"] for event in events)
    busiest = sorted(looked_at.values(), reverse=True)
    assert sum(busiest[:200]) > 0.35 * len(events)
    assert 50 < len(products) - len(looked_at) < 400
    people = Counter(event["user_id"] for event in events if event["user_id"])
    buyers = {event["user_id"] for event in events if event["action"] == "purchase" and event["user_id"]}
    assert max(people.values()) > 8 * np.mean(list(people.values()))
    assert 1600 < len(people) < 2000 and len(people) - len(buyers) > 200
    assert 0.02 < np.mean([not event["user_id"] for event in events]) < 0.1


def test_what_people_did_in_spring_tells_what_kinds_they_buy_in_june(
    events: list[dict[str, str]], products: dict[str, dict[str, str]]
) -> None:
    kind = {product: row["category_id"] for product, row in products.items()}
    known = [event for event in events if event["user_id"]]
    early = [(e["user_id"], kind[e["product_id"]]) for e in known if e["time"] < "2026-06"]
    late = [
        (e["user_id"], kind[e["product_id"]]) for e in known if e["time"] >= "2026-06" and e["action"] == "purchase"
    ]
    popular = {name for name, _ in Counter(name for _, name in early).most_common(5)}
    own: dict[str, Counter[str]] = {}
    for user, name in early:
        own.setdefault(user, Counter())[name] += 1
    late = [(user, name) for user, name in late if user in own]
    by_taste = np.mean([name in dict(own[user].most_common(5)) for user, name in late])
    by_popularity = np.mean([name in popular for _, name in late])
    assert by_taste > 0.35
    assert by_taste > 2 * by_popularity


def test_people_keep_to_brands_and_colours(events: list[dict[str, str]], products: dict[str, dict[str, str]]) -> None:
    for trait in ("brand_id", "features"):
        value = {product: row[trait].split("|")[0] for product, row in products.items()}
        bought: dict[str, list[str]] = {}
        for event in events:
            if event["action"] == "purchase" and event["user_id"]:
                bought.setdefault(event["user_id"], []).append(value[event["product_id"]])
        everything = Counter(name for names in bought.values() for name in names)
        total = sum(everything.values())
        by_chance = sum((count / total) ** 2 for count in everything.values())
        pairs = [(a == b) for names in bought.values() for i, a in enumerate(names) for b in names[:i]]
        assert np.mean(pairs) > 1.5 * by_chance, trait


def test_complements_are_followed(shop: Path, events: list[dict[str, str]]) -> None:
    with (shop / "goes_with.csv").open(encoding="utf-8", newline="") as file:
        goes_with = {(row["product"], row["goes_with"]) for row in csv.DictReader(file)}
    views = [(event["session_id"], event["product_id"]) for event in events if event["action"] == "view"]
    views.sort(key=lambda view: view[0])  # stable: within a session by time
    steps = [(a[1], b[1]) for a, b in pairwise(views) if a[0] == b[0]]
    followed = np.mean([step in goes_with for step in steps])
    backwards = np.mean([step[::-1] in goes_with for step in steps])
    assert followed > 0.1
    assert followed > 2 * backwards


def test_a_shop_takes_the_place_of_an_older_one_but_of_nothing_else(tmp_path: Path) -> None:
    generate(tmp_path / "shop", **SMALL)
    generate(tmp_path / "shop", seed=8, **SMALL)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("keep me")
    with pytest.raises(WriteError, match="not one of ours"):
        generate(tmp_path / "mine", **SMALL)
    assert (tmp_path / "mine" / "letter.txt").read_text() == "keep me"


def test_a_shop_of_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DemoShopError, match="0 products; ask for one or more"):
        generate(tmp_path / "shop", products=0)
    assert not (tmp_path / "shop").exists()


def test_progress_ends_at_the_number_of_products(tmp_path: Path) -> None:
    news: list[tuple[str, int, int]] = []
    generate(tmp_path / "shop", **SMALL, report=lambda *step: news.append(step))
    assert news[0] == ("shop", 0, 180) and news[-1] == ("shop", 180, 180)
