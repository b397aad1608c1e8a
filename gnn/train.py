"""Training: a snapshot in, an artifact out. No database, CPU or CUDA."""

import uuid
from datetime import UTC, datetime

import torch

from gnn.artifact import Artifact, ArtifactManifest, LatentParameters, TermParameters
from gnn.build import build, fit_split
from gnn.data import Shop, TrainingError, read_shop
from gnn.scoring import Scorer
from gnn.splits import split_by_time
from schema.progress import Report, silent
from schema.snapshot import Snapshot


def train(snapshot: Snapshot, *, seed: int = 0, device: str | None = None, report: Report = silent) -> Artifact:
    """Fits the weights on the last part of the time, then learns from everything.

    Args:
        snapshot: what to learn from.
        seed: same seed, same machine, same result.
        device: "cpu" or "cuda"; the GPU where there is one, if not said.
        report: told how far it is.

    Raises:
        TrainingError: the snapshot does not hold what training needs.
    """
    shop = read_shop(snapshot)
    where = choose_device(device)
    fitted = fit_split(split_by_time(shop), seed=seed, device=where, report=report)
    now = datetime.now(UTC)
    version = f"{now:%Y%m%dT%H%M%S}-{uuid.uuid4().hex[:6]}"
    scorer = build(shop, fitted, seed=seed, device=where, version=version, report=report)
    return Artifact(_manifest(shop, scorer, now), scorer)


def choose_device(device: str | None) -> str:
    """The device asked for, or the GPU where there is one.

    Raises:
        TrainingError: a GPU is asked for and there is none.
    """
    if device is None:
        return "cuda" if torch.cuda.is_available() else "cpu"
    if device.startswith("cuda") and not torch.cuda.is_available():
        raise TrainingError(f"device {device}: torch sees no GPU here; use cpu or leave the device out")
    return device


def _manifest(shop: Shop, scorer: Scorer, now: datetime) -> ArtifactManifest:
    units, latent = scorer.units, scorer.latent
    return ArtifactManifest(
        model_version=scorer.model_version,
        ontology=shop.ontology,
        ontology_hash=shop.ontology.hash,
        created_at=now,
        as_of=datetime.fromtimestamp(shop.as_of_ms / 1000, UTC),
        change_number=shop.change_number,
        behaviours=scorer.behaviours,
        saturation=tuple(units.saturation.tolist()),
        half_life_days=tuple(units.half_life.tolist()),
        floor=tuple(units.floor.tolist()),
        terms={
            term.term.name: TermParameters(
                weights=tuple(term.weights.tolist()), exponents=term.exponents, scale=term.scale
            )
            for term in scorer.terms
        },
        latent=None
        if latent is None
        else LatentParameters(
            weights=tuple(latent.weights.tolist()), hops=tuple(latent.hops.tolist()), gates=dict(latent.gates)
        ),
        default_weight=scorer.default_weight,
    )
