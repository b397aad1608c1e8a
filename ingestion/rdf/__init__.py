"""From RDF of any vocabulary to records: a mapping, triples gathered by subject on disk, quarantine, SHACL."""

from ingestion.rdf.reading import Staged, read_rdf
from ingestion.rdf.rules import RdfMapping, load_rdf_mapping

__all__ = ["RdfMapping", "Staged", "load_rdf_mapping", "read_rdf"]
