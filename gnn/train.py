"""Training: a snapshot in, an artifact out. No database, CPU or CUDA."""

import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from gnn.artifact import Artifact, describe
from gnn.build import Fitted, Learned, build, fit_split, learned, moment_of
from gnn.data import Shop, TrainingError, read_shop
from gnn.fit import Goal
from gnn.latent import FREE
from gnn.learn import BATCH, FULL_SOFTMAX, width
from gnn.popularity import Moment
from gnn.scoring import Scorer
from gnn.splits import split_by_time, split_last, split_random, split_share
from gnn.tasks import Rule, Split
from schema.memory import free_memory
from schema.progress import Report, silent
from schema.snapshot import Snapshot

MINUTES = 60.0
"""The default budget. Most data sets need a minute or two; what needs more is cut to it."""
# Parts of the budget for the two times that vectors are learned and for fitting between them. Incidence, the starting
# vectors and building come on top.
PAST, FITTING, EVERYTHING = 0.5, 0.2, 0.3


@dataclass(frozen=True)
class Trained:
    """A model, the numbers it was built with, its demand at other moments, and what they were fitted on."""

    scorer: Scorer
    fitted: Fitted
    moment: Moment
    before: Learned


def train(
    snapshot: Snapshot,
    *,
    seed: int = 0,
    device: str | None = None,
    minutes: float = MINUTES,
    earlier: Artifact | None = None,
    report: Report = silent,
) -> Artifact:
    """Fits the weights on the last part of the time, then learns from everything.

    Args:
        snapshot: what to learn from.
        seed: same seed, same machine, same result.
        device: "cpu" or "cuda"; the GPU where there is one, if not said.
        minutes: the longest that it may take.
        earlier: a model of the same shop to go on from: its vectors are where learning starts.
        report: told how far it is.

    Raises:
        TrainingError: the snapshot does not hold what training needs, or there is too little memory for it.
    """
    shop = read_shop(snapshot)
    rule: Rule = "time" if shop.has_times else "share"
    split = validation_split(shop, rule, seed)
    vectors = None if earlier is None else earlier_vectors(earlier.scorer, shop)
    now = datetime.now(UTC)
    trained = train_model(
        shop,
        split,
        goal="list",
        seed=seed,
        device=choose_device(device),
        minutes=minutes,
        earlier=vectors,
        version=f"{now:%Y%m%dT%H%M%S}-{uuid.uuid4().hex[:6]}",
        report=report,
    )
    manifest = describe(
        trained.scorer,
        created_at=now,
        as_of=datetime.fromtimestamp(shop.as_of_ms / 1000, UTC),
        change_number=shop.change_number,
        fit=fit_document(trained.fitted, shop.behaviours),
    )
    return Artifact(manifest, trained.scorer)


def train_model(
    shop: Shop,
    validation: Split,
    *,
    goal: Goal,
    seed: int,
    device: str,
    minutes: float = MINUTES,
    earlier: npt.NDArray[np.float32] | None = None,
    version: str,
    report: Report = silent,
) -> Trained:
    """Learns from the validation part's past, fits the weights on its questions, then learns from everything.

    Where the validation questions come from outside the shop (a data set's own part), the past is the shop and
    is learned once. An earlier model's vectors may have seen the answers to the questions, so that only what is
    learned from everything goes on from them.
    """
    require_memory(shop)
    started = time.monotonic()
    before = learned(
        validation.seen,
        seed=seed,
        device=device,
        seconds=60 * minutes * PAST,
        report=report,
        stage="learning from the past",
    )
    fitted = fit_split(validation, before, goal=goal, seed=seed, seconds=60 * minutes * FITTING, report=report)
    after = before
    if validation.seen is not shop:
        left = 60 * minutes - (time.monotonic() - started)
        after = learned(
            shop,
            seed=seed,
            device=device,
            earlier=before.free() if earlier is None else earlier,
            seconds=max(left, 60 * minutes * EVERYTHING),
            report=report,
            stage="learning from everything",
        )
    scorer = build(after, fitted, seed=seed, version=version)
    return Trained(scorer, fitted, moment_of(shop, fitted), before)


def validation_split(shop: Shop, rule: Rule, seed: int) -> Split:
    """A part held out of a shop, by the rule that resembles what is asked later.

    Raises:
        TrainingError: all events happened at one moment, where the rule is "time".
    """
    if rule == "time":
        split = split_by_time(shop)
        newcomers = split.ask(split.newcomers) if len(split.newcomers) else None
        return Split(split.seen, split.ask(split.first), newcomers)
    return {"last": split_last, "share": split_share, "random": split_random}[rule](shop, seed)


def earlier_vectors(scorer: Scorer, shop: Shop) -> npt.NDArray[np.float32] | None:
    """(N, d) free vectors of an earlier model for the products of a shop; zero for products it did not know.

    None if that model has vectors of another width, or none.
    """
    if scorer.latent is None or FREE not in scorer.latent.layers:
        return None
    known = scorer.latent.layers[FREE][0]
    if known.shape[1] != width(shop.products):
        return None
    vectors = np.zeros((shop.products, known.shape[1]), np.float32)
    for position, product in enumerate(shop.ids["Product"]):
        if (found := scorer.positions.get(product)) is not None:
            vectors[position] = known[found]
    return vectors


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


def memory_needed(shop: Shop) -> int:
    """Bytes that training takes at its peak, estimated from the shop's counts.

    Vectors are held as parameters, gradient, two moments of Adam, layers (forward and backward) and the singular
    vectors that they start from; links twice (and their transposes) with 12 bytes an entry; pseudonyms; logits of
    a step and path values of fitting on top.
    """
    modalities = sum(matrix.nbytes for matrix in shop.features.values())
    vectors = 20 * 4 * shop.products * width(shop.products)
    names = 2 * 81 * (shop.users + len(shop.baskets) + len(shop.sessions))
    links = 4 * 12 * (len(shop.events) * 3 + sum(len(edges.source) for edges in shop.edges.values()))
    steps = 3 * 4 * BATCH * min(shop.products, FULL_SOFTMAX) + 1_200_000_000
    return vectors + links + steps + names + 2 * modalities


def require_memory(shop: Shop) -> None:
    """Refuses what cannot fit, before anything is started.

    Raises:
        TrainingError: saying how much is needed and what to reduce.
    """
    needed, free = memory_needed(shop), free_memory()
    if needed > free:
        raise TrainingError(
            f"training {shop.products:,} products and {len(shop.events):,} events needs about "
            f"{needed / 2**30:.1f} GiB of memory and {free / 2**30:.1f} GiB are free; export fewer events "
            "(a later start), fewer products, or use a machine with more memory"
        )


def fit_document(fitted: Fitted, behaviours: Sequence[str]) -> dict[str, Any]:
    """What fitting found, for a manifest or a report: each term's θ by behaviour and what it adds."""
    return {
        "measure": fitted.measure,
        "adds": {name: fitted.measure - value for name, value in fitted.without.items()},
        "prior": fitted.prior.tolist(),
        "trend": fitted.trend.tolist(),
        "context": dict(fitted.context),
        "length_power": fitted.length_power,
        "weights": {
            name: dict(zip(behaviours, numbers.weights.tolist(), strict=True)) for name, numbers in fitted.terms.items()
        },
    }
