"""Catalogues of others, in the words of schema.org and GoodRelations, and of nobody else."""

from pathlib import Path

import pytest

from ingestion.errors import MappingError, SourceError
from ingestion.rdf import load_rdf_mapping
from schema.ontology import default_ontology
from tests.ingestion.rdf.conftest import NAMES, Reader

PAGE = """
{"@context": "https://schema.org/", "@graph": [
 {"@type": "Product", "@id": "https://shop/p1", "sku": "A1", "description": "Holds tea",
  "name": [{"@language": "de", "@value": "Tasse"}, {"@language": "en", "@value": "Mug"}],
  "brand": {"@type": "Brand", "name": "Acme"}, "category": "Kitchen > Mugs",
  "image": {"@type": "ImageObject", "contentUrl": "https://shop/1.jpg"},
  "offers": {"@type": "Offer", "price": "9.50", "priceCurrency": "EUR", "availability": "https://schema.org/InStock"},
  "additionalProperty": {"@type": "PropertyValue", "name": "colour", "value": "red"},
  "isSimilarTo": {"@id": "https://shop/p2"}, "isAccessoryOrSparePartFor": {"@id": "https://shop/p3"}},
 {"@type": "Product", "@id": "https://shop/p2", "productID": "A2", "name": "Cup", "brand": "Acme",
  "image": "https://shop/2.jpg", "offers": {"@type": "AggregateOffer", "lowPrice": 3, "availability": "OutOfStock"}},
 {"@type": "schema:Product", "@id": "https://shop/p3", "name": "Pot"}
]}
"""
OFFERS = """
@prefix gr: <http://purl.org/goodrelations/v1#> . @prefix foaf: <http://xmlns.com/foaf/0.1/> .
@prefix : <http://shop/> .
:offer a gr:Offering ; gr:includes :cam ;
  gr:hasPriceSpecification [ gr:hasCurrency "EUR" ; gr:hasCurrencyValue 199.99 ] .
:cam a gr:SomeItems ; gr:name "Camera"@en ; gr:hasManufacturer :acme ; gr:category "Photo" ;
  gr:hasMakeAndModel :model ; foaf:depiction :cam.jpg ; gr:isSimilarTo :model .
:model a gr:ProductOrServiceModel ; gr:name "Cam 5000" ; gr:hasEAN_UCC-13 "4001234567890" .
:acme a gr:BusinessEntity ; gr:legalName "Acme Ltd" .
"""


def test_schema_org_in_a_page(reader: Reader) -> None:
    found = reader.read(reader.file("page.jsonld", PAGE), "schema-org")
    mug, cup, pot = found.rows("nodes.Product")
    assert mug == {
        "id": "A1",
        "title": "Mug",
        "description": "Holds tea",
        "price": 9.5,
        "currency": "EUR",
        "image": "https://shop/1.jpg",
        "available": True,
    }
    assert cup == {"id": "A2", "title": "Cup", "price": 3.0, "image": "https://shop/2.jpg", "available": False}
    assert pot == {"id": "https://shop/p3", "title": "Pot"}
    assert found.rows("nodes.Brand") == [{"id": "Acme", "name": "Acme"}]
    assert found.rows("nodes.Category") == [{"id": "Kitchen > Mugs", "name": "Kitchen > Mugs"}]
    assert found.rows("nodes.Feature") == [{"id": "colour: red", "name": "colour", "value": "red"}]
    assert found.rows("relations.MADE_BY") == [{"source": key, "target": "Acme"} for key in ("A1", "A2")]
    assert found.rows("relations.SUBSTITUTES") == [{"source": "A1", "target": "A2"}]
    assert found.rows("relations.COMPLEMENTS") == [{"source": "A1", "target": "https://shop/p3"}]
    assert found.quarantine == []


def test_good_relations_in_a_catalogue(reader: Reader) -> None:
    found = reader.read(reader.file("offers.ttl.gz", OFFERS), "good-relations")
    model, camera = found.rows("nodes.Product")
    assert model == {"id": "4001234567890", "title": "Cam 5000", "price": 199.99, "currency": "EUR"}
    assert camera["id"] == "http://shop/cam"
    assert (camera["title"], camera["price"], camera["image"]) == ("Camera", 199.99, "http://shop/cam.jpg")
    assert found.rows("nodes.Brand") == [{"id": "Acme Ltd", "name": "Acme Ltd"}]
    assert found.rows("relations.SUBSTITUTES") == [{"source": "http://shop/cam", "target": "4001234567890"}]


