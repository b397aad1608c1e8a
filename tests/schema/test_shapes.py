import pyshacl
import pytest
from rdflib import RDF, Graph, URIRef

from schema.iris import Names
from schema.ontology import default_ontology
from schema.shapes import ShapesError, check_shapes, shapes_graph

NAMES = Names("https://shop.example/")
ONTOLOGY = default_ontology()
PREFIXES = """
@prefix shop: <https://shop.example/ontology#> . @prefix sh: <http://www.w3.org/ns/shacl#> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> . @prefix p: <urn:pathrec:vocabulary#> . @prefix : <urn:mine:> .
"""
SOUND = """
shop:a a shop:Category ; p:id "a" ; shop:CHILD_OF shop:b .
shop:b a shop:Category ; p:id "b" .
shop:p a shop:Product ; p:id "p" ; shop:IN_CATEGORY shop:a, shop:b ; shop:Product.title "Tea" .
"""


def turtle(text: str) -> Graph:
    return Graph().parse(data=PREFIXES + text, format="turtle")


def violations(data: str) -> list[tuple[str, str]]:
    """Path (or shape) and constraint of each violation of the ontology's own shapes."""
    sh = "http://www.w3.org/ns/shacl#"
    _, found, _ = pyshacl.validate(turtle(data), shacl_graph=shapes_graph(ONTOLOGY, NAMES), inference="none")
    assert isinstance(found, Graph)
    results = []
    for result in found.subjects(RDF.type, URIRef(f"{sh}ValidationResult")):
        of = found.value(result, URIRef(f"{sh}resultPath")) or found.value(result, URIRef(f"{sh}sourceShape"))
        kind = str(found.value(result, URIRef(f"{sh}sourceConstraintComponent")))
        results.append((str(of).rpartition("#")[2], kind.rpartition("#")[2].removesuffix("ConstraintComponent")))
    return sorted(results)


def test_a_sound_graph_is_as_the_shapes_ask() -> None:
    assert violations(SOUND) == []


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ("shop:p shop:Product.price 3 .", [("Product.price", "Datatype")]),
        ('shop:p shop:Product.title "Coffee" .', [("Product.title", "MaxCount")]),
        ("shop:q a shop:Product .", [("id", "MinCount")]),
        ("shop:p shop:MADE_BY shop:a .", [("MADE_BY", "Class")]),
        ("shop:b shop:CHILD_OF shop:b .", [("Category.CHILD_OF.tree", "Or")]),
        ('shop:a shop:CHILD_OF shop:c . shop:c a shop:Category ; p:id "c" .', [("CHILD_OF", "MaxCount")]),
        (
            'shop:e a shop:Event ; p:id "e" ; shop:Event.product shop:p ; shop:Event.behaviour shop:behaviour.steal .',
            [("Event.behaviour", "In"), ("Event.time", "MinCount")],
        ),
    ],
)
def test_what_the_ontology_does_not_allow_is_a_violation(more: str, expected: list[tuple[str, str]]) -> None:
    assert violations(SOUND + more) == expected


def test_the_ontology_s_own_shapes_do_not_contradict_it() -> None:
    check_shapes(shapes_graph(ONTOLOGY, NAMES), ONTOLOGY, NAMES, where="own")


def test_shapes_that_contradict_the_ontology_are_told_all_at_once() -> None:
    shapes = turtle(
        """
        :Title a sh:NodeShape ; sh:targetClass shop:Product ;
          sh:property [ sh:path shop:Product.title ; sh:datatype xsd:integer ; sh:minCount 2 ] ;
          sh:property [ sh:path shop:Product.colour ] ;
          sh:property [ sh:path shop:MADE_BY ; sh:class shop:Category ; sh:nodeKind sh:Literal ] ;
          sh:property [ sh:path shop:Category.name ; sh:minCount 1 ] ;
          sh:property [ sh:path (shop:IN_CATEGORY shop:Category.nam) ] ;
          sh:property [ sh:path shop:Product.title ; sh:minInclusive 3 ] .
        :Gone a sh:NodeShape ; sh:targetClass shop:Prodct .
        """
    )
    with pytest.raises(ShapesError) as error:
        check_shapes(shapes, ONTOLOGY, NAMES, where="mine.ttl")
    text = str(error.value)
    for told in (
        "mine.ttl: shape urn:mine:Title, path https://shop.example/ontology#Product.title: asks for xsd:integer, but "
        "the ontology says xsd:string; change the one or the other",
        "Product.title: asks for at least 2 values, but there can be only 1",
        "Product.colour: not in the ontology; there is",
        "MADE_BY: asks for nodes of shop:Category, but it leads to shop:Brand",
        "MADE_BY: asks for sh:Literal, but it leads to nodes",
        "Category.name: shop:Product does not have it; shop:Category does",
        "Category.nam: not in the ontology; there is",
        "Did you mean shop:Category.name?",
        "Product.title: compares with",
        "mine.ttl: shape urn:mine:Gone: no class https://shop.example/ontology#Prodct in the ontology",
        "Did you mean shop:Product?",
    ):
        assert told in text


def test_shapes_about_nothing_are_refused() -> None:
    with pytest.raises(ShapesError, match="nothing would be checked"):
        check_shapes(turtle(":Empty a sh:NodeShape ."), ONTOLOGY, NAMES, where="mine.ttl")


def test_sound_shapes_of_a_shop_are_taken() -> None:
    shapes = turtle(
        """
        :Product a sh:NodeShape ; sh:targetClass shop:Product ;
          sh:property [ sh:path shop:Product.price ; sh:minExclusive 0.0 ; sh:minCount 1 ] ;
          sh:property [ sh:path p:id ; sh:pattern "^[a-z]" ] .
        """
    )
    check_shapes(shapes, ONTOLOGY, NAMES, where="mine.ttl")
