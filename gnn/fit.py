"""Fitting how much each kind of path counts, on questions held out of the data.

The numbers are learned by gradient on the measure that they shall be good at, made smooth:

- lists: NDCG with the rank of an answer replaced by 1 + Σ_others w sigmoid((s_other - s_answer) / T)
  (ApproxNDCG, Qin, Liu and Li 2010), w how many products a sampled one stands for, T a twentieth of the
  mean deviation of a user's scores;
- click-through: the area under the ROC curve over all pairs, by the logistic of τ(H) · (s_right - s_wrong),
  τ(H) = |H|^-t, since scores of different people are compared.

A softmax over all products misranks here: it spends its weights on getting the many improbable products
right (measured on gowalla: recall@20 .161 against .197). Incidence, degrees and vectors come from before
the questions, so no path contains an answer. Learned are θ by term and behaviour, the exponents of the
degrees at both ends, the shares of the middle's powers, the low-pass filter, saturation, half-life and
floor by term and behaviour, and the weights of the prior's and the trend's horizons.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from gnn.pace import Pace
from gnn.questions import Batch, FitTerm
from gnn.units import UnitWeights
from schema.progress import Report, silent

Goal = Literal["list", "auc"]

STEPS, FEWEST_STEPS = 600, 60
LEARNING_RATE = 0.05
# How strongly numbers are held where they start, in units of the measure over one question: what is learned from
# few questions is mostly chance. θ and exponents are what there is to learn; the trend of one month is not that
# of the next.
STIFFNESS = {
    "theta": 4e-3,
    "start": 0.04,
    "end": 0.04,
    "variants": 0.04,
    "saturation": 0.04,
    "half_life": 0.04,
    "floor": 0.04,
    "prior": 0.4,
    "context": 0.4,
    "trend": 4.0,
}
SHARPNESS = 0.05
TAIL = 30.0
SATURATION, HALF_LIFE_DAYS = 0.3, 60.0


@dataclass(frozen=True)
class Fit:
    """Fitted numbers of the score, for T terms and H horizons.

    Shapes:
        theta: (T, B) for terms as they were given, without degrees at the ends.
        start, end: (T,) exponents a and c.
        variants: T tuples (P,) of a term's shares: its variants, weighed.
        units: T.
        prior, trend: (H,) weights of the standardised log demands.
        context: property of people -> weight of its lifts.
        length_power: t of τ(H) = |H|^-t; 0 for lists, where it changes nothing.
        measure: what the numbers reach on the questions they were fitted on.
        without: name of a term or a property -> the same without it.
    """

    theta: npt.NDArray[np.float64]
    start: npt.NDArray[np.float64]
    end: npt.NDArray[np.float64]
    variants: tuple[tuple[float, ...], ...]
    units: tuple[UnitWeights, ...]
    prior: npt.NDArray[np.float64]
    trend: npt.NDArray[np.float64]
    context: dict[str, float]
    length_power: float
    measure: float
    without: dict[str, float]


class Weights(nn.Module):
    """The learned numbers, each in a form that keeps it in its range."""

    def __init__(self, terms: Sequence[FitTerm], behaviours: int, horizons: int, contexts: int, timed: bool) -> None:
        super().__init__()
        count = len(terms)
        self.term_of = torch.repeat_interleave(torch.arange(count), torch.tensor([len(t.variants) for t in terms]))
        self.signed = torch.tensor([t.signed for t in terms])[self.term_of]
        self.timed = timed
        self.theta = nn.Parameter(torch.full((count, behaviours), -1.0))
        self.start = nn.Parameter(torch.tensor([t.start for t in terms]))
        self.end = nn.Parameter(torch.tensor([t.end for t in terms]))
        self.variants = nn.Parameter(torch.where(self.signed, 0.3, 0.0))
        self.saturation = nn.Parameter(torch.full((count, behaviours), float(np.log(SATURATION / (1 - SATURATION)))))
        self.half_life = nn.Parameter(torch.full((count, behaviours), float(np.log(HALF_LIFE_DAYS))))
        self.floor = nn.Parameter(torch.zeros(count, behaviours))
        self.prior = nn.Parameter(torch.full((horizons,), 0.02))
        self.trend = nn.Parameter(torch.zeros(horizons))
        self.context = nn.Parameter(torch.zeros(contexts))
        self.length_power = nn.Parameter(torch.tensor(0.3))
        self.sizes = torch.ones(len(self.term_of))
        self._first = {name: p.detach().clone() for name, p in self.named_parameters() if name != "length_power"}

    def shares(self) -> Tensor:
        """(R,) weights of the variants: a softmax within a term, free where they are signed."""
        total = torch.zeros(len(self.theta)).index_add(0, self.term_of, self.variants.exp())
        return torch.where(self.signed, self.variants, self.variants.exp() / total[self.term_of])

    def amounts(self, batch: Batch) -> Tensor:
        """(T, B, J) events^p · recency."""
        b = batch.behaviours
        amount = batch.events ** _columns(torch.sigmoid(self.saturation), b) * batch.present
        if not self.timed:
            return amount
        floor = _columns(torch.sigmoid(self.floor), b)
        return amount * (floor + (1 - floor) * torch.exp2(-batch.age / _columns(self.half_life.exp(), b)))

    def forward(self, batch: Batch, log_out: Tensor, log_in: Tensor) -> Tensor:
        """(B, I) scores of the candidates.

        Args:
            batch: the users.
            log_out, log_in: (T, N) log degrees of products as start and as end.
        """
        return self.total(batch, self.parts(batch, log_out, log_in).sum(0))

    def parts(self, batch: Batch, log_out: Tensor, log_in: Tensor) -> Tensor:
        """(R, B, I) what each variant adds to the personal part; arguments as of `forward`."""
        theta = _columns(functional.softplus(self.theta), batch.behaviours)  # (T, B, J)
        start = torch.exp(-self.start[:, None, None] * _columns(log_out, batch.products))  # (T, B, J)
        carried = theta * start * self.amounts(batch)
        end = torch.exp(-self.end[:, None, None] * _columns(log_in, batch.candidates))  # (T, B, I)
        shares = self.shares() / self.sizes
        reached = batch.paths.sums(carried.index_select(0, self.term_of) * shares[:, None, None])
        return reached * end.index_select(0, self.term_of)

    def total(self, batch: Batch, personal: Tensor) -> Tensor:
        """(B, I) scores with a personal part (B, I)."""
        prior = torch.einsum("h,hbi->bi", self.prior_weights(), batch.popularity)
        prior = prior + torch.einsum("c,cbi->bi", self.context, batch.context)
        if not self.timed:
            return prior + personal
        return prior + torch.exp(torch.einsum("h,hbi->bi", self.trend, batch.popularity)) * personal

    def prior_weights(self) -> Tensor:
        """(H,) weights of log demand.

        Without times being in demand can only speak for a product: what is left out of a history is missing
        in its count, so that a part held out at random makes rare products look more wanted than they are.
        """
        return self.prior if self.timed else functional.softplus(self.prior - 4.0)

    def penalty(self) -> Tensor:
        """Weighted squared distance from where the numbers started: few questions do not move them far."""
        moved = {n: (p - self._first[n]).square().sum() for n, p in self.named_parameters() if n in self._first}
        return torch.stack([STIFFNESS[name] * distance for name, distance in moved.items()]).sum()


def fit(
    batches: Sequence[Batch],
    terms: Sequence[FitTerm],
    behaviours: int,
    *,
    contexts: Sequence[str] = (),
    goal: Goal,
    timed: bool,
    seed: int,
    seconds: float = math.inf,
    stage: str = "fitting the weights",
    report: Report = silent,
) -> Fit:
    """Learns the numbers by Adam over the batches.

    Args:
        batches: users with paths, candidates and answers.
        terms: in the order of the batches' variants.
        behaviours: how many the ontology has.
        contexts: names of the properties in the batches' order.
        goal: what the questions ask for.
        timed: whether ages mean anything.
        seed: order of the batches.
        seconds: the longest that it may take; where that is short there are fewer steps.
        stage: what to call it.
        report: told how far it is.
    """
    generator = np.random.default_rng(seed)
    log_out, log_in = _log([t.out_degree for t in terms]), _log([t.degree for t in terms])
    model = Weights(terms, behaviours, len(batches[0].popularity), len(contexts), timed)
    # Values of one variant are brought to a common size first, so that one learning rate suits all.
    model.sizes = _sizes(model, batches, log_out, log_in)
    # A small step of an exponent moves all products; Adam takes steps of one size whatever the gradient.
    exponents: dict[str, Any] = {"params": [model.start, model.end], "lr": 0.2 * LEARNING_RATE}
    others: dict[str, Any] = {"params": [p for n, p in model.named_parameters() if n not in ("start", "end")]}
    optimizer = torch.optim.Adam([others, exponents], lr=LEARNING_RATE)
    pace, step = Pace(STEPS, seconds, FEWEST_STEPS), 0
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, pace.rate)
    people = sum(len(batch.right) for batch in batches)
    order: list[int] = []
    while step < pace.steps:
        order = order or generator.permutation(len(batches)).tolist()
        batch = batches[order.pop()]
        loss = _loss(model, batch, model(batch, log_out, log_in), goal)
        optimizer.zero_grad(set_to_none=True)
        (loss + model.penalty() / people).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        step += 1
        pace.took_one()
        schedule.step()
        report(stage, step, pace.steps)
    return _result(model, terms, contexts, batches, (log_out, log_in), goal)


def _loss(model: Weights, batch: Batch, scores: Tensor, goal: Goal) -> Tensor:
    return -smooth_ndcg(scores, batch) if goal == "list" else _area(model, batch, scores)


def smooth_ndcg(scores: Tensor, batch: Batch) -> Tensor:
    """Mean over users with an answer of the smooth NDCG of their answers; at most 1."""
    scaled = _compressed(scores, batch.stands_for)
    most = int(batch.right.sum(1).max())
    answers, right = scaled[:, :most], batch.right[:, :most]
    before = torch.sigmoid(scaled[:, None, :] - answers[:, :, None]) * batch.stands_for[:, None, :]  # (B, A, I)
    rank = before.sum(2) + 0.5  # an answer stands before itself by a half
    gain = (right / torch.log2(1 + rank)).sum(1)
    ideal = torch.cumsum(1 / torch.log2(torch.arange(2.0, most + 2)), 0)[right.sum(1).long() - 1]
    return (gain / ideal).sum() / (right.sum(1) > 0).sum()


def _compressed(scores: Tensor, stands_for: Tensor) -> Tensor:
    """(B, I) scores in units of T, monotone: linear near the middle, logarithmic in the tail.

    A few products with many paths score a hundred times the deviation of the others; measured by that
    deviation all other differences would vanish.
    """
    count = stands_for.sum(1, keepdim=True)
    mean = (scores * stands_for).sum(1, keepdim=True) / count
    spread = (((scores - mean).abs() * stands_for).sum(1, keepdim=True) / count).detach()
    return TAIL * torch.asinh((scores - mean) / (TAIL * SHARPNESS * spread.clamp_min(1e-9)))


def _area(model: Weights, batch: Batch, scores: Tensor) -> Tensor:
    """Logistic loss over all pairs of a right and a wrong candidate in the batch."""
    scores = (scores * batch.lengths[:, None] ** -model.length_power)[batch.stands_for > 0]
    right = batch.right[batch.stands_for > 0] > 0
    return functional.softplus(scores[~right][None, :] - scores[right][:, None]).mean()


def _columns(values: Tensor, places: Tensor) -> Tensor:
    """(T, *places) of (T, N): what indexing gives, in a third of the time."""
    return values.index_select(1, places.flatten()).view(len(values), *places.shape)


def _log(degrees: Sequence[npt.NDArray[np.float64]]) -> Tensor:
    return torch.from_numpy(np.log(np.maximum(np.stack(degrees), 1.0)).astype(np.float32))


@torch.no_grad()
def _sizes(model: Weights, batches: Sequence[Batch], log_out: Tensor, log_in: Tensor) -> Tensor:
    """(R,) typical size of a user's sum over paths, with the exponents that fitting starts from."""
    squares = torch.zeros(len(model.term_of), dtype=torch.float64)
    count = 0
    for batch in batches:
        start = torch.exp(-model.start[:, None, None] * _columns(log_out, batch.products)) * batch.present
        end = torch.exp(-model.end[:, None, None] * _columns(log_in, batch.candidates))
        sums = batch.paths.sums(start.index_select(0, model.term_of)) * end.index_select(0, model.term_of)
        squares += sums.double().square().sum((1, 2))
        count += sums[0].numel()
    return torch.sqrt(squares / max(count, 1)).clamp_min(1e-9).float()


