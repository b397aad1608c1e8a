"""Trains a graph network on a snapshot of Pathrec with torch, torch-geometric and pyarrow alone.

    python train.py snapshot            a folder
    python train.py s3://bucket/shop    object storage; AWS_ENDPOINT_URL names another store than Amazon's

Nothing here is Pathrec's: a snapshot is Parquet, npy and a JSON manifest. The last tenth of the purchases is held out;
of each user's first purchases in it, recall@20 says which share is among their 20 best, beside popularity.
"""

import argparse
import io
import json
import os
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from pyarrow import fs
from torch import Tensor, nn
from torch_geometric.data import HeteroData
from torch_geometric.nn import HeteroConv, SAGEConv
from torch_geometric.transforms import ToUndirected

K, HELD_OUT, WIDTH, BATCH = 20, 0.1, 64, 8192


def open_folder(address: str) -> tuple[fs.FileSystem, str]:
    """A folder of this machine or of an object store."""
    if "://" not in address:
        return fs.LocalFileSystem(), str(Path(address).absolute())
    endpoint = urlsplit(os.environ.get("AWS_ENDPOINT_URL", ""))
    if address.startswith("s3://") and endpoint.netloc:
        return fs.S3FileSystem(endpoint_override=endpoint.netloc, scheme=endpoint.scheme), address.removeprefix("s3://")
    files, root = fs.FileSystem.from_uri(address)
    return files, root


def read(address: str) -> tuple[HeteroData, Tensor, Tensor]:
    """The shop as a graph of what was known before the cut, and purchases (2, n) before and after it."""
    files, root = open_folder(address)

    def content(name: str) -> bytes:
        return bytes(files.open_input_file(f"{root}/{name}").read())

    manifest = json.loads(content("manifest.json"))
    graph, ontology = HeteroData(), manifest["ontology"]
    for node in filter(manifest["nodes"].get, manifest["nodes"]):
        graph[node].num_nodes = manifest["nodes"][node]
    for modality in manifest["features"].get("Product", {}):
        matrix = np.load(io.BytesIO(content(f"nodes/Product.{modality}.npy")))
        graph["Product"][f"x_{modality}"] = torch.from_numpy(matrix.astype(np.float32))
    for name in filter(manifest["edges"].get, manifest["edges"]):
        source, target = ontology["relations"][name]["from"], ontology["relations"][name]["to"]
        table = pq.read_table(f"{root}/edges/{source}.{name}.{target}.parquet", filesystem=files)
        graph[source, name, target].edge_index = pairs(table.column("source"), table.column("target"))
    events = pq.read_table(f"{root}/events.parquet", filesystem=files)  # in order of time
    events = events.filter(events.column("user").is_valid())
    behaviour = np.array(events.column("behaviour").cast("string").to_pylist())
    target = next(name for name, about in ontology["behaviours"].items() if about.get("target"))
    bought = np.flatnonzero(behaviour == target)
    cut = bought[int(len(bought) * (1 - HELD_OUT))]
    ends = pairs(events.column("user"), events.column("product"))
    for name in np.unique(behaviour[:cut]):
        graph["User", name, "Product"].edge_index = ends[:, np.flatnonzero(behaviour[:cut] == name)]
    return ToUndirected()(graph), ends[:, bought[bought < cut]], ends[:, bought[bought >= cut]]


def pairs(sources: pa.ChunkedArray, targets: pa.ChunkedArray) -> Tensor:
    """Two columns as PyG's edge index (2, n)."""
    return torch.from_numpy(np.stack([np.asarray(sources, np.int64), np.asarray(targets, np.int64)]))


class Sage(nn.Module):
    """Vectors of all nodes: their own, what is known of products added, after two hops of GraphSAGE."""

    def __init__(self, graph: HeteroData) -> None:
        super().__init__()
        sizes = {node: graph[node].num_nodes for node in graph.node_types}
        self.own = nn.ParameterDict({node: 0.1 * torch.randn(size, WIDTH) for node, size in sizes.items()})
        known = {name: x for name, x in graph["Product"].items() if name.startswith("x_")}
        self.known = nn.ModuleDict({name: nn.Linear(x.shape[1], WIDTH) for name, x in known.items()})
        self.hops = nn.ModuleList(
            HeteroConv({edge: SAGEConv((WIDTH, WIDTH), WIDTH) for edge in graph.edge_types}, aggr="mean")
            for _ in range(2)
        )

    def forward(self, graph: HeteroData) -> dict[str, Tensor]:
        """(N, WIDTH) of each node type."""
        x = dict(self.own.items())
        for name, layer in self.known.items():
            x["Product"] = x["Product"] + layer(graph["Product"][name])
        total = dict(x)
        for hop in self.hops:
            x = x | {node: out.relu() for node, out in hop(x, graph.edge_index_dict).items()}
            total = {node: total[node] + x[node] for node in total}
        return total


def train(graph: HeteroData, bought: Tensor, steps: int, device: str = "cpu") -> tuple[Tensor, list[float]]:
    """Scores (U, N) after some steps of BPR on the whole graph, and the loss of each step.

    Loaders that sample neighbours need pyg-lib or torch-sparse, which not every machine can compile.
    """
    model, graph, bought = Sage(graph).to(device), graph.to(device), bought.to(device)
    optimiser = torch.optim.Adam(model.parameters(), lr=0.01, weight_decay=1e-5)
    losses = []
    for _ in range(steps):
        users, products = bought[:, torch.randint(bought.shape[1], (BATCH,), device=device)]
        others = torch.randint(graph["Product"].num_nodes, (BATCH,), device=device)
        z = model(graph)
        gain = (z["User"][users] * (z["Product"][products] - z["Product"][others])).sum(1)
        loss = -nn.functional.logsigmoid(gain).mean()
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        losses.append(float(loss.detach()))
    with torch.no_grad():
        z = model(graph)
        return (z["User"] @ z["Product"].T).cpu(), losses


def recall(scores: Tensor, bought: Tensor, held_out: Tensor) -> float:
    """Mean over users of the share of their new purchases among their K best; what they bought before is no answer."""
    scores = scores.clone()
    scores[bought[0], bought[1]] = -torch.inf
    wanted = torch.zeros_like(scores, dtype=torch.bool)
    wanted[held_out[0], held_out[1]] = True
    wanted[bought[0], bought[1]] = False
    asked = wanted.any(1)
    hits = wanted[asked].gather(1, scores[asked].topk(min(K, scores.shape[1])).indices).sum(1)
    return float((hits / wanted[asked].sum(1)).mean())


def main() -> None:
    """Trains, and prints both figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("snapshot", help="folder, s3://… or gs://…")
    parser.add_argument("--steps", type=int, default=200)
    options = parser.parse_args()
    torch.manual_seed(0)
    graph, bought, held_out = read(options.snapshot)
    scores, losses = train(graph, bought, options.steps, "cuda" if torch.cuda.is_available() else "cpu")
    popular = torch.bincount(bought[1], minlength=scores.shape[1]).float().expand_as(scores)
    figures = {"graph sage": recall(scores, bought, held_out), "popularity": recall(popular, bought, held_out)}
    print(json.dumps({f"recall@{K}": figures, "first loss": losses[0], "last loss": losses[-1]}))


if __name__ == "__main__":
    main()
