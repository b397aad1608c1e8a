"""Public evaluation formats as benchmarks: one module a format, one question form for all (`gnn.tasks`)."""

from gnn.datasets.errors import DatasetError
from gnn.datasets.registry import FORMATS, SNAPSHOT, detect_format, read_benchmark, read_question

__all__ = ["FORMATS", "SNAPSHOT", "DatasetError", "detect_format", "read_benchmark", "read_question"]
