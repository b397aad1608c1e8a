"""Public evaluation formats as benchmarks: one module a format, one question form for all (`gnn.tasks`)."""

from gnn.datasets.errors import DatasetError
from gnn.datasets.registry import FORMATS, detect_format, read_benchmark

__all__ = ["FORMATS", "DatasetError", "detect_format", "read_benchmark"]
