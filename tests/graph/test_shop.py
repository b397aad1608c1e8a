from datetime import UTC, datetime, timedelta

import pytest

from graph import Query, Store, StoreError, connect
from graph.dialect import index
from schema.ontology import Ontology, default_ontology, parse_ontology
from tests.graph.shop_tables import relations

OWN = parse_ontology(
    {
        "nodes": {"Material": {"properties": {"name": {"type": "string", "search": True}}}},
        "relations": {"MADE_OF": {"from": "Product", "to": "Material"}},
    },
    where="own",
)


def changed(**sections: object) -> Ontology:
    return parse_ontology(sections, where="changed")


def test_preparing_twice_changes_nothing(store: Store) -> None:
    indexes = store.read(Query("SHOW INDEXES"))
    store.prepare()
    assert len(store.read(Query("SHOW INDEXES"))) == len(indexes)
    assert store.stored_ontology() == default_ontology()


def test_an_index_that_the_engine_does_not_use_goes_when_the_store_is_prepared(embedded_store: Store) -> None:
    embedded_store._connection.rows(Query(index("Event", "recorded")), write=True)
    assert "Event_recorded" in index_names(embedded_store)
    embedded_store.prepare()
    assert "Event_recorded" not in index_names(embedded_store)
    assert "Event_basket" in index_names(embedded_store)


def index_names(store: Store) -> set[str]:
    return {row["name"] for row in store.read(Query("SHOW INDEXES"))}


def test_the_stored_ontology_keeps_the_order_of_the_terms(store: Store) -> None:
    stored = store.stored_ontology()
    assert stored is not None
    assert stored.terms == default_ontology().terms


def test_a_store_can_be_extended_by_an_ontology_that_holds_its_own(store_url: str, store: Store) -> None:
    with connect(store_url, ontology=OWN) as own:
        own.prepare()
    assert store.stored_ontology() == OWN


def test_a_store_without_an_ontology_given_uses_its_own(store_url: str, store: Store) -> None:
    with connect(store_url, ontology=OWN) as own:
        own.prepare()
    with connect(store_url) as found:
        assert found.ontology == OWN
        found.prepare()
    assert store.stored_ontology() == OWN


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (default_ontology(), "the store has nodes Material; the store has relations MADE_OF"),
        (
            changed(nodes=OWN.as_dict()["nodes"], relations={"MADE_OF": {"from": "Material", "to": "Product"}}),
            "MADE_OF goes",
        ),
        (
            changed(nodes={"Material": {"properties": {"name": "integer"}}}, relations=OWN.as_dict()["relations"]),
            "nodes.Material.properties.name is string in the store, not integer",
        ),
    ],
)
def test_an_ontology_that_does_not_fit_is_refused(store_url: str, store: Store, other: Ontology, message: str) -> None:
    with connect(store_url, ontology=OWN) as own:
        own.prepare()
    with connect(store_url, ontology=other) as wrong, pytest.raises(StoreError, match=message):
        wrong.prepare()
    assert store.stored_ontology() == OWN


def test_the_clock_is_set_once(store: Store) -> None:
    assert store.clock() == timedelta()
    now = datetime.now(UTC)
    store.set_clock(now - timedelta(days=100))
    store.set_clock(now)
    assert abs(store.clock() + timedelta(days=100)) < timedelta(seconds=5)


def test_a_store_that_was_not_prepared_says_so(store: Store) -> None:
    store._connection.rows(Query("MATCH (s:Shop) DELETE s"), write=True)
    assert store.change_number() == 0
    assert store.stored_ontology() is None
    assert store.history(user="ann", as_of=datetime.now(UTC)).change_number == 0
    with pytest.raises(StoreError, match="not prepared"):
        store.load_relations("COMPLEMENTS", relations(("a", "b", None)))
