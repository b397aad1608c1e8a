import gzip
from dataclasses import replace
from pathlib import Path

import pyoxigraph as ox
import pytest
from rdflib import RDF, Graph, Literal, URIRef
from rdflib.compare import isomorphic
from small_shop import SmallShop

from graph.rdf import Format, format_of, write_rdf
from schema.iris import META, Names, RdfError
from schema.rdf import ontology_of
from schema.snapshot import Snapshot

NAMES = Names("https://shop.example/")
SHOP = SmallShop(
    products=2,
    users=1,
    events=[(0, 1, "purchase", 0.5, "b1"), (None, 0, "view", 0.25, None)],
    edges={"COMPLEMENTS": [(0, 1, 1.0), (1, 0, 0.1)], "MADE_BY": [(0, 0, 1.0)]},
    nodes={"Brand": ["Müller & Söhne"]},
    titles=['Tea "pot"\r\n<b>&', None],
)


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    return SHOP.write(tmp_path_factory.mktemp("rdf") / "snapshot")


@pytest.fixture
def graph(snapshot: Snapshot, tmp_path: Path) -> Graph:
    """What rdflib reads from the Turtle."""
    write_rdf(snapshot, tmp_path / "shop.ttl", names=NAMES)
    return Graph().parse(tmp_path / "shop.ttl")


def product(number: int) -> URIRef:
    return URIRef(f"https://shop.example/Product/p{number}")


def term(name: str) -> URIRef:
    return URIRef(NAMES.terms + name)


def meta(name: str) -> URIRef:
    return URIRef(META + name)


def test_a_node_has_its_type_id_and_properties(graph: Graph) -> None:
    assert graph.value(product(0), RDF.type) == term("Product")
    assert graph.value(product(0), meta("id")) == Literal("p0")
    assert str(graph.value(product(0), term("Product.title"))) == 'Tea "pot"\r\n<b>&'
    assert graph.value(product(1), term("Product.title")) is None
    assert (product(0), term("MADE_BY"), URIRef("https://shop.example/Brand/M%C3%BCller%20%26%20S%C3%B6hne")) in graph


def test_a_link_is_a_plain_triple_and_its_weight_is_said_of_it(graph: Graph) -> None:
    assert (product(0), term("COMPLEMENTS"), product(1)) in graph
    assert (product(1), term("COMPLEMENTS"), product(0)) in graph
    statements = list(graph.subjects(RDF.type, RDF.Statement))
    assert statements == [URIRef("https://shop.example/link/COMPLEMENTS/p1/p0")]
    assert graph.value(statements[0], RDF.subject) == product(1)
    assert str(graph.value(statements[0], meta("weight"))) == "0.1"


def test_events_have_all_that_is_known_of_them(graph: Graph) -> None:
    bought = URIRef("https://shop.example/Event/e1")
    said = {str(name).removeprefix(NAMES.terms): str(value) for name, value in graph.predicate_objects(bought)}
    assert said["Event.time"] == "2026-01-01T12:00:00+00:00"
    assert said["Event.behaviour"] == NAMES.behaviour("purchase")
    assert said["Event.user"] == "https://shop.example/User/u0"
    assert said["Event.basket"] == "b1"
    assert "Event.session" not in said
    assert graph.value(URIRef("https://shop.example/Event/e0"), term("Event.user")) is None


def test_the_ontology_is_in_the_same_file(graph: Graph, snapshot: Snapshot) -> None:
    assert ontology_of(graph, NAMES, where="shop.ttl") == snapshot.ontology


@pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated:DeprecationWarning")
@pytest.mark.parametrize("name", ["shop.nt", "shop.jsonld", "shop.rdf", "shop.ttl.gz"])
def test_every_format_says_the_same(snapshot: Snapshot, graph: Graph, tmp_path: Path, name: str) -> None:
    written = write_rdf(snapshot, tmp_path / name, names=NAMES)
    content = (tmp_path / name).read_bytes()
    file = tmp_path / f"plain{Path(name.removesuffix('.gz')).suffix}"
    file.write_bytes(gzip.decompress(content) if name.endswith(".gz") else content)
    other = Graph().parse(file)
    assert len(other) == written.triples
    assert isomorphic(graph, other)


def test_the_same_graph_gives_the_same_bytes(snapshot: Snapshot, tmp_path: Path) -> None:
    for name in ("a.jsonld.gz", "b.jsonld.gz"):
        write_rdf(snapshot, tmp_path / name, names=NAMES)
    first, second = ((tmp_path / name).read_bytes() for name in ("a.jsonld.gz", "b.jsonld.gz"))
    assert first == second


def test_what_xml_cannot_hold_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    snapshot = replace(SHOP, titles=["bell \x07", None]).write(tmp_path / "snapshot")
    with pytest.raises(RdfError, match=r"Product/p0.*Product\.title.*U\+0007, which XML cannot hold; write Turtle"):
        write_rdf(snapshot, tmp_path / "shop.rdf", names=NAMES)
    assert not (tmp_path / "shop.rdf").exists()
    write_rdf(snapshot, tmp_path / "shop.nt", names=NAMES)
    values = {quad.object.value for quad in ox.parse(path=tmp_path / "shop.nt") if isinstance(quad.object, ox.Literal)}
    assert "bell \x07" in values


def test_a_name_that_tells_no_format_is_refused(snapshot: Snapshot, tmp_path: Path) -> None:
    forms: dict[str, Format] = {"a.ttl": "turtle", "a.NT.GZ": "ntriples", "a.owl": "rdfxml", "a.json": "jsonld"}
    assert {name: format_of(Path(name)) for name in forms} == forms
    with pytest.raises(RdfError, match=r"shop\.txt: the suffix tells no RDF format; let it end in \.ttl"):
        write_rdf(snapshot, tmp_path / "shop.txt")
