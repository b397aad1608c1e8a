from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from graph import Store, connect
from schema.errors import RecordError
from schema.ontology import parse_ontology
from tests.graph.shop_tables import events, fill, products, purchase, relations

HOSTILE = [
    "a'b",
    'a"b',
    "`x`",
    "a\\u0027b",
    "\\",
    "$id",
    "{id}",
    "line\nbreak",
    "tab\t",
    "ü😀\u2028",
    "// c",
    "\x00",
    " ",
]


def test_the_same_shop_loaded_twice_changes_nothing(store: Store) -> None:
    fill(store)
    counts, number = store.counts(), store.change_number()
    fill(store)
    assert store.counts() == counts
    assert store.change_number() == number


def test_a_load_says_what_it_did(store: Store) -> None:
    assert store.load_nodes("Product", products("tea", "pot")) == 2
    assert store.load_nodes("Product", products("tea", "pot", "mug")) == 1
    loaded = store.load_events(events(purchase("e1", "ann", "tea"), purchase("e1", "ann", "tea")))
    assert (loaded.written, loaded.existing) == (1, 1)


def test_progress_is_reported_up_to_the_total(store: Store) -> None:
    heard: list[tuple[str, int, int]] = []
    store.load_nodes("Product", products("tea", "pot"), lambda *news: heard.append(news))
    assert heard[-1] == ("nodes Product", 2, 2)


def test_an_empty_table_loads_nothing(store: Store) -> None:
    assert store.load_nodes("Product", products()) == 0
    assert store.load_events(events()).written == 0
    assert store.load_relations("COMPLEMENTS", relations()).written == 0


def test_a_null_leaves_the_stored_property(store: Store) -> None:
    store.load_nodes("Product", pa.table({"id": ["tea"], "title": ["Tea"], "price": [1.0]}))
    change = pa.table({"id": ["tea"], "title": pa.array([None], pa.string()), "price": [2.0]})
    assert store.load_nodes("Product", change) == 1
    assert store.nodes("Product").select(["title", "price"]).to_pylist() == [{"title": "Tea", "price": 2.0}]


def test_a_price_that_is_not_a_number_is_not_known(store: Store) -> None:
    table = pa.table({"id": ["tea"], "price": [float("nan")]})
    assert [store.load_nodes("Product", table), store.load_nodes("Product", table)] == [1, 0]
    assert store.nodes("Product")["price"].to_pylist() == [None]


def test_a_changed_weight_is_written_and_logged(store: Store) -> None:
    fill(store)
    number = store.change_number()
    loaded = store.load_relations("COMPLEMENTS", relations(("tea", "pot", 0.75), ("mug", "tea", None)))
    assert (loaded.written, loaded.existing) == (1, 1)
    assert [change.keys for change in store.changes(number)] == [("mug", "pot", "tea")]
    assert store.product_links(["tea"])["tea"].out["COMPLEMENTS"] == [("pot", 0.75)]


def test_ends_that_do_not_exist_are_counted_and_not_created(store: Store) -> None:
    fill(store)
    before = store.counts()
    loaded = store.load_relations("COMPLEMENTS", relations(("tea", "gone", None), ("lost", "gone", None)))
    assert (loaded.written, loaded.dangling, set(loaded.missing)) == (0, 2, {"gone", "lost"})
    of_events = store.load_events(events(purchase("x1", "dan", "gone"), purchase("x2", "dan", "tea")))
    assert (of_events.written, of_events.dangling, of_events.missing) == (1, 1, ("gone",))
    assert store.counts() == before | {"Event": before["Event"] + 1, "User": before["User"] + 1}


def test_a_user_whose_events_all_dangle_is_not_created(store: Store) -> None:
    store.load_events(events(purchase("x1", "dan", "gone")))
    assert store.counts()["User"] == 0


def test_names_that_the_ontology_lacks_are_refused_with_a_suggestion(store: Store) -> None:
    with pytest.raises(RecordError, match="Did you mean Product"):
        store.load_nodes("Produkt", products("tea"))
    with pytest.raises(RecordError, match="Did you mean COMPLEMENTS"):
        store.load_relations("COMPLEMENT", relations(("tea", "pot", None)))
    with pytest.raises(RecordError, match="Did you mean purchase"):
        store.load_events(events(("e", "ann", "tea", "purchased", 0, None, None, None)))


