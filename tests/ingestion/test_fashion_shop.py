import csv
import gzip
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from fashion_files import picture, write_catalogue

from ingestion import Records, load_mapping, read
from ingestion.demo.seasons import END, milliseconds
from ingestion.demo.visits import PURCHASE, VIEW
from ingestion.fashion.looks import MEASURES, measured
from ingestion.fashion.photographed import PhotographedError, read_photographed
from ingestion.fashion.tastes import PLANTED, draw_tastes
from ingestion.fashion.visits import draw_events
from ingestion.fashion_shop import FashionShopError, generate
from schema import default_ontology
from schema.files import sha256


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data") / "fashion"
    write_catalogue(folder)
    return folder


@pytest.fixture(scope="module")
def shop(catalogue: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return generate(catalogue, tmp_path_factory.mktemp("fashion") / "shop", products=100, users=80).parent


@pytest.fixture(scope="module")
def records(shop: Path, tmp_path_factory: pytest.TempPathFactory) -> Records:
    mapping = load_mapping(shop / "mapping.yaml", ontology=default_ontology())
    return read(mapping, workdir=tmp_path_factory.mktemp("work"))


def rows_of(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def content(folder: Path) -> dict[str, str]:
    return {str(file.relative_to(folder)): sha256(file) for file in folder.rglob("*") if file.is_file()}


def test_the_same_seed_gives_the_same_bytes_and_another_seed_another_shop(catalogue: Path, tmp_path: Path) -> None:
    first, again, other = (
        content(generate(catalogue, tmp_path / name, seed=seed, products=50, users=10).parent)
        for name, seed in (("a", 1), ("b", 1), ("c", 2))
    )
    assert first == again
    assert first["events.csv"] != other["events.csv"] and first["products.csv"] != other["products.csv"]


def test_every_row_of_the_shop_is_understood_and_every_end_exists(records: Records) -> None:
    assert records.quality.rows_quarantined == 0
    ids = {node_type: set(table.column("id").to_pylist()) for node_type, table in records.nodes.items()}
    assert len(ids["Product"]) == 100
    for name, table in records.relations.items():
        ends = default_ontology().relations[name]
        assert set(table.column("source").to_pylist()) <= ids[ends.source]
        assert set(table.column("target").to_pylist()) <= ids[ends.target]
    assert set(records.events.column("product").to_pylist()) <= ids["Product"]


def test_the_graph_knows_types_but_not_the_other_planted_attributes(records: Records, shop: Path) -> None:
    assert set(records.nodes) == {"Product", "Category"}
    assert set(records.relations) == {"CHILD_OF", "IN_CATEGORY"}
    assert "apparel/topwear/tshirts" in records.nodes["Category"].column("id").to_pylist()
    assert {"colour", "usage", "season", "gender"} <= set(rows_of(shop / "products.csv")[0])


def test_titles_and_photographs_are_those_of_the_catalogue(shop: Path, catalogue: Path) -> None:
    lines = gzip.decompress((catalogue / "catalogue.csv.gz").read_bytes()).decode().splitlines()
    titles = {row["id"]: row["productDisplayName"] for row in csv.DictReader(lines)}
    products = rows_of(shop / "products.csv")
    assert all(row["title"] == titles[row["product_id"]] for row in products)
    with np.load(catalogue / "images.npz") as archive:
        offsets, buffer = archive["off"], archive["buf"]
    for row in products[::9]:
        number = int(row["product_id"])
        stored = (shop / "images" / row["picture"]).read_bytes()
        assert stored == buffer[offsets[number - 1] : offsets[number]].tobytes()


def test_purchases_end_a_visit_as_one_basket_and_nobody_buys_the_same_twice(shop: Path) -> None:
    events = rows_of(shop / "events.csv")
    bought = [event for event in events if event["action"] == "purchase"]
    assert bought and max(Counter((e["user_id"], e["product_id"]) for e in bought).values()) == 1
    last: dict[str, str] = {}
    seen = set()
    for event in events:
        last[event["session_id"]] = event["time"]
        if event["action"] == "view":
            assert not event["basket_id"]
            seen.add((event["session_id"], event["product_id"]))
    assert all(event["time"] == last[event["session_id"]] for event in bought)
    assert all((event["session_id"], event["product_id"]) in seen for event in bought)
    assert all(event["basket_id"][1:] == event["session_id"][1:] for event in bought)


def test_nothing_happens_after_the_half_year(shop: Path) -> None:
    times = [datetime.fromisoformat(event["time"]) for event in rows_of(shop / "events.csv")]
    assert times == sorted(times)
    assert datetime(2025, 12, 30, tzinfo=UTC) < times[0] and times[-1] < END


def test_shoppers_look_at_what_is_to_their_taste_and_buy_what_is_more_so(catalogue: Path) -> None:
    rng = np.random.default_rng(0)
    tastes = draw_tastes(read_photographed(catalogue, None, rng), rng, 200)
    events = draw_events(tastes, rng)
    liking = np.stack([tastes.of(shopper) for shopper in range(200)])
    liking = (liking - liking.mean(axis=1, keepdims=True)) / liking.std(axis=1, keepdims=True)
    of_event = liking[events.user, events.product]
    viewed, bought = (of_event[events.behaviour == behaviour].mean() for behaviour in (VIEW, PURCHASE))
    assert viewed > 0.7 and bought > viewed + 0.05
    assert (events.time < milliseconds(END)).all()


def test_a_shopper_prefers_as_few_values_as_planted(catalogue: Path) -> None:
    rng = np.random.default_rng(0)
    tastes = draw_tastes(read_photographed(catalogue, None, rng), rng, 50)
    for name in ("articleType", "season"):
        weights = tastes.weights[name]
        few = min(PLANTED[name].few, weights.shape[1])
        assert ((weights > 0).sum(axis=1) == few).all()
        assert weights.max(axis=1) == pytest.approx(PLANTED[name].strength)


def test_looks_tell_what_the_name_of_a_colour_does_not() -> None:
    pictures = [picture((200, 30, 30), shade, 0) for shade in (0, 50)] + [picture((30, 30, 200), 20, 0)] * 2
    looks = measured(pictures, np.array([0, 0, 1, 1]))
    lightness = looks[:, MEASURES.index("lightness")]
    assert lightness[0] < 0 < lightness[1]
    assert looks[2] == pytest.approx(looks[3])
    assert looks[:2].sum(axis=0) == pytest.approx(0) and looks[2:].sum(axis=0) == pytest.approx(0)


def test_a_picture_of_nothing_but_white_is_measured_whole() -> None:
    assert np.isfinite(measured([picture((255, 255, 255), 0, 0)] * 2, np.array([0, 0]))).all()


@pytest.mark.parametrize("wrong", [{"products": 0}, {"users": 0}])
def test_an_impossible_size_is_refused(catalogue: Path, tmp_path: Path, wrong: dict[str, int]) -> None:
    with pytest.raises(FashionShopError, match="cannot have 0"):
        generate(catalogue, tmp_path / "shop", **wrong)


def test_a_folder_without_the_catalogue_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(PhotographedError, match=r"catalogue\.csv\.gz: cannot be read"):
        generate(tmp_path, tmp_path / "shop")


def test_an_archive_without_its_arrays_is_refused_by_name(tmp_path: Path) -> None:
    write_catalogue(tmp_path / "fashion")
    np.savez(tmp_path / "fashion" / "images.npz", ids=np.arange(3))
    with pytest.raises(PhotographedError, match=r"images\.npz.*must hold ids, off and buf"):
        generate(tmp_path / "fashion", tmp_path / "shop")


def test_the_public_catalogue_becomes_a_shop(data_folder: Callable[[str], Path], tmp_path: Path) -> None:
    mapping = generate(data_folder("fashion"), tmp_path / "shop", products=300, users=50)
    found = read(load_mapping(mapping, ontology=default_ontology()), workdir=tmp_path / "work")
    assert found.nodes["Product"].num_rows == 300 and found.quality.rows_quarantined == 0
    assert len(list((tmp_path / "shop" / "images").iterdir())) == 300