@torch.no_grad()
def _evidence(model: Weights, batches: Sequence[Batch]) -> Tensor:
    """(T, B) whether any path of a term from a unit of a behaviour was seen."""
    seen = torch.zeros_like(model.theta)
    for batch in batches:
        walked = torch.zeros(len(seen), *batch.present.shape)
        linked = batch.paths.linked(len(model.term_of), batch.present.shape[1])
        walked.index_add_(0, model.term_of, linked.float())  # (T, B, J)
        for code in range(seen.shape[1]):
            seen[:, code] += walked[:, (batch.behaviours == code) & (batch.present > 0)].sum(1)
    return seen > 0


@torch.no_grad()
def _reached(
    model: Weights, batches: Sequence[Batch], logs: tuple[Tensor, Tensor], goal: Goal
) -> npt.NDArray[np.float64]:
    """(1 + T + C,) the measure over all batches with everything, then without each term and each property of people.

    Paths are walked once for all.
    """
    kept = 1.0 - torch.cat([torch.zeros(1, len(model.theta)), torch.eye(len(model.theta))])
    values = []
    for batch in batches:
        parts = model.parts(batch, *logs)
        scores = [model.total(batch, (parts * some[:, None, None]).sum(0)) for some in kept[:, model.term_of]]
        scores += [model.total(_without_context(batch, c), parts.sum(0)) for c in range(len(batch.context))]
        values.append([_value(model, batch, some, goal) for some in scores])
    return np.asarray(np.mean(values, axis=0))


