import json
from pathlib import Path

import networkx as nx
import pytest

from graph.graph_files import write_graphml, write_node_link
from graph.views import whole_graph
from schema.snapshot import Snapshot
from tests.support.small_shop import SmallShop


@pytest.fixture
def snapshot(tmp_path: Path) -> Snapshot:
    shop = SmallShop(
        products=2,
        users=1,
        events=[(0, 0, "purchase", 1, "b<1>"), (0, 0, "purchase", 2, None), (None, 1, "view", 2, None)],
        edges={"COMPLEMENTS": [(0, 1, 0.5)]},
        titles=['Tea & "two" <sugars>\x07', None],
    )
    return shop.write(tmp_path / "snapshot")


def test_networkx_reads_the_graphml_as_it_is(snapshot: Snapshot, tmp_path: Path) -> None:
    write_graphml(snapshot, tmp_path / "shop.graphml")
    read = nx.read_graphml(tmp_path / "shop.graphml", force_multigraph=True)
    whole = whole_graph(snapshot)
    whole.nodes["Product:p0"]["title"] = 'Tea & "two" <sugars>\ufffd'
    assert dict(read.nodes(data=True)) == dict(whole.nodes(data=True))
    assert sorted(read.edges(data=True), key=str) == sorted(whole.edges(data=True), key=str)


def test_networkx_reads_the_json_as_it_is(snapshot: Snapshot, tmp_path: Path) -> None:
    write_node_link(snapshot, tmp_path / "shop.json")
    document = json.loads((tmp_path / "shop.json").read_text(encoding="utf-8"))
    read = nx.node_link_graph(document, edges="edges")
    whole = whole_graph(snapshot)
    for _, attributes in whole.nodes(data=True):
        del attributes["id"]
    assert nx.utils.graphs_equal(read, whole)
