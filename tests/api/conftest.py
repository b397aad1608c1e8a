"""Fixtures of the command line: models that are tiny."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from gnn.artifact import Artifact, ArtifactManifest, save_artifact
from gnn.scoring import Scorer, UnitWeights
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
    ontology, behaviours = default_ontology(), ("view", "purchase")
    ones = (1.0, 1.0)
    scorer = Scorer(
        model_version=version,
        ontology=ontology,
        product_ids=("lamp", "vase"),
        behaviours=behaviours,
        units=UnitWeights(np.array(ones), np.array(ones), np.array(ones)),
        terms=(),
        latent=None,
        prior=np.array([1.0, 2.0]),
        trend=np.array(ones),
        alive=np.array([True, True]),
        people={},
        default_weight=1.0,
    )
    now = datetime(2026, 1, 1, tzinfo=UTC)
    manifest = ArtifactManifest(
        model_version=version,
        ontology=ontology,
        ontology_hash=ontology.hash,
        created_at=now,
        as_of=now,
        change_number=0,
        behaviours=behaviours,
        saturation=ones,
        half_life_days=ones,
        floor=ones,
        terms={},
        latent=None,
        default_weight=1.0,
    )
    return Artifact(manifest, scorer)
