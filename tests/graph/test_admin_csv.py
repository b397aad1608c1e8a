import os
import subprocess
from pathlib import Path

import numpy as np
import pyarrow as pa

from graph import Store, connect
from graph.admin_csv import ARGUMENTS, write_admin_csv
from schema.snapshot import Snapshot, open_snapshot
from tests.graph.shop_tables import fill
from tools.neo4j_server import running_server
from tools.neo4j_server.releases import Installed

TROUBLESOME = 'says "hello", \\ and;\nmore'


def filled(store: Store, path: Path) -> Snapshot:
    fill(store)
    products = pa.table({"id": ["mug", "hat"], "title": [TROUBLESOME, ""], "available": [True, False]})
    store.load_nodes("Product", products)
    matrix = np.asarray([[0.1, -2.5e-7], [1, 3.25]], np.float32)
    store.load_features("Product", "text", ["tea", "mug"], matrix, ["a", "b"])
    store.export(path)
    return open_snapshot(path)


def imported(installed: Installed, folder: Path, home: Path) -> None:
    """What `neo4j-admin @neo4j-admin.args` does, in the folder that was exported."""
    (home / "conf").mkdir(parents=True)
    command = [installed.jdk / "bin" / "java", "-cp", f"{installed.folder / 'jars'}/*", "org.neo4j.cli.AdminTool"]
    environment = os.environ | {"NEO4J_HOME": str(home), "NEO4J_CONF": str(home / "conf")}
    done = subprocess.run(
        [*command, f"@{ARGUMENTS}"], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_neo4j_imports_it_and_exports_the_same_snapshot(
    embedded_store: Store, neo4j_installed: Installed, tmp_path: Path
) -> None:
    snapshot = filled(embedded_store, tmp_path / "snapshot")
    write_admin_csv(snapshot, tmp_path / "csv")
    imported(neo4j_installed, tmp_path / "csv", tmp_path / "server")
    with running_server(neo4j_installed, tmp_path / "server") as server, connect(server.url) as store:
        assert store.counts() == embedded_store.counts()
        again = store.export(tmp_path / "again")
    assert again.files == snapshot.manifest.files
    assert again.ontology_hash == snapshot.manifest.ontology_hash


def test_an_empty_shop_has_files_with_headers_alone(embedded_store: Store, tmp_path: Path) -> None:
    embedded_store.export(tmp_path / "snapshot")
    write_admin_csv(open_snapshot(tmp_path / "snapshot"), tmp_path / "csv")
    text = (tmp_path / "csv" / "relationships" / "MADE_BY.csv").read_text(encoding="utf-8")
    assert text == '":START_ID(Product)",":END_ID(Brand)","weight:double","time:long"\n'
