"""Learning the latent term: link prediction with part of each history left out.

A step takes some users, leaves out a part of what each bought (with everything else they did with
those products), and asks for it among all products: full softmax, or sampled with the logits
corrected by log q where the shop is large (Bengio and Senécal 2008). A random part of the products
loses its free vector, so that the content learns to stand in for it.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from gnn.data import Shop
from gnn.histories import Histories, histories, interactions
from gnn.incidence import Incidence
from gnn.losses import Asked, SoftmaxLoss
from gnn.model import LinearPropagation
from gnn.pace import Pace
from gnn.spectral import item_vectors
from schema.progress import Report, silent

BATCH = 1024
LEARNING_RATE = 0.01
DECAY = 1.0
HELD_OUT = 0.3
COLD_SHARE = 0.1
USER_SCALE = 5.0
PASSES = 5.0
# Steps grow with the number of users; few users need several passes, many need less than one more.
FEWEST_STEPS, MOST_STEPS = 150, 400
# A model that goes on from an earlier one needs a part of the steps.
CONTINUED = 0.5
# Above this many products the softmax is taken over a sample of them. On gowalla (40,981 products) NDCG@20 of 10,000
# validation people is .1398 with it and .1398 without, in two thirds of the time.
FULL_SOFTMAX, SAMPLED = 25_000, 16_384


@dataclass(frozen=True)
class _Batch:
    """Some users with their histories split; ragged, by user.

    Shapes:
        products, behaviours, offsets: kept units and where each user's begin.
        targets: (T, 2) row in the batch and product left out.
        row_weight: (B,) weight of each user's targets.
    """

    products: Tensor
    behaviours: Tensor
    offsets: Tensor
    rows: Tensor
    targets: Tensor
    row_weight: Tensor


def learn(
    shop: Shop,
    found: list[Incidence],
    *,
    seed: int,
    device: str,
    earlier: npt.NDArray[np.float32] | None = None,
    seconds: float = math.inf,
    report: Report = silent,
    stage: str = "learning",
) -> LinearPropagation:
    """Trains the graph network on everything that the shop shows.

    Args:
        shop: what may be seen.
        found: incidence of its terms; all but the product itself carry propagation.
        seed: same seed, same machine, same result.
        device: "cpu" or "cuda".
        earlier: (N, d) free vectors to go on from; those that are zero start anew.
        seconds: the longest that it may take; where that is short there are fewer steps.
        report: told how far it is.
        stage: what to call it.
    """
    generator = np.random.default_rng(seed)
    torch.manual_seed(seed)
    past = histories(shop)
    degree = np.bincount(past.products, minlength=shop.products)
    met = degree > 0
    start = _start(shop, generator, earlier) * met[:, None].astype(np.float32)
    model = LinearPropagation(start, shop.features, carriers(found), len(shop.behaviours))
    model = model.to(device)
    users = _trainable(shop, past)
    if not len(users):
        return model
    steps = int(np.clip(PASSES * len(users) / BATCH, FEWEST_STEPS, MOST_STEPS) * (1 if earlier is None else CONTINUED))
    # Content is few numbers for all products together and free vectors are many: decay is for the many.
    groups = [
        {"params": [model.free], "weight_decay": DECAY},
        {"params": [p for name, p in model.named_parameters() if name != "free"], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, lr=LEARNING_RATE, betas=(0.9, 0.99))
    rarity = torch.from_numpy(np.asarray(np.maximum(degree, 1) ** -0.5, np.float32)).to(device)
    softmax, pace, step = SoftmaxLoss(device), Pace(steps, seconds), 0
    while step < pace.steps:
        for group in optimizer.param_groups:
            group["lr"] = LEARNING_RATE * pace.rate(step)
        batch = _batch(shop, past, generator.choice(users, min(BATCH, len(users)), replace=False), generator, device)
        # Who nobody met has no free vector, as later when it is served; others lose it where content can stand in.
        drawn = generator.random(shop.products) >= COLD_SHARE
        keep = met & drawn if model.modalities else met
        z = model(None if keep.all() else torch.from_numpy(keep.astype(np.float32)).to(device))
        loss = _loss(softmax, model, z, batch, rarity, _columns(batch, shop.products, generator))
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        step += 1
        pace.took_one()
        report(stage, step, pace.steps)
    model.zero_grad(set_to_none=True)
    return model


def carriers(found: list[Incidence]) -> list[Incidence]:
    """The terms that carry propagation: each link once, in both directions."""
    return [i for i in found if i.term.kind in ("meeting", "shared", "forward") and not _repeats(i)]


def _repeats(incidence: Incidence) -> bool:
    """Two steps along a relation between products are two hops of the direct one."""
    return incidence.term.kind == "shared" and incidence.term.name != incidence.term.relation


def _loss(
    softmax: SoftmaxLoss, model: LinearPropagation, z: Tensor, batch: _Batch, rarity: Tensor, columns: Tensor | None
) -> Tensor:
    """Mean over users of |H|^-1/2 Σ_H -log p."""
    weights = functional.softplus(model.behaviour_logits)[batch.behaviours] * rarity[batch.products]
    user = functional.embedding_bag(batch.products, z, batch.offsets, mode="sum", per_sample_weights=weights)
    norm = torch.zeros(len(batch.offsets), device=z.device).index_add(0, batch.rows, weights.square()).sqrt()
    user = USER_SCALE * user / norm.clamp_min(1e-6)[:, None]
    rows, has, target_rows, wanted = batch.rows, batch.products, batch.targets[:, 0], batch.targets[:, 1]
    weight = batch.row_weight[target_rows] / len(batch.offsets)
    if columns is None:
        return softmax(user, z, model.bias, Asked(rows, has, target_rows, wanted, weight, None))
    place = torch.full((len(z),), -1, device=z.device)
    place[columns] = torch.arange(len(columns), device=z.device)
    competes = place[has] >= 0
    # Targets are always there, the others with probability sampled / N.
    shift = torch.full((len(columns),), float(np.log(len(z) / SAMPLED)), device=z.device)
    shift[place[wanted]] = 0.0
    asked = Asked(rows[competes], place[has[competes]], target_rows, place[wanted], weight, shift)
    return softmax(user, z[columns], model.bias[columns], asked)


def _columns(batch: _Batch, products: int, generator: np.random.Generator) -> Tensor | None:
    """Products that compete in a step: all (None), or those asked for and a sample."""
    if products <= FULL_SOFTMAX:
        return None
    drawn = torch.from_numpy(generator.integers(0, products, SAMPLED)).to(batch.targets.device)
    columns: Tensor = torch.unique(torch.cat([batch.targets[:, 1], drawn]))
    return columns


def _trainable(shop: Shop, past: Histories) -> npt.NDArray[np.intp]:
    """Users who met at least two products, one of them with the target behaviour."""
    owner = np.repeat(np.arange(shop.users), past.lengths())
    distinct = np.unique(owner * np.int64(shop.products) + past.products) // shop.products
    met = np.bincount(distinct, minlength=shop.users)
    bought = np.bincount(owner[past.behaviours == shop.target], minlength=shop.users)
    return np.flatnonzero((met >= 2) & (bought >= 1))


def _batch(
    shop: Shop, past: Histories, users: npt.NDArray[np.intp], generator: np.random.Generator, device: str
) -> _Batch:
    lengths = past.lengths()[users]
    rows = np.repeat(np.arange(len(users)), lengths)
    inside = np.arange(len(rows)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    units = past.indptr[users][rows] + inside
    products, behaviours = past.products[units], past.behaviours[units]
    # One draw for each (user, product): all that a user did with a product is kept or left out together.
    pairs, place = np.unique(rows * np.int64(shop.products) + products, return_inverse=True)
    bought = np.zeros(len(pairs), bool)
    bought[place[behaviours == shop.target]] = True
    held = bought & (generator.random(len(pairs)) < HELD_OUT)
    held = _one_on_each_side(held, bought, pairs // shop.products, len(users), generator)
    kept = ~held[place]
    targets = np.stack([pairs[held] // shop.products, pairs[held] % shop.products], 1)
    count = np.bincount(targets[:, 0], minlength=len(users))
    kept_rows = rows[kept]

    def tensor(array: npt.NDArray[np.generic]) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(array)).to(device)

    return _Batch(
        products=tensor(products[kept].astype(np.int64)),
        behaviours=tensor(behaviours[kept].astype(np.int64)),
        offsets=tensor(np.searchsorted(kept_rows, np.arange(len(users)))),
        rows=tensor(kept_rows),
        targets=tensor(targets),
        row_weight=tensor(np.maximum(count, 1).astype(np.float32) ** -0.5),
    )


def _one_on_each_side(
    held: npt.NDArray[np.bool_],
    bought: npt.NDArray[np.bool_],
    rows: npt.NDArray[np.int64],
    users: int,
    generator: np.random.Generator,
) -> npt.NDArray[np.bool_]:
    """At least one pair of each user left out and at least one kept."""
    held = held.copy()
    order = generator.permutation(len(held))
    last = np.full(users, -1)
    last[rows[order[bought[order]]]] = order[bought[order]]
    none_held = np.bincount(rows[held], minlength=users) == 0
    held[last[none_held & (last >= 0)]] = True
    none_kept = np.bincount(rows[~held], minlength=users) == 0
    held[last[none_kept & (last >= 0)]] = False
    return held


def width(products: int) -> int:
    """Numbers in a vector: more where there are more products to tell apart."""
    return 128 if products > 10_000 else 64


def _start(
    shop: Shop, generator: np.random.Generator, earlier: npt.NDArray[np.float32] | None
) -> npt.NDArray[np.float32]:
    """(N, d) singular vectors of the normalised user-product matrix, mean row norm 1."""
    if earlier is not None:
        return earlier
    vectors = item_vectors(interactions(shop), width(shop.products), generator)
    norm = np.linalg.norm(vectors, axis=1).mean()
    return np.asarray(vectors / max(norm, 1e-6), np.float32)
