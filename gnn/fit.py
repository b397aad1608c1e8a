"""Fitting how much each kind of path counts, on what happened after the model's data ends.

The numbers are learned by gradient on a validation part: for users with history before the cut, the
products they first bought after it are asked for among sampled others,

    -log softmax( τ(H) · score(u, ·) ),   τ(H) = exp(t0) · |H|^-t1

with the logits of sampled products corrected by log q (Bengio and Senécal 2008). Incidence, degrees
and vectors come from before the cut, so no path contains an answer. Learned are θ by term and
behaviour, the exponents of the degrees at both ends, saturation and half-life by behaviour, and the
weights of the prior's and the trend's horizons.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from gnn.popularity import HORIZONS
from gnn.questions import Batch
from gnn.scoring import UnitWeights
from schema.progress import Report, silent

EPOCHS = 60
LEARNING_RATE = 0.05
SHRINKAGE = 1e-4
START, END, SATURATION, HALF_LIFE_DAYS = 0.5, 0.4, 0.3, 60.0


@dataclass(frozen=True)
class Fit:
    """Fitted numbers of the score.

    Shapes:
        theta: (R, B) for terms as they were given, without degrees at the ends.
        start, end: (R,) exponents a and c.
        prior, trend: (len(HORIZONS),) weights of the standardised log popularities.
        loss: of the last epoch, in nats.
    """

    theta: npt.NDArray[np.float64]
    start: npt.NDArray[np.float64]
    end: npt.NDArray[np.float64]
    units: UnitWeights
    prior: npt.NDArray[np.float64]
    trend: npt.NDArray[np.float64]
    loss: float


class Weights(nn.Module):
    """The learned numbers, each in a form that keeps it in its range."""

    def __init__(self, terms: int, behaviours: int) -> None:
        super().__init__()
        self.theta = nn.Parameter(torch.full((terms, behaviours), -1.0))
        self.start = nn.Parameter(torch.full((terms,), START))
        self.end = nn.Parameter(torch.full((terms,), END))
        self.saturation = nn.Parameter(torch.full((behaviours,), float(np.log(SATURATION / (1 - SATURATION)))))
        self.half_life = nn.Parameter(torch.full((behaviours,), float(np.log(HALF_LIFE_DAYS))))
        self.floor = nn.Parameter(torch.zeros(behaviours))
        self.prior = nn.Parameter(torch.zeros(len(HORIZONS)))
        self.trend = nn.Parameter(torch.zeros(len(HORIZONS)))
        self.temperature = nn.Parameter(torch.tensor([0.0, 0.5]))
        self._first = {name: p.detach().clone() for name, p in self.named_parameters() if name != "temperature"}

    def amounts(self, batch: Batch) -> Tensor:
        """(B, J) events^p · recency."""
        b = batch.behaviours
        floor = torch.sigmoid(self.floor)[b]
        recency = floor + (1 - floor) * torch.exp2(-batch.age / self.half_life.exp()[b])
        return batch.events ** torch.sigmoid(self.saturation)[b] * recency * batch.present

    def forward(self, batch: Batch, log_out: Tensor, log_in: Tensor, popularity: Tensor) -> Tensor:
        """(B, I) τ · score of the candidates.

        Args:
            batch: the users.
            log_out, log_in: (R, N) log degrees of products as start and as end.
            popularity: (len(HORIZONS), N) standardised log popularity.
        """
        theta = functional.softplus(self.theta)[:, batch.behaviours]  # (R, B, J)
        start = torch.exp(-self.start[:, None, None] * log_out[:, batch.products])  # (R, B, J)
        carried = theta * start * self.amounts(batch)
        end = torch.exp(-self.end[:, None, None] * log_in[:, batch.candidates])  # (R, B, I)
        personal = (torch.einsum("rbj,rbji->rbi", carried, batch.paths) * end).sum(0)  # (B, I)
        known = popularity[:, batch.candidates]  # (horizons, B, I)
        prior = torch.einsum("h,hbi->bi", self.prior, known)
        trend = torch.exp(torch.einsum("h,hbi->bi", self.trend, known))
        units = batch.present.sum(1, keepdim=True)
        tau = torch.exp(self.temperature[0]) * units ** -self.temperature[1]
        return tau * (prior + trend * personal)

    def penalty(self) -> Tensor:
        """Squared distance from where the numbers started: few events do not move them far."""
        moved = [(p - self._first[name]).square().sum() for name, p in self.named_parameters() if name in self._first]
        return torch.stack(moved).sum()


def fit(
    batches: Sequence[Batch],
    log_out: Tensor,
    log_in: Tensor,
    popularity: Tensor,
    behaviours: int,
    *,
    seed: int,
    report: Report = silent,
) -> Fit:
    """Learns the numbers by Adam over the batches.

    Args:
        batches: users with paths, candidates and answers.
        log_out, log_in, popularity: as in `Weights.forward`.
        behaviours: how many the ontology has.
        seed: order of the batches.
    """
    generator = np.random.default_rng(seed)
    # Paths of one term are brought to a common size first, so that one learning rate suits all θ.
    sizes = _sizes(batches, log_out, log_in)
    scaled = [_scaled(batch, sizes) for batch in batches]
    model = Weights(len(log_out), behaviours)
    optimizer = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE)
    steps = EPOCHS * len(scaled)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, max(steps, 1), eta_min=0.05 * LEARNING_RATE)
    total = 0.0
    for epoch in range(EPOCHS):
        total = 0.0
        for number, at in enumerate(generator.permutation(len(scaled))):
            loss = _loss(model(scaled[at], log_out, log_in, popularity), scaled[at])
            total += float(loss.detach()) / len(scaled)
            optimizer.zero_grad(set_to_none=True)
            (loss + SHRINKAGE * model.penalty()).backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()
            report("fitting the weights", epoch * len(scaled) + number + 1, steps)
    return _result(model, sizes, _evidence(batches, len(log_out), behaviours), total)


def _loss(logits: Tensor, batch: Batch) -> Tensor:
    """Mean over users of |T|^-1/2 Σ_T -log p, each answer against the sampled others."""
    others = torch.where(batch.bought > 0, -torch.inf, logits - batch.log_q)
    rest = torch.logsumexp(others, 1, keepdim=True)
    log_p = logits - torch.logaddexp(logits, rest)
    answers = batch.bought.sum(1)
    return -((log_p * batch.bought).sum(1) / answers.sqrt()).mean()


def _sizes(batches: Sequence[Batch], log_out: Tensor, log_in: Tensor) -> Tensor:
    """(R,) typical size of a user's sum over paths, with the exponents that fitting starts from."""
    squares = torch.zeros(len(log_out), dtype=torch.float64)
    count = 0
    for batch in batches:
        start = torch.exp(-START * log_out[:, batch.products]) * batch.present
        end = torch.exp(-END * log_in[:, batch.candidates])
        sums = torch.einsum("rbj,rbji->rbi", start, batch.paths) * end
        squares += sums.double().square().sum((1, 2))
        count += sums[0].numel()
    return torch.sqrt(squares / max(count, 1)).clamp_min(1e-9).float()


