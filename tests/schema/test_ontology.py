import pytest
from hypothesis import given
from hypothesis import strategies as st

from schema.errors import OntologyError
from schema.ontology import Ontology, default_ontology, load_ontology, parse_ontology, with_relation


def test_the_default_knows_what_a_shop_is_made_of():
    ontology = default_ontology()
    assert set(ontology.nodes) == {"User", "Product", "Category", "Brand", "Feature"}
    assert ontology.relations["CHILD_OF"].tree
    assert ontology.target_behaviour == "purchase"
    assert ontology.nodes["Product"].searchable == ("title", "description")


def test_every_relation_that_starts_at_a_product_is_a_term_of_the_model():
    terms = {term.name: term.kind for term in default_ontology().terms}
    assert terms["CO_BUYER"] == terms["SAME_BASKET"] == "meeting"
    assert terms["IN_CATEGORY"] == terms["MADE_BY"] == terms["HAS_FEATURE"] == "shared"
    assert terms["COMPLEMENTS"] == "forward"
    assert terms["COMPLEMENTS_REVERSE"] == "reverse"
    assert terms["COMPLEMENTS_SHARED"] == "shared"
    assert terms["COMPLEMENTS_COMMON"] == "common"
    assert terms["NEXT_PRODUCT"] == "next"
    assert "IN_CATEGORY_COMMON" not in terms
    assert "CHILD_OF" not in terms
    assert "KNOWS" not in terms


def test_a_term_knows_whether_a_product_is_in_its_middle():
    between = {term.name for term in default_ontology().terms if term.through_products}
    relations = ("BOUGHT_TOGETHER", "COMPLEMENTS", "SUBSTITUTES")
    assert between == {f"{name}_{kind}" for name in relations for kind in ("SHARED", "COMMON")}


def test_a_shop_adds_types_relations_and_behaviours(tmp_path):
    file = tmp_path / "own.yaml"
    file.write_text(
        """
nodes:
  Material: {properties: {name: string}}
  Product: {properties: {weight_kg: float}}
relations:
  MADE_OF: {from: Product, to: Material, says: is made of}
  SEEN_WITH: {from: Product, to: Product, model: false}
behaviours:
  wish: {}
"""
    )
    ontology = load_ontology(file)
    assert ontology.nodes["Product"].properties["weight_kg"].type == "float"
    assert ontology.nodes["Product"].properties["title"].search
    names = [term.name for term in ontology.terms]
    assert "MADE_OF" in names
    assert "SEEN_WITH" not in names
    assert list(ontology.behaviours)[-1] == "wish"
    assert ontology.hash != default_ontology().hash


def test_all_mistakes_are_reported_at_once_with_line_and_place(tmp_path):
    file = tmp_path / "own.yaml"
    file.write_text(
        """nodes:
  Material: {properties: {name: strin}}
relations:
  MADE_OF: {from: Produkt, to: Material}
meetings:
  SAME_VISIT: {by: session, behaviours: [purchse]}
colours: {}
"""
    )
    with pytest.raises(OntologyError) as caught:
        load_ontology(file)
    message = str(caught.value)
    assert "own.yaml:2: nodes.Material.properties.name.type" in message
    assert "own.yaml:4: relations.MADE_OF.from: no node type Produkt" in message
    assert "Did you mean Product?" in message
    assert "own.yaml:6: meetings.SAME_VISIT.behaviours: no behaviour purchse" in message
    assert "own.yaml:7: colours: unknown section" in message


@pytest.mark.parametrize(
    ("own", "place"),
    [
        ({"behaviours": {"wish": {"target": True}}}, "behaviours: exactly one behaviour is the target"),
        ({"nodes": {"Event": {}}}, "nodes.Event: this name is reserved"),
        ({"nodes": {"a b": {}}}, "nodes.a b: a name is letters"),
        ({"nodes": {"X`) DELETE": {}}}, "a name is letters"),
        ({"nodes": {"Product": {"properties": {"id": "string"}}}}, "id is always there"),
        (
            {"nodes": {"Product": {"properties": {"colour": {"type": "string", "context": True}}}}},
            "nodes.Product.properties.colour.context: only a string property of User",
        ),
        (
            {"nodes": {"User": {"properties": {"age": {"type": "integer", "context": True}}}}},
            "nodes.User.properties.age.context: only a string property of User",
        ),
        ({"nodes": {"Product": {"features": {"sound": {"from": ["noise"]}}}}}, "Product has no property noise"),
        ({"relations": {"UNDER": {"from": "Product", "to": "Category", "tree": True}}}, "relations.UNDER.tree"),
        ({"relations": {"ON": {"from": "Product", "to": "Brand"}}}, "relations.ON: this name is reserved"),
        ({"relations": {"NEXT_PRODUCT": {"from": "Product", "to": "Brand"}}}, "relations.NEXT_PRODUCT: this name is"),
        ({"relations": {"CO_BUYER": {"from": "Product", "to": "Brand"}}}, "meetings.CO_BUYER"),
        (
            {"relations": {"COMPLEMENTS_SHARED": {"from": "Product", "to": "Brand"}}},
            "relations.COMPLEMENTS_SHARED: the model has a term of this name",
        ),
        (
            {"meetings": {"COMPLEMENTS_REVERSE": {"by": "user", "behaviours": ["view"]}}},
            "meetings.COMPLEMENTS_REVERSE: the model has a term of this name",
        ),
        ({"relations": {"X": {"from": "Product"}}}, "relations.X.to: Field required"),
        ({"relations": []}, "relations: must be a mapping"),
        ([], "must be a mapping"),
    ],
)
def test_a_mistake_is_named(own, place):
    with pytest.raises(OntologyError) as caught:
        parse_ontology(own, where="own.yaml")
    assert place in str(caught.value)


def test_a_file_that_is_no_yaml_or_not_there_says_so(tmp_path):
    with pytest.raises(OntologyError, match="cannot be read"):
        load_ontology(tmp_path / "none.yaml")
    (tmp_path / "bad.yaml").write_text("nodes: [")
    with pytest.raises(OntologyError, match="is not YAML"):
        load_ontology(tmp_path / "bad.yaml")


@given(st.text(alphabet="ABCxyz_09", min_size=1, max_size=20).filter(lambda s: s[0].isalpha()))
def test_the_written_form_reads_back_to_the_same_vocabulary(name):
    ontology = parse_ontology({"nodes": {f"Z{name}": {"properties": {"size": "integer"}}}}, where="own")
    again = Ontology.model_validate(ontology.as_dict())
    assert again == ontology
    assert again.hash == ontology.hash


def test_a_relation_can_be_added_to_an_ontology_that_is_in_use():
    before = default_ontology()
    terms, known = before.terms, before.hash
    grown = with_relation(before, "FITS_WITH", "fits under")
    assert [term.name for term in grown.terms if term not in terms] == [
        "FITS_WITH",
        "FITS_WITH_REVERSE",
        "FITS_WITH_SHARED",
        "FITS_WITH_COMMON",
    ]
    assert grown.hash != known
    assert Ontology.model_validate(grown.as_dict()) == grown
    assert "FITS_WITH" not in before.relations
    with pytest.raises(OntologyError, match="reserved"):
        with_relation(before, "MOVED_FROM", "was in")
