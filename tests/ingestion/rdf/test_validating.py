from pathlib import Path

import pytest
from rdflib import Graph
from small_shop import SmallShop

from graph.rdf import SnapshotTables
from ingestion.account import ShapeQuality
from ingestion.rdf.graphs import read_graph
from ingestion.rdf.neighbourhoods import Neighbourhoods
from ingestion.rdf.validating import validate
from schema.ontology import default_ontology
from schema.shapes import shapes_graph
from tests.ingestion.rdf.conftest import NAMES, Reader

OWN = """
@prefix shop: <https://shop.example/ontology#> . @prefix sh: <http://www.w3.org/ns/shacl#> . @prefix : <urn:mine:> .
:Titled a sh:NodeShape ; sh:targetClass shop:Product ;
  sh:property [ sh:path shop:Product.title ; sh:minCount 1 ; sh:severity sh:Warning ; sh:message "has no title" ] .
:Far a sh:NodeShape ; sh:targetClass shop:Product ;
  sh:property :FarName .
:FarName sh:path ( shop:MADE_BY shop:Brand.name ) ; sh:minCount 1 ; sh:message "no brand with a name" .
"""
SHOP = SmallShop(
    products=5,
    users=1,
    events=[(0, 0, "purchase", 0.5, None), (0, 1, "view", 0.7, None)],
    edges={"MADE_BY": [(0, 0, 1.0), (1, 0, 2.0)], "CHILD_OF": [(0, 1, 1.0), (1, 1, 1.0), (0, 2, 1.0)]},
    nodes={"Brand": ["acme"], "Category": ["a", "b", "c"]},
    titles=["Tea", "Pot", "Mug", None, None],
)


@pytest.fixture
def checked(
    reader: Reader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> ShapeQuality:
    """The shop held against the ontology's shapes and a shop's own; in pieces of some size."""
    piece, every = request.param
    monkeypatch.setattr("ingestion.rdf.neighbourhoods.MOST", piece)
    monkeypatch.setattr("ingestion.rdf.validating.MOST", piece)
    monkeypatch.setattr("ingestion.rdf.validating.SOME", 2)
    monkeypatch.setattr("ingestion.rdf.rows.PARTS", 3)
    tables = SnapshotTables(SHOP.write(tmp_path / "snapshot"))
    shapes: Graph = shapes_graph(default_ontology(), NAMES) + read_graph(reader.file("own.ttl", OWN), NAMES)
    few = 3 if piece < 100 else 100
    return validate(Neighbourhoods(tables, default_ontology(), NAMES, tmp_path / "room", few), shapes, every=every)


def found(checked: ShapeQuality) -> set[tuple[str, str, str, int]]:
    return {(one.path, one.constraint, one.severity, one.count) for one in checked.violations}


NEAR = {
    ("Category.CHILD_OF.tree", "Or", "Violation", 1),
    ("CHILD_OF", "MaxCount", "Violation", 1),
    ("Product.title", "MinCount", "Warning", 2),
}


@pytest.mark.parametrize("checked", [(2, True)], indirect=True)
def test_a_graph_in_pieces_is_as_the_shapes_ask_or_not(checked: ShapeQuality) -> None:
    assert (checked.checked, checked.of) == (12, 12)
    assert found(checked) == NEAR
    title = next(one for one in checked.violations if one.path == "Product.title")
    assert title.message == "has no title"
    assert title.examples[0].startswith("https://shop.example/Product/p")
    assert checked.left_out == (
        "shape urn:mine:FarName follows a path of several steps: not checked, as the graph is looked at in pieces",
    )


@pytest.mark.parametrize("checked", [(100, False)], indirect=True)
def test_a_small_graph_is_held_against_far_reaching_shapes_too(checked: ShapeQuality) -> None:
    assert found(checked) >= NEAR
    assert any(one.message == "no brand with a name" and one.count == 5 for one in checked.violations)
    assert checked.left_out == ()


@pytest.mark.parametrize("checked", [(2, False)], indirect=True)
def test_of_a_large_graph_some_are_looked_at_unless_all_are_asked_for(checked: ShapeQuality) -> None:
    assert 2 <= checked.checked < checked.of