def _value(model: Weights, batch: Batch, scores: Tensor, goal: Goal) -> float:
    """Smooth NDCG, or the share of pairs in the right order."""
    if goal == "list":
        return float(smooth_ndcg(scores, batch))
    scores = (scores * batch.lengths[:, None] ** -model.length_power)[batch.stands_for > 0]
    right = batch.right[batch.stands_for > 0] > 0
    return float((scores[right][:, None] > scores[~right][None, :]).float().mean())


def _without_context(batch: Batch, number: int) -> Batch:
    return replace(batch, context=batch.context.index_fill(0, torch.tensor([number]), 0.0))


@torch.no_grad()
def _result(
    model: Weights,
    terms: Sequence[FitTerm],
    contexts: Sequence[str],
    batches: Sequence[Batch],
    logs: tuple[Tensor, Tensor],
    goal: Goal,
) -> Fit:
    def array(tensor: Tensor) -> npt.NDArray[np.float64]:
        return tensor.double().numpy()

    model.theta.masked_fill_(~_evidence(model, batches), -torch.inf)
    weights = model.shares() / model.sizes
    saturation, half_life = array(torch.sigmoid(model.saturation)), array(model.half_life.exp())
    floor = array(torch.sigmoid(model.floor)) if model.timed else np.ones_like(saturation)
    # Being liked among one's like can only speak for a product.
    model.context.clamp_(min=0.0)
    measure, *without = _reached(model, batches, logs, goal).tolist()
    return Fit(
        theta=array(functional.softplus(model.theta)),
        start=array(model.start),
        end=array(model.end),
        variants=tuple(
            tuple((array(weights[model.term_of == number]) @ np.array(term.variants)).tolist())
            for number, term in enumerate(terms)
        ),
        units=tuple(UnitWeights(*row) for row in zip(saturation, half_life, floor, strict=True)),
        prior=array(model.prior_weights()),
        trend=array(model.trend),
        context=dict(zip(contexts, model.context.tolist(), strict=True)),
        length_power=float(model.length_power) if goal == "auc" else 0.0,
        measure=measure,
        without=dict(zip([*(term.name for term in terms), *contexts], without, strict=True)),
    )
