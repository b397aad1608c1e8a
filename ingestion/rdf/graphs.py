"""Small files of RDF as rdflib graphs: ontologies and shapes."""

from collections.abc import Callable
from pathlib import Path

import pyoxigraph as ox
from rdflib import Graph, Literal, URIRef
from rdflib.term import BNode, Node

from ingestion.errors import SourceError
from ingestion.rdf.parsing import opened_rdf
from schema.iris import META, Names
from schema.ontology import Ontology
from schema.rdf import ontology_of


def read_graph(path: Path, names: Names, *, only: Callable[[ox.Triple], bool] = lambda _: True) -> Graph:
    """A file as a graph in memory.

    Args:
        path: the file.
        names: IRIs of the shop, for relative ones.
        only: which triples are kept.

    Raises:
        SourceError: it is missing or broken; the message names the line.
    """
    graph = Graph()
    with opened_rdf(path, names.base) as file:
        try:
            for quad in file.parser:
                if only(quad.triple):
                    graph.add(plain(quad.triple))
        except SyntaxError as error:
            raise SourceError(f"{path}:{error.lineno}: {error.msg}; correct it and run it again") from error
    return graph


def read_owl(path: Path, names: Names) -> Ontology:
    """The ontology in a file, which may hold a whole graph besides.

    Raises:
        SourceError: the file is missing or broken.
        OntologyError: there is none under the base, or it has mistakes.
    """

    def is_term(triple: ox.Triple) -> bool:
        subject = triple.subject
        if isinstance(subject, ox.NamedNode):
            return subject.value == names.ontology or subject.value.startswith((names.terms, META))
        # Blank nodes are the lists of what features are made from and what meetings are of.
        return not isinstance(triple.object, ox.Literal)

    return ontology_of(read_graph(path, names, only=is_term), names, where=str(path))


def plain(triple: ox.Triple) -> tuple[Node, Node, Node]:
    """A triple in rdflib's terms; a literal stays as it is written, whatever its datatype."""
    return term(triple.subject), URIRef(triple.predicate.value), term(triple.object)


def term(value: object) -> Node:
    """A term in rdflib's form.

    Raises:
        SourceError: it is a triple, which RDF 1.2 allows.
    """
    if isinstance(value, ox.NamedNode):
        return URIRef(value.value)
    if isinstance(value, ox.BlankNode):
        return BNode(value.value)
    if isinstance(value, ox.Literal):
        datatype = None if value.language else URIRef(value.datatype.value)
        return Literal(value.value, lang=value.language, datatype=datatype, normalize=False)
    raise SourceError("a triple is in the place of a term, as RDF 1.2 has it; write the file as RDF 1.1")
