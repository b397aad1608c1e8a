"""Fixtures of the command line: models that are tiny."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from gnn.artifact import Artifact, describe, save_artifact
from gnn.scoring import Scorer
from schema import default_ontology

MakeArtifact = Callable[..., Path]


@pytest.fixture
def make_artifact(tmp_path: Path) -> MakeArtifact:
    """Writes a model that knows two products and nothing else, and says where."""

    def make(version: str, name: str | None = None) -> Path:
        folder = tmp_path / "artifacts" / (name or version)
        save_artifact(_tiny(version), folder)
        return folder

    return make


def _tiny(version: str) -> Artifact:
    scorer = Scorer(
        model_version=version,
        ontology=default_ontology(),
        product_ids=("lamp", "vase"),
        behaviours=("view", "purchase"),
        terms=(),
        low_pass=None,
        latent=None,
        prior=np.array([1.0, 2.0]),
        trend=np.array([1.0, 1.0]),
        alive=np.array([True, True]),
        people={},
        default_weight=1.0,
    )
    now = datetime(2026, 1, 1, tzinfo=UTC)
    return Artifact(describe(scorer, created_at=now, as_of=now, change_number=0, fit={}), scorer)
