"""RDF into a store and out of it: twice, from broken files, and against shapes."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from api.rdf import check_store, export_rdf, import_rdf, read_ontology, write_ontology
from graph import Store
from graph.knowledge import Effect, Knowledge, KnowledgeKind
from ingestion.errors import SourceError
from schema.errors import OntologyError
from schema.iris import Names
from schema.ontology import default_ontology, parse_ontology
from schema.shapes import ShapesError
from tests.graph.shop_tables import fill
from tests.support.commands import pathrec

MOMENT = datetime(2024, 5, 1, tzinfo=UTC)
NAMES = Names("https://shop.example/")
PRODUCTS = """@prefix s: <http://schema.org/> .
<urn:tea> a s:Product ; s:name "Tea" ; s:brand "Acme" ; s:offers [ s:price 3.5 ] .
<urn:pot> a s:Product ; s:name "Pot" ; s:isSimilarTo <urn:tea> ; s:offers [ s:price "dear" ] .
"""
SHAPES = """
@prefix shop: <https://shop.example/ontology#> . @prefix sh: <http://www.w3.org/ns/shacl#> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
[] a sh:NodeShape ; sh:targetClass shop:Product ; sh:property [ sh:path shop:Product.price ; WHAT ] .
"""


@pytest.fixture
def turtle(tmp_path: Path) -> Path:
    path = tmp_path / "shop.ttl"
    path.write_text(PRODUCTS, encoding="utf-8")
    return path


def test_a_catalogue_is_imported_and_a_second_time_changes_nothing(
    embedded_store: Store, turtle: Path, tmp_path: Path
) -> None:
    first = import_rdf(embedded_store, turtle, mapping="schema-org", home=tmp_path, names=NAMES)
    assert (first.nodes, first.relations) == ({"Brand": 1, "Product": 2}, {"MADE_BY": 1, "SUBSTITUTES": 1})
    assert first.rejected == 1
    assert first.shapes is not None
    assert first.shapes.conforms
    report = json.loads((tmp_path / "reports" / "quality.json").read_text(encoding="utf-8"))
    assert report["sources"][0]["reasons"][0]["code"] == "bad_float"
    assert report["shapes"]["checked"] == 3
    assert "3 of 3 nodes and events" in (tmp_path / "reports" / "quality.html").read_text(encoding="utf-8")
    number = embedded_store.change_number()
    second = import_rdf(embedded_store, turtle, mapping="schema-org", home=tmp_path, names=NAMES)
    assert (set(second.nodes.values()), set(second.relations.values())) == ({0}, {0})
    assert second.counts == first.counts
    assert embedded_store.change_number() == number


def test_what_experts_derive_follows_an_import(embedded_store: Store, turtle: Path, tmp_path: Path) -> None:
    same_brand = "MATCH (a:Product)-[:MADE_BY]->(:Brand)<-[:MADE_BY]-(b:Product) WHERE a.id < b.id"
    rule = Knowledge(
        "family",
        KnowledgeKind.DERIVE,
        MOMENT,
        MOMENT,
        relation="BESIDE",
        says="is beside",
        cypher=f"{same_brand} RETURN a.id AS source, b.id AS target",
    )
    import_rdf(embedded_store, turtle, mapping="schema-org", home=tmp_path, names=NAMES)
    embedded_store.save_knowledge(rule)
    assert embedded_store.apply_knowledge(rule.id, MOMENT) == Effect()
    more = tmp_path / "more.ttl"
    more.write_text(f'{PRODUCTS}<urn:cup> a s:Product ; s:name "Cup" ; s:brand "Acme" .\n', encoding="utf-8")
    done = import_rdf(embedded_store, more, mapping="schema-org", home=tmp_path, names=NAMES)
    assert (done.knowledge.effects, done.knowledge.problems) == ({"family": Effect(put=1)}, {})
    assert embedded_store.found_knowledge("family").links == 1


def test_a_broken_file_and_contradicting_shapes_leave_the_store_as_it_was(
    embedded_store: Store, turtle: Path, tmp_path: Path
) -> None:
    import_rdf(embedded_store, turtle, mapping="schema-org", home=tmp_path, names=NAMES)
    before, number = embedded_store.counts(), embedded_store.change_number()
    turtle.write_text(PRODUCTS + "<urn:mug> a s:Product .\n<urn:hat> a s:Product ; [\n", encoding="utf-8")
    with pytest.raises(SourceError, match=r"shop\.ttl:5: is not Turtle"):
        import_rdf(embedded_store, turtle, mapping="schema-org", home=tmp_path, names=NAMES)
    shapes = tmp_path / "mine.ttl"
    shapes.write_text(SHAPES.replace("WHAT", "sh:datatype xsd:integer"), encoding="utf-8")
    with pytest.raises(ShapesError, match="asks for xsd:integer, but the ontology says xsd:double"):
        import_rdf(embedded_store, turtle, mapping="schema-org", home=tmp_path, names=NAMES, shapes=shapes)
    assert (embedded_store.counts(), embedded_store.change_number()) == (before, number)
    turtle.write_text(PRODUCTS + "<urn:mug> a s:Product .\n", encoding="utf-8")
    import_rdf(embedded_store, turtle, mapping="schema-org", home=tmp_path, names=NAMES)
    assert embedded_store.counts()["Product"] == 3


def test_what_is_not_as_a_shop_s_shapes_ask_is_loaded_and_told(
    embedded_store: Store, turtle: Path, tmp_path: Path
) -> None:
    shapes = tmp_path / "mine.ttl"
    shapes.write_text(SHAPES.replace("WHAT", "sh:minCount 1"), encoding="utf-8")
    done = import_rdf(embedded_store, turtle, mapping="schema-org", home=tmp_path, names=NAMES, shapes=shapes)
    assert done.shapes is not None
    (violation,) = done.shapes.violations
    assert (violation.path, violation.count) == ("Product.price", 1)
    assert violation.examples == ("https://shop.example/Product/urn%3Apot",)
    assert "Product.price" in (tmp_path / "reports" / "quality.html").read_text(encoding="utf-8")
    assert not check_store(embedded_store, home=tmp_path, names=NAMES, shapes=shapes).conforms
    assert check_store(embedded_store, home=tmp_path, names=NAMES).conforms


def test_a_store_s_export_is_the_same_after_a_round_trip(embedded_store: Store, tmp_path: Path) -> None:
    fill(embedded_store)
    export_rdf(embedded_store, tmp_path / "one.nt", names=NAMES)
    number = embedded_store.change_number()
    done = import_rdf(embedded_store, tmp_path / "one.nt", mapping="pathrec", home=tmp_path, names=NAMES)
    assert (done.rejected, done.dangling) == (0, {})
    assert done.events == {"written": 0, "existing": 9}
    assert embedded_store.change_number() == number


def test_an_ontology_goes_from_yaml_to_owl_and_back(tmp_path: Path) -> None:
    own = parse_ontology({"behaviours": {"wish": {}}}, where="own")
    for name in ("own.owl", "own.ttl", "own.yaml"):
        write_ontology(own, tmp_path / name, NAMES)
        assert read_ontology(tmp_path / name, NAMES) == own
    with pytest.raises(OntologyError, match=r"own\.ttl: has no owl:Class whose IRI begins with urn:pathrec:shop:"):
        read_ontology(tmp_path / "own.ttl", Names())
    assert read_ontology(tmp_path / "own.owl", NAMES) != default_ontology()


def test_the_command_goes_the_whole_way(embedded_store: Store, turtle: Path, tmp_path: Path) -> None:
    def run(*arguments: object, code: int = 0) -> dict[str, Any]:
        where = ("--store", embedded_store.url, "--home", tmp_path, "--base", NAMES.base)
        done = pathrec("rdf", *arguments, *where, "--json", "-")
        assert done.returncode == code, done.stderr
        return dict(json.loads(done.stdout)) if done.stdout else {}

    assert run("import", turtle, "--mapping", "schema-org")["nodes"] == {"Brand": 1, "Product": 2}
    assert run("export", tmp_path / "out.nt.gz")["triples"] > 10
    assert run("import", tmp_path / "out.nt.gz")["nodes"] == {"Product": 0, "Brand": 0}
    assert run("validate", "--check", "all")["conforms"]
    run("shapes", tmp_path / "shapes.ttl")
    run("ontology", tmp_path / "own.owl")
    run("ontology", tmp_path / "own.yaml", "--ontology", tmp_path / "own.owl")
    assert read_ontology(tmp_path / "own.yaml", NAMES) == default_ontology()
    shapes = tmp_path / "mine.ttl"
    shapes.write_text(SHAPES.replace("WHAT", "sh:minCount 1"), encoding="utf-8")
    assert run("validate", "--shapes", shapes, code=1)["violations"][0]["path"] == "Product.price"
    assert pathrec("rdf", "export").returncode == 2
