"""A heterogeneous GraphSAGE over the whole graph of the shop (Hamilton et al. 2017; R-GCN's sum over relations).

Every node has an embedding, products also their projected features; two layers of `HeteroConv` with a
`SAGEConv` for each relation and its reverse; link prediction between users and products with the BPR
loss. Full-batch, as neighbour sampling needs compiled extensions. In each epoch, the pairs that are
predicted are taken out of the graph, else the model would learn to look the answers up.
"""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch_geometric.nn import HeteroConv, SAGEConv

from gnn.baselines.common import Deadline, Fitted, Goal, Skipped, dot_ranker, interactions
from gnn.baselines.epochs import Patience, Settings, Training, fit_in_epochs
from gnn.baselines.pairs import batches, bpr_loss, pairs_of
from gnn.data import Shop
from gnn.hetero import to_hetero_data
from gnn.tasks import Ranker, Split
from gnn.tensors import training_device
from schema.memory import lacking

SIZE = 64
LAYERS = 2
RATE = 1e-2
PENALTY = 1e-6
HIDDEN_SHARE = 0.3
"""Of the pairs, in each epoch: predicted, and no edges meanwhile."""
_PATIENCE = Patience(every=1, epochs=20)

EdgeType = tuple[str, str, str]
Edges = Mapping[EdgeType, Tensor]


def edges_of(shop: Shop) -> dict[EdgeType, Tensor]:
    """(2, M) distinct edges of every relation and behaviour that has any.

    Relations that the ontology keeps out of models (`model: false`) are left out.
    """
    data = to_hetero_data(shop)
    kept_out = {name for name, relation in shop.ontology.relations.items() if not relation.model}
    return {
        kind: torch.unique(data[kind].edge_index, dim=1)
        for kind in data.edge_types
        if data[kind].edge_index.shape[1] and kind[1] not in kept_out
    }


def both_ways(edges: Edges) -> dict[EdgeType, Tensor]:
    """The edges and their reverses."""
    reverse = {(target, f"rev_{name}", source): ends.flip(0) for (source, name, target), ends in edges.items()}
    return {**edges, **reverse}


class HeteroSage(nn.Module):
    """Embeddings and convolutions; `features` are modality -> (N, d) of the products."""

    def __init__(self, counts: Mapping[str, int], kinds: list[EdgeType], features: Mapping[str, Tensor]) -> None:
        super().__init__()
        self.embedding = nn.ParameterDict(
            {node: nn.init.normal_(torch.empty(count, SIZE), std=0.1) for node, count in counts.items()}
        )
        self.projection = nn.ModuleDict({name: nn.Linear(x.shape[1], SIZE) for name, x in features.items()})
        for name, x in features.items():
            self.register_buffer(f"x_{name}", x, persistent=False)
        self.convs = nn.ModuleList(
            HeteroConv({kind: SAGEConv((SIZE, SIZE), SIZE) for kind in kinds}, aggr="sum") for _ in range(LAYERS)
        )

    def forward(self, edges: Edges) -> dict[str, Tensor]:
        """Node type -> (n, SIZE)."""
        x = dict(self.embedding.items())
        for name, projection in self.projection.items():
            x["Product"] = x["Product"] + projection(self.get_buffer(f"x_{name}"))
        for number, conv in enumerate(self.convs):
            x = conv(x, edges)
            x = {node: value.relu() for node, value in x.items()} if number + 1 < LAYERS else x
        return x


class _HeteroSageTraining:
    def __init__(self, shop: Shop, seed: int) -> None:
        torch.manual_seed(seed)
        self._generator = np.random.default_rng(seed)
        self._device = training_device()
        self._matrix = interactions(shop)
        self._pairs = pairs_of(self._matrix)
        self._edges = edges_of(shop)
        # Which pair an event's edge says; the keys of pairs are in order.
        keys = self._pairs.user * shop.products + self._pairs.product
        self._pair_of = {
            kind: np.searchsorted(keys, (ends[0] * shop.products + ends[1]).numpy())
            for kind, ends in self._edges.items()
            if kind[::2] == ("User", "Product") and kind[1] in shop.behaviours
        }
        self._whole = self._graph(np.zeros(len(self._pairs), bool))
        self._model = _model(shop, list(self._whole)).to(self._device)
        self._optimizer = torch.optim.Adam(self._model.parameters(), lr=RATE, weight_decay=PENALTY)

    def epoch(self, deadline: Deadline) -> bool:
        hidden = self._generator.random(len(self._pairs)) < HIDDEN_SHARE
        graph = self._graph(hidden)
        for batch in batches(self._pairs, np.flatnonzero(hidden), self._generator):
            if deadline.over():
                return False
            users, positives, negatives = (part.to(self._device) for part in batch)
            self._optimizer.zero_grad()
            x = self._model(graph)
            loss = bpr_loss(x["User"][users], x["Product"][positives], x["Product"][negatives])
            loss.backward()  # type: ignore[no-untyped-call]
            self._optimizer.step()
        return True

    def ranker(self) -> Ranker:
        with torch.no_grad():
            x = self._model(self._whole)
        return dot_ranker(x["User"].cpu().numpy(), x["Product"].cpu().numpy(), self._matrix)

    def _graph(self, hidden: npt.NDArray[np.bool_]) -> dict[EdgeType, Tensor]:
        seen = {
            kind: ends[:, torch.from_numpy(~hidden[self._pair_of[kind]])] if kind in self._pair_of else ends
            for kind, ends in self._edges.items()
        }
        return {kind: ends.to(self._device) for kind, ends in both_ways(seen).items()}


def _model(shop: Shop, kinds: list[EdgeType]) -> HeteroSage:
    linked = {node for source, _, target in kinds for node in (source, target)}
    counts = {node: len(ids) for node, ids in shop.ids.items() if node in linked}
    features = {name: torch.from_numpy(np.array(x, np.float32)) for name, x in shop.features.items()}
    return HeteroSage(counts, kinds, features)


def needed_bytes(shop: Shop) -> int:
    """About what a step holds: messages of the largest relation with gradient, states and Adam's averages."""
    edges = [len(e.source) for e in shop.edges.values()] + [len(shop.events)]
    nodes = sum(len(ids) for ids in shop.ids.values())
    kinds = len(shop.edges) + len(shop.behaviours)
    return 4 * SIZE * (3 * max(edges) + nodes * (4 + 2 * LAYERS * kinds))


def fit(shop: Shop, validation: Split, goal: Goal, *, seconds: float, seed: int) -> Fitted | Skipped:
    """GraphSAGE, stopped early on the validation part; skipped where a step does not fit into memory."""
    reason = lacking(needed_bytes(shop), "a full-batch step of GraphSAGE")
    if reason:
        return Skipped(reason)

    def start(shop: Shop, _: Settings) -> Training:
        return _HeteroSageTraining(shop, seed)

    return fit_in_epochs(start, [{}], _PATIENCE, shop, validation, goal, seconds=seconds, seed=seed)