def test_what_is_not_taken_is_in_quarantine_with_its_line(reader: Reader) -> None:
    text = """@prefix s: <http://schema.org/> .
<urn:a> a s:Product ;
  s:name "A" ; s:name "B" ;
  s:offers [ s:price "cheap" ; s:availability s:Perhaps ] ;
  s:isSimilarTo <urn:x> , "words" .
[] a s:Product ;
  s:name "Nobody" .
<urn:p> a s:Person .
<urn:a> s:weight 3 .
"""
    found = reader.read(reader.file("shop.ttl", text), "schema-org")
    assert found.rows("nodes.Product") == [{"id": "urn:a", "title": "A"}]
    assert sorted(found.reasons) == [
        (4, "bad_float"),
        (4, "unknown_value"),
        (5, "no_such_node"),
        (5, "not_a_node"),
        (6, "no_id"),
    ]
    assert {entry["row"]["subject"] for entry in found.quarantine if entry["line"] < 6} == {"urn:a"}
    source = found.quality.sources[0]
    assert (source.rows_in, source.rows_quarantined) == (12, 5)
    assert source.rows_in == source.rows_kept + source.rows_quarantined
    notes = " ".join(found.quality.notes)
    assert "http://schema.org/weight (1)" in notes
    assert "http://schema.org/Person (1)" in notes
    assert "1 subjects have several values of Product.title" in notes


def test_of_n_triples_a_broken_line_costs_that_line(reader: Reader) -> None:
    lines = ['<urn:a> <http://schema.org/name> "A" .', "<urn:a> nonsense .", "# words", "<urn:a> a <x> ."]
    lines += ["<urn:a> <http://www.w3.org/1999/02/22-rdf-syntax-ns#type> <http://schema.org/Product> ."]
    found = reader.read(reader.file("shop.nt", "\n".join(lines) + "\n"), "schema-org")
    assert found.rows("nodes.Product") == [{"id": "urn:a", "title": "A"}]
    assert found.reasons == [(2, "broken_triple"), (4, "broken_triple")]


def test_broken_turtle_at_line_900_000_names_file_and_line(reader: Reader) -> None:
    start = "@prefix s: <http://schema.org/> .\n<urn:a> a s:Product .\n"
    text = start + "# nothing\n" * (900_000 - 3) + '<urn:b> a s:Product ; s:name "open .\n<urn:c> a s:Product .\n'
    with pytest.raises(
        SourceError, match=r"shop\.ttl:900000: is not Turtle: .*Nothing was loaded; correct line 900000"
    ):
        reader.read(reader.file("shop.ttl", text), "schema-org")
    assert not (reader.folder / "work" / "quarantine" / "shop.jsonl").exists()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.ttl", "<urn:a> <urn:b> [ .", r"a\.ttl:1: is not Turtle"),
        ("a.rdf", "<rdf:RDF><a></b>", r"a\.rdf:1: is not RDF/XML"),
        ("a.jsonld", '{"@id": ', r"a\.jsonld:1: is not JSON-LD"),
        ("a.jsonld", '{"@context": "https://evil.example/c", "@id": "urn:a"}', "contexts are not fetched"),
        ("a.nt", "words\n" * 50, r"a\.nt:21: is not N-Triples"),
        ("a.txt", "", r"a\.txt: the suffix \.txt tells no RDF format"),
        ("a.ttl", "<urn:a> a <urn:B> .", r"nothing in it is what the mapping schema-org takes; it has nodes of urn:B"),
        ("a.ttl", '<urn:a> <urn:b> "\udcff"'.encode("utf-8", "surrogateescape"), r"a\.ttl:1: is not Turtle"),
    ],
)
def test_what_cannot_be_read_says_where_and_what_to_do(
    reader: Reader, name: str, content: str | bytes, message: str
) -> None:
    with pytest.raises(SourceError, match=message):
        reader.read(reader.file(name, content), "schema-org")


def test_a_gzip_file_that_is_cut_off_is_named(reader: Reader) -> None:
    path = reader.file("a.nt.gz", OFFERS)
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(SourceError, match=r"a\.nt\.gz: the gzip file is cut off or damaged"):
        reader.read(path, "schema-org")
    path.write_bytes(b"plain")
    with pytest.raises(SourceError, match=r"a\.nt\.gz: is not gzip although"):
        reader.read(path, "schema-org")
    with pytest.raises(SourceError, match=r"b\.nt: no such file; the folder has a\.nt\.gz"):
        reader.read(reader.folder / "b.nt", "schema-org")


