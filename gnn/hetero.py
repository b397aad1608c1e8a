"""A shop as PyG's `HeteroData`, for models that are not ours."""

from pathlib import Path

import numpy as np
import torch
from torch_geometric.data import HeteroData

from gnn.data import Shop
from schema.files import replacing_file


def to_hetero_data(shop: Shop) -> HeteroData:
    """Nodes, features, relations and events in PyG's form.

    Every node type has `num_nodes`; products have `x_<modality>` (N, d). Relations are edge types
    (source, name, target) with `edge_index` (2, M) and `edge_weight`. The events of known users are
    edge types ("User", <behaviour>, "Product") with `edge_index` and `time` in milliseconds, so that a
    temporal loader can cut them.
    """
    data = HeteroData()
    for node_type, ids in shop.ids.items():
        data[node_type].num_nodes = len(ids)
    for modality, matrix in shop.features.items():
        data["Product"][f"x_{modality}"] = torch.from_numpy(np.array(matrix, np.float32))
    for name, edges in shop.edges.items():
        relation = shop.ontology.relations[name]
        store = data[relation.source, name, relation.target]
        store.edge_index = torch.from_numpy(np.stack([edges.source, edges.target]).astype(np.int64))
        store.edge_weight = torch.from_numpy(edges.weight)
    for code, behaviour in enumerate(shop.behaviours):
        kept = (shop.events.behaviour == code) & (shop.events.user >= 0)
        store = data["User", behaviour, "Product"]
        ends = np.stack([shop.events.user[kept], shop.events.product[kept]])
        store.edge_index = torch.from_numpy(ends.astype(np.int64))
        store.time = torch.from_numpy(shop.events.time_ms[kept])
    return data


def write_hetero_data(shop: Shop, path: Path) -> None:
    """Writes a file for `HeteroData.from_dict(torch.load(path))`; it appears when it is complete.

    It holds tensors, texts and numbers alone, so that nothing in it can run when it is loaded.
    """
    with replacing_file(path) as aside:
        torch.save(to_hetero_data(shop).to_dict(), aside)
