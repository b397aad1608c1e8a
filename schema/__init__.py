"""The vocabulary that all rooms share: ontology, Arrow schemas, the snapshot's form, errors.

It imports none of the other rooms, no torch and no database driver.
"""

from schema.errors import OntologyError, PathrecError, RecordError, SnapshotError
from schema.ontology import Ontology, Term, default_ontology, load_ontology
from schema.snapshot import Snapshot, SnapshotManifest, open_snapshot

__all__ = [
    "Ontology",
    "OntologyError",
    "PathrecError",
    "RecordError",
    "Snapshot",
    "SnapshotError",
    "SnapshotManifest",
    "Term",
    "default_ontology",
    "load_ontology",
    "open_snapshot",
]