def _scaled(batch: Batch, sizes: Tensor) -> Batch:
    batch.paths.div_(sizes[:, None, None, None])
    return batch


def _evidence(batches: Sequence[Batch], terms: int, behaviours: int) -> Tensor:
    """(R, B) whether any path of a term from a unit of a behaviour was seen."""
    seen = torch.zeros(terms, behaviours)
    for batch in batches:
        walked = (batch.paths != 0).any(3).float()  # (R, B, J)
        for code in range(behaviours):
            mine = (batch.behaviours == code) & (batch.present > 0)
            seen[:, code] += walked[:, mine].sum(1)
    return seen > 0


@torch.no_grad()
def _result(model: Weights, sizes: Tensor, evidence: Tensor, loss: float) -> Fit:
    def array(tensor: Tensor) -> npt.NDArray[np.float64]:
        return tensor.double().numpy()

    theta = functional.softplus(model.theta) * evidence / sizes[:, None]
    return Fit(
        theta=array(theta),
        start=array(model.start),
        end=array(model.end),
        units=UnitWeights(
            saturation=array(torch.sigmoid(model.saturation)),
            half_life=array(model.half_life.exp()),
            floor=array(torch.sigmoid(model.floor)),
        ),
        prior=array(model.prior),
        trend=array(model.trend),
        loss=loss,
    )
