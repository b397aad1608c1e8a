import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rdflib import OWL, RDF, RDFS, XSD, Graph, URIRef

from schema.errors import OntologyError
from schema.iris import Names, RdfError, decoded
from schema.ontology import Ontology, default_ontology, parse_ontology
from schema.rdf import META_NS, ontology_graph, ontology_of

NAMES = Names("https://shop.example/")
NAME = st.from_regex(r"[A-Z][A-Za-z0-9_]{2,8}", fullmatch=True)
OWN = {
    "nodes": {
        "Material": {
            "properties": {"name": {"type": "string", "search": True}, "density": "float", "since": "datetime"},
            "features": {"scent": {}, "text": {"from": ["name"]}},
        },
        "User": {"properties": {"age": "integer", "town": {"type": "string", "context": True}}},
    },
    "relations": {
        "PART_OF": {"from": "Material", "to": "Material", "tree": True, "says": 'is "part" of\n'},
        "MADE_OF": {"from": "Product", "to": "Material", "model": False},
    },
    "behaviours": {"wish": {}},
    "meetings": {"SAME_VISIT": {"by": "session", "behaviours": ["view", "cart"]}},
}


def as_text(ontology: Ontology, form: str = "turtle") -> str:
    return ontology_graph(ontology, NAMES).serialize(format=form)


def back(text: str, form: str = "turtle") -> Ontology:
    return ontology_of(Graph().parse(data=text, format=form), NAMES, where="own.ttl")


@pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated:DeprecationWarning")
@pytest.mark.parametrize("form", ["turtle", "nt", "xml", "json-ld"])
def test_an_ontology_comes_back_from_owl_without_loss(form: str) -> None:
    own = parse_ontology(OWN, where="own.yaml")
    found = back(as_text(own, form), form)
    assert found == own
    assert found.hash == own.hash
    assert [term.name for term in found.terms] == [term.name for term in own.terms]


@settings(max_examples=15, deadline=None)
@given(
    relations=st.dictionaries(
        NAME,
        st.fixed_dictionaries({"tree": st.just(value=False), "model": st.booleans(), "says": st.text()}),
        max_size=3,
    ),
    properties=st.dictionaries(
        NAME, st.sampled_from(["string", "integer", "float", "boolean", "datetime"]), max_size=3
    ),
)
def test_any_ontology_comes_back_from_owl_without_loss(relations, properties):
    document = {
        "nodes": {"Material": {"properties": properties}},
        "relations": {f"X{name}": {"from": "Product", "to": "Material"} | rest for name, rest in relations.items()},
    }
    own = parse_ontology(document, where="own.yaml")
    assert back(as_text(own, "nt"), "nt") == own


def test_other_tools_read_classes_domains_and_ranges() -> None:
    graph = Graph().parse(data=as_text(default_ontology()), format="turtle")
    product, made_by = URIRef("https://shop.example/ontology#Product"), URIRef(NAMES.term("MADE_BY"))
    assert (product, RDF.type, OWL.Class) in graph
    assert (URIRef(NAMES.property("Product", "price")), RDFS.range, XSD.double) in graph
    assert graph.value(made_by, RDFS.domain) == product
    assert str(graph.value(made_by, RDFS.label)) == "is of the same brand as"
    assert (URIRef(NAMES.term("CHILD_OF")), RDF.type, OWL.FunctionalProperty) in graph


def test_what_somebody_adds_in_an_ontology_editor_is_taken() -> None:
    graph = ontology_graph(default_ontology(), NAMES)
    graph.parse(
        data="""
        @prefix shop: <https://shop.example/ontology#> . @prefix owl: <http://www.w3.org/2002/07/owl#> .
        @prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> . @prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
        shop:Material a owl:Class .
        shop:density a owl:DatatypeProperty ; rdfs:domain shop:Material ; rdfs:range xsd:decimal .
        shop:MADE_OF a owl:ObjectProperty ; rdfs:domain shop:Product ; rdfs:range shop:Material .
        """,
        format="turtle",
    )
    found = ontology_of(graph, NAMES, where="own.ttl")
    assert found.nodes["Material"].properties["density"].type == "float"
    assert found.relations["MADE_OF"].model
    assert list(found.relations)[-1] == "MADE_OF"


def test_owl_that_makes_no_ontology_says_where_and_why() -> None:
    with pytest.raises(OntologyError, match=r"own\.ttl: has no owl:Class whose IRI begins with https://shop\.example/"):
        back("")
    graph = ontology_graph(default_ontology(), NAMES)
    title = URIRef(NAMES.property("Product", "title"))
    graph.set((title, RDFS.range, XSD.gYear))
    graph.set((URIRef(NAMES.property("Brand", "name")), RDFS.domain, META_NS.Nothing))
    with pytest.raises(OntologyError) as error:
        ontology_of(graph, NAMES, where="own.ttl")
    assert "Product.title: its rdfs:range is http://www.w3.org/2001/XMLSchema#gYear; properties can be" in str(
        error.value
    )
    assert "Brand.name: its rdfs:domain is urn:pathrec:vocabulary#Nothing" in str(error.value)
    graph = ontology_graph(default_ontology(), NAMES)
    graph.set((URIRef(NAMES.term("MADE_BY")), RDFS.range, URIRef(NAMES.term("Brnd"))))
    with pytest.raises(OntologyError, match=r"relations\.MADE_BY\.to: no node type Brnd.*Did you mean Brand"):
        ontology_of(graph, NAMES, where="own.ttl")


@given(st.text())
def test_every_text_can_be_an_id(key: str) -> None:
    iri = NAMES.node("Product", key)
    assert iri.isascii()
    assert decoded(iri.removeprefix(NAMES.nodes("Product"))) == key
    assert iri.count("/") == 4


@pytest.mark.parametrize("base", ["shop", "https://shop.example", "https://a b/", "https://a/#", "", "urn:x:<y>:"])
def test_what_is_no_base_is_refused(base: str) -> None:
    with pytest.raises(RdfError, match="is no base of IRIs; write it as"):
        Names(base)
