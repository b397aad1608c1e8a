"""Applied rules follow the graph whenever it is loaded or exported, and what cannot is told."""

from datetime import UTC, datetime
from pathlib import Path

from api import pipeline
from api.services.refreshing import refresh
from graph import Named, ProductRecord, Store
from graph.knowledge import Effect, Knowledge, KnowledgeKind
from tests.graph.shop_tables import fill

NOW = datetime(2024, 2, 1, tzinfo=UTC)


def apply(store: Store, name: str, cypher: str) -> None:
    rule = Knowledge(name, KnowledgeKind.DERIVE, NOW, NOW, relation="FITS_WITH", says="fits", cypher=cypher)
    store.save_knowledge(rule)
    store.apply_knowledge(name, NOW)


def test_what_is_derived_is_of_now_in_every_export(embedded_store: Store, tmp_path: Path) -> None:
    fill(embedded_store)
    inside = (
        "MATCH (a:Product)-[:IN_CATEGORY]->(:Category {id: 'kitchen'})<-[:IN_CATEGORY]-(b:Product) WHERE a.id < b.id "
    )
    apply(embedded_store, "inside", f"{inside} RETURN a.id AS source, b.id AS target")
    assert embedded_store.counts()["FITS_WITH"] == 1
    embedded_store.upsert_products([ProductRecord("cup", categories=[Named("kitchen")])])
    assert pipeline.export(embedded_store, tmp_path / "snapshot").edges["FITS_WITH"] == 3


def test_a_rule_that_cannot_follow_stays_as_it_is_and_is_told(embedded_store: Store) -> None:
    fill(embedded_store)
    priced = "MATCH (a:Product {id: 'tea'}) RETURN a.id AS source, 'pot' AS target, a.price AS weight"
    apply(embedded_store, "broken", priced)
    apply(embedded_store, "sound", "MATCH (p:Product {id: 'mug'}) RETURN p.id AS source, 'hat' AS target")
    embedded_store.upsert_products([ProductRecord("tea", {"price": -1.0})])
    done = refresh(embedded_store)
    assert done.effects == {"sound": Effect()}
    assert "the weight -1 is not above 0" in done.problems["broken"]
    assert embedded_store.product_links(["tea"])["tea"].out["FITS_WITH"] == [("pot", 3.0)]
