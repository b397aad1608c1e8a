"""How the answer of a query can be written; `api.answers` writes them."""

from typing import Literal

Form = Literal["table", "json", "csv", "graph", "dot"]
"""A table for people, JSON, CSV, a drawing as SVG, or one for Graphviz."""