def test_a_mapping_of_ones_own(reader: Reader) -> None:
    mapping = """
format: 1
name: mine
prefixes: {m: "urn:mine:"}
nodes:
  - {type: Product, classes: m:Thing, iri: "urn:thing:", properties: {title: m:called, price: m:at/m:price}}
  - {type: User, classes: m:Person, iri: "urn:person:", properties: {}}
events:
  classes: m:Sale
  id: m:number
  product: m:of
  user: m:by
  behaviour: {path: m:how, values: {m:Sold: purchase, looked: view}}
  time: m:at
  value: m:amount
"""
    data = """@prefix m: <urn:mine:> .
<urn:thing:tea%20pot> a m:Thing ; m:called "Tea pot" ; m:at [ m:price 4 ] .
<urn:person:ann> a m:Person .
m:s1 a m:Sale ; m:number 1 ; m:of <urn:thing:tea%20pot> ; m:by <urn:person:ann> ; m:how m:Sold ;
  m:at "2026-01-02T03:04:05+01:00" ; m:amount 2 .
m:s2 a m:Sale ; m:number 2 ; m:of <urn:thing:tea%20pot> ; m:by <urn:person:ann> ; m:how "stolen" ; m:at "2026-01-02" .
m:s3 a m:Sale ; m:number 3 ; m:of <urn:thing:tea%20pot> ; m:how "looked" ; m:at "2026-01-02" .
m:s4 a m:Sale ; m:number 4 ; m:of <urn:thing:tea%20pot> ; m:by <urn:person:bob> ; m:how "looked" ; m:at "2027-01-02" .
"""
    found = reader.read(reader.file("mine.ttl", data), reader.file("mine.yaml", mapping))
    assert found.rows("nodes.Product") == [{"id": "tea pot", "title": "Tea pot", "price": 4.0}]
    (event,) = found.rows("events")
    assert event.pop("time").isoformat() == "2026-01-02T02:04:05+00:00"
    assert event == {"id": "1", "user": "ann", "product": "tea pot", "behaviour": "purchase", "value": 2.0}
    reasons = sorted(reason for _, reason in found.reasons)
    assert reasons == ["future", "missing_value", "nobody", "unknown_value"]


def test_all_mistakes_of_a_mapping_are_told_at_once_with_their_lines(reader: Reader) -> None:
    mapping = """
format: 1
name: mine
prefixes: {m: "urn:mine:"}
nodes:
  - {type: Produkt, classes: m:Thing}
  - {type: Brand, classes: x:Thing, properties: {nam: m:called}}
  - {type: Category}
relations:
  - {name: HAS_FEATURE, path: "m:a/"}
  - {name: MADE_OFF, path: m:a}
"""
    path = reader.file("mine.yaml", mapping)
    with pytest.raises(MappingError) as error:
        load_rdf_mapping(path, ontology=default_ontology(), names=NAMES)
    text = str(error.value)
    for told in (
        "mine.yaml:6: nodes[0].type: no node type Produkt; there is",
        "mine.yaml:7: nodes[1].classes[0]: no prefix of x:Thing; there is m, pathrec, rdf.",
        "nodes[1].properties.nam: Brand has no property nam",
        "nodes[2]: no subject can be such a node; give classes or objects_of",
        "relations[0].path[0]: m:a/ is no path; write it as",
        "relations[0].name: HAS_FEATURE joins Product and Feature, but no rule under nodes makes a Product",
        "relations[1].name: no relation MADE_OFF",
    ):
        assert told in text


@pytest.mark.parametrize("name", ["schema-org", "good-relations", "pathrec"])
def test_the_mappings_that_ship_fit_the_default_ontology(name: str) -> None:
    assert load_rdf_mapping(name, ontology=default_ontology(), names=NAMES).nodes


def test_a_mapping_that_is_not_there_says_which_are(tmp_path: Path) -> None:
    with pytest.raises(MappingError, match="a name: pathrec, schema-org, good-relations"):
        load_rdf_mapping(tmp_path / "none.yaml", ontology=default_ontology(), names=NAMES)
