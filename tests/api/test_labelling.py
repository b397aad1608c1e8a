"""Labels from a few examples and from names, on a real store with the packaged text model."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from api import pipeline
from api.labelling import Labelled, LabellingError, Wanted, judge, label
from graph import LabelCounts, Query, Store, connect
from ingestion.labels.few_shot import ExamplesError

KINDS = {
    "Mug": "{} mug for hot coffee",
    "Scarf": "{} wool scarf for the winter",
    "Lamp": "{} lamp for the desk",
}
WORDS = ("Small", "Large", "Old", "New", "Plain", "Fine", "Dark", "Bright", "Round", "Thin", "Heavy", "Light")
TITLES = {f"{kind.lower()}{n}": text.format(word) for kind, text in KINDS.items() for n, word in enumerate(WORDS)}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def filled(home: Path) -> Iterator[Store]:
    """36 products of three kinds with vectors of their titles; half have a made-up vector of a picture, too."""
    with connect(f"embedded:{home / 'graph'}") as store:
        store.prepare()
        store.load_nodes("Product", pa.table({"id": list(TITLES), "title": list(TITLES.values())}))
        store.load_nodes("Product", pa.table({"id": ["mute"]}))
        pipeline.embed(store, home=home)
        pictured = list(TITLES)[::2]
        pictures = np.random.default_rng(0).normal(size=(len(pictured), 8)).astype(np.float32)
        store.load_features("Product", "image", pictured, pictures, pictured)
        yield store


@pytest.fixture
def shop(filled: Store) -> Store:
    filled._connection.rows(Query("MATCH (:Product)-[r]->() DELETE r"), write=True)
    filled._connection.rows(Query("MATCH (n:Feature) DELETE n"), write=True)
    filled._connection.rows(Query("MATCH (n:Category) DELETE n"), write=True)
    return filled


@pytest.fixture
def examples(tmp_path: Path) -> Path:
    """Four examples of each kind."""
    rows = [f"{kind.lower()}{n},{kind}" for kind in KINDS for n in range(4)]
    file = tmp_path / "examples.csv"
    file.write_text("product,label\n" + "\n".join(rows) + "\n", encoding="utf-8")
    return file


def labelled(store: Store, wanted: Wanted, home: Path) -> Labelled:
    return label(store, wanted, home=home)


def stored(store: Store, relation: str = "HAS_FEATURE") -> dict[str, tuple[str, str, float]]:
    text = f"MATCH (p:Product)-[r:{relation}]->(n) RETURN p.id AS p, n.id AS n, r.source AS s, r.confidence AS c"
    return {row["p"]: (row["n"], row["s"], row["c"]) for row in store.read(Query(text))}


def test_a_few_examples_label_the_rest_and_are_facts_themselves(shop: Store, examples: Path, home: Path) -> None:
    wanted = Wanted("HAS_FEATURE", examples=examples, attribute="kind", source="text", minimum_confidence=0.5)
    done = labelled(shop, wanted, home)
    assert done.counts.written == sum(done.labels.values()) + 12
    assert (done.featureless, done.unsure + sum(done.labels.values())) == (1, 24)
    found = stored(shop)
    assert len(found) >= 30
    assert all(node == f"kind-{product.rstrip('0123456789')}" for product, (node, _, _) in found.items())
    assert {product for product, (_, source, _) in found.items() if source == "accepted"} == {
        f"{kind.lower()}{n}" for kind in KINDS for n in range(4)
    }
    assert all(0.5 <= confidence <= 1 for _, _, confidence in found.values())
    (node,) = shop.nodes("Feature", ["kind-mug"]).to_pylist()
    assert (node["name"], node["value"]) == ("kind", "Mug")


def test_how_well_held_out_examples_are_told_is_reported(shop: Store, examples: Path, home: Path) -> None:
    check = labelled(shop, Wanted("HAS_FEATURE", examples=examples, source="text"), home).check
    assert check is not None
    assert (check.examples, check.accuracy) == (12, 1.0)
    assert 0 <= check.calibration_error < 0.3


def test_a_second_run_changes_nothing(shop: Store, examples: Path, home: Path) -> None:
    wanted = Wanted("HAS_FEATURE", examples=examples, minimum_confidence=0.4)
    first = labelled(shop, wanted, home)
    number, before = shop.change_number(), stored(shop)
    again = labelled(shop, wanted, home)
    assert again.counts.written == again.counts.withdrawn == 0
    # An example is an expert's word by now.
    assert again.counts.known + again.counts.unchanged == first.counts.written
    assert (shop.change_number(), stored(shop)) == (number, before)


def test_names_alone_label_products_by_the_nearest(shop: Store, home: Path) -> None:
    done = labelled(shop, Wanted("IN_CATEGORY", names=("Mug", "Scarf", "Lamp"), minimum_confidence=0.5), home)
    assert done.check is None
    found = stored(shop, "IN_CATEGORY")
    assert len(found) > 24 and all(product.startswith(node) for product, (node, _, _) in found.items())
    assert shop.nodes("Category", ["mug"]).to_pylist()[0]["name"] == "Mug"


def test_what_a_person_rejected_stays_away(shop: Store, examples: Path, home: Path) -> None:
    wanted = Wanted("HAS_FEATURE", examples=examples, source="text", minimum_confidence=0.4)
    labelled(shop, wanted, home)
    judge(shop, "HAS_FEATURE", "mug7", "mug", accept=False)
    judge(shop, "HAS_FEATURE", "mug8", "mug", accept=True)
    again = labelled(shop, wanted, home)
    assert again.counts.rejected == 1
    assert "mug7" not in stored(shop) and stored(shop)["mug8"][1] == "accepted"
    with pytest.raises(LabellingError, match="mug7 has no label mug by HAS_FEATURE"):
        judge(shop, "HAS_FEATURE", "mug7", "mug", accept=False)


def test_nothing_below_the_threshold_is_written(shop: Store, examples: Path, home: Path) -> None:
    done = labelled(shop, Wanted("HAS_FEATURE", examples=examples, source="text", minimum_confidence=1.0), home)
    assert (done.unsure, done.counts) == (24, LabelCounts(written=12))


def test_a_node_that_is_called_like_a_label_is_used(shop: Store, examples: Path, home: Path) -> None:
    shop.load_nodes("Category", pa.table({"id": ["c-1", "Scarf"], "name": ["MUG", "Neck"]}))
    labelled(shop, Wanted("IN_CATEGORY", examples=examples, minimum_confidence=0.3), home)
    assert {node for node, _, _ in stored(shop, "IN_CATEGORY").values()} == {"c-1", "Scarf", "lamp"}


def test_pictures_alone_label_only_products_that_have_one(shop: Store, tmp_path: Path, home: Path) -> None:
    rows = [f"{kind.lower()}{n},{kind}" for kind in KINDS for n in (0, 2, 4)]
    file = tmp_path / "pictured.csv"
    file.write_text("product,label\n" + "\n".join(rows), encoding="utf-8")
    done = labelled(shop, Wanted("HAS_FEATURE", examples=file, source="image", minimum_confidence=0.0), home)
    assert done.featureless == len(TITLES) // 2 + 1
    assert set(stored(shop)) == set(list(TITLES)[::2])


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({}, "give one of them"),
        ({"names": ("a", "b"), "examples": Path("x.csv")}, "give one of them"),
        ({"names": ("a", "A")}, "two different names"),
        ({"names": ("a", "b"), "source": "image"}, "only texts can be near to"),
    ],
)
def test_what_contradicts_itself_is_refused(changed: dict[str, object], message: str) -> None:
    with pytest.raises(LabellingError, match=message):
        Wanted("HAS_FEATURE", **changed)  # type: ignore[arg-type]


def test_what_is_not_there_is_refused_by_name(shop: Store, examples: Path, home: Path) -> None:
    with pytest.raises(LabellingError, match="COMPLEMENTS can hold no labels"):
        labelled(shop, Wanted("COMPLEMENTS", names=("a", "b")), home)
    with pytest.raises(LabellingError, match="leads to Category, which has no attribute"):
        labelled(shop, Wanted("IN_CATEGORY", names=("a", "b"), attribute="colour"), home)
    shop.load_nodes("Category", pa.table({"id": ["c-1", "c-2"], "name": ["Mug", "Mug"]}))
    with pytest.raises(LabellingError, match="Mug is the name of c-1, c-2"):
        labelled(shop, Wanted("IN_CATEGORY", examples=examples), home)
    examples.write_text("product,label\nmug0,a\nmug1,b\ngone,a\n", encoding="utf-8")
    with pytest.raises(LabellingError, match="no product gone in the store"):
        labelled(shop, Wanted("HAS_FEATURE", examples=examples), home)
    examples.write_text("product,label\nmug0,a\nmug1,b\nmug2,a\n", encoding="utf-8")
    with pytest.raises(ExamplesError, match="b has 1 examples with a vector"):
        labelled(shop, Wanted("HAS_FEATURE", examples=examples), home)
    assert stored(shop) == {}


def test_names_in_the_words_of_another_model_are_refused(shop: Store, home: Path) -> None:
    ids = list(TITLES)
    vectors = shop.features("Product", "text", ids)
    hashes = shop.feature_hashes("Product", "text")
    shop.load_features("Product", "text", ids, vectors, [f"other {key}" for key in ids])
    try:
        with pytest.raises(pipeline.PipelineError, match="were not encoded by all-MiniLM-L6-v2"):
            labelled(shop, Wanted("HAS_FEATURE", names=("Mug", "Lamp")), home)
    finally:
        shop.load_features("Product", "text", ids, vectors, [hashes[key] for key in ids])


def test_a_store_without_vectors_says_what_to_run(embedded_store: Store, tmp_path: Path) -> None:
    file = tmp_path / "examples.csv"
    file.write_text("product,label\np1,a\np2,b\n", encoding="utf-8")
    embedded_store.load_nodes("Product", pa.table({"id": ["p1", "p2"]}))
    with pytest.raises(pipeline.PipelineError, match="run `pathrec embed` first"):
        label(embedded_store, Wanted("HAS_FEATURE", examples=file), home=tmp_path)