def test_hostile_ids_and_texts_come_back_as_they_were(store: Store) -> None:
    store.load_nodes("Product", pa.table({"id": HOSTILE, "title": HOSTILE}))
    store.load_events(events(*((text, text, text, "view", 0, None, text, text) for text in HOSTILE)))
    for text in HOSTILE:
        assert store.nodes("Product", [text]).select(["id", "title"]).to_pylist() == [{"id": text, "title": text}]
        history = store.history(user=text, session=text, as_of=datetime.now(UTC))
        assert [(row.product, row.events) for row in history.rows] == [(text, 1)]


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    texts=st.sets(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30), min_size=1, max_size=8)
)
def test_any_text_is_an_id(store: Store, texts: set[str]) -> None:
    store.load_nodes("Brand", pa.table({"id": sorted(texts), "name": sorted(texts)}))
    assert store.nodes("Brand", sorted(texts))["name"].to_pylist() == sorted(texts)


@pytest.mark.usefixtures("store")
def test_every_property_type_comes_back_exactly(store_url: str) -> None:
    own = {
        "nodes": {
            "Material": {
                "properties": {
                    "at": "datetime",
                    "n": "integer",
                    "x": "float",
                    "yes": "boolean",
                    "text": {"type": "string", "search": True},
                }
            }
        },
        "relations": {"MADE_OF": {"from": "Product", "to": "Material"}},
    }
    ontology = parse_ontology(own, where="test")
    table = pa.table(
        {
            "id": ["a", "b"],
            "at": pa.array([datetime(1969, 12, 31, 23, 59, 59, 999000, UTC), None], pa.timestamp("ms", "UTC")),
            "n": pa.array([2**62 + 1, -1]),
            "x": pa.array([0.1, -1e300]),
            "yes": [True, False],
            "text": ["", "x"],
        }
    )
    with connect(store_url, ontology=ontology) as own_store:
        own_store.prepare()
        assert own_store.load_nodes("Material", table) == 2
        assert own_store.load_nodes("Material", table) == 0
        stored = own_store.nodes("Material")
        assert stored.to_pylist() == table.select(stored.column_names).to_pylist()


def test_embeddings_come_back_exactly_and_are_written_once(store: Store) -> None:
    store.load_nodes("Product", products("tea", "pot"))
    matrix = np.random.default_rng(0).normal(size=(3, 8)).astype(np.float32)
    number = store.change_number()
    assert store.load_features("Product", "text", ["tea", "pot", "gone"], matrix, ["h1", "h2", "h3"]) == 2
    assert store.load_features("Product", "text", ["tea", "pot", "gone"], matrix, ["h1", "h2", "h3"]) == 0
    assert [change.keys for change in store.changes(number)] == [("pot", "tea")]
    assert store.feature_hashes("Product", "text") == {"tea": "h1", "pot": "h2"}
    np.testing.assert_array_equal(store.product_links(["pot"])["pot"].features["text"], matrix[1])


def test_embeddings_of_another_width_take_the_place_of_the_old(store: Store) -> None:
    store.load_nodes("Product", products("tea", "pot"))
    store.load_features("Product", "text", ["tea", "pot"], np.ones((2, 8), np.float32), ["a", "b"])
    store.load_features("Product", "text", ["tea"], np.ones((1, 4), np.float32), ["c"])
    assert {key: value.features["text"].shape for key, value in store.product_links(["tea", "pot"]).items()} == {
        "tea": (4,)
    } | {"pot": (8,)}


def test_embeddings_that_do_not_fit_their_ids_are_refused(store: Store) -> None:
    with pytest.raises(RecordError, match="one row and one hash"):
        store.load_features("Product", "text", ["tea"], np.ones((2, 8), np.float32), ["a"])
    with pytest.raises(RecordError, match="no feature sound"):
        store.load_features("Product", "sound", ["tea"], np.ones((1, 8), np.float32), ["a"])


def test_nothing_to_encode_is_written_only_where_a_vector_must_go(store: Store) -> None:
    fill(store)
    store.load_features("Product", "text", ["tea"], np.ones((1, 4), np.float32), ["a"])
    assert store.load_features("Product", "text", ["tea", "pot"], np.zeros((2, 4), np.float32), ["none", "none"]) == 1
    assert store.feature_hashes("Product", "text") == {"tea": "none"}


def test_the_encoder_of_the_vectors_is_remembered(store: Store) -> None:
    fill(store)
    assert store.encoders("Product") == {}
    store.use_encoder("Product", "text", "first")
    store.use_encoder("Product", "text", "second")
    store.use_encoder("Product", "image", "eye")
    assert store.encoders("Product") == {"text": "second", "image": "eye"}
    with pytest.raises(RecordError, match="sound"):
        store.use_encoder("Product", "sound", "ear")
