"""From a shop's files to clean records: reading, cleaning, quarantine, quality, embeddings, the demo shop."""

from ingestion.account import QualityReport
from ingestion.errors import BalanceError, MappingError, SourceError
from ingestion.mapping import Mapping, load_mapping
from ingestion.quality import write_report
from ingestion.reading import Records, read

__all__ = [
    "BalanceError",
    "Mapping",
    "MappingError",
    "QualityReport",
    "Records",
    "SourceError",
    "load_mapping",
    "read",
    "write_report",
]
