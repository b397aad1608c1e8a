"""What the doctor finds in homes that are well, new, or broken in a known way."""

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from api import registry
from api.doctor import Finding, examine
from api.settings import Settings
from graph import Store

MakeArtifact = Callable[..., Path]


def findings(home: Path, **settings: object) -> dict[str, Finding]:
    return {found.subject: found for found in examine(Settings(home=home, **settings))}  # type: ignore[arg-type]


@pytest.fixture
def store(embedded_store: Store) -> Store:
    """A store of two products."""
    embedded_store.load_nodes("Product", pa.table({"id": ["lamp", "vase"], "title": ["Lamp", "Vase"]}))
    return embedded_store


def test_a_new_home_has_warnings_and_no_problems(tmp_path: Path) -> None:
    found = findings(tmp_path / "home")
    assert {finding.state for finding in found.values()} <= {"ok", "warning"}
    assert found["store"].state == found["model"].state == "warning"
    assert not (tmp_path / "home").exists()


def test_everything_that_is_not_well_has_a_remedy(tmp_path: Path) -> None:
    for finding in findings(tmp_path, store="bolt://127.0.0.1:1").values():
        assert (finding.state == "ok") == (finding.remedy is None)


def test_a_store_that_is_down_is_a_problem(tmp_path: Path) -> None:
    found = findings(tmp_path, store="bolt://127.0.0.1:1")["store"]
    assert found.state == "problem"
    assert "bolt://127.0.0.1:1" in found.says


def test_a_shop_that_fits_its_model_is_well(store: Store, tmp_path: Path, make_artifact: MakeArtifact) -> None:
    registry.publish(tmp_path, make_artifact("first"))
    found = findings(tmp_path, store=store.url)
    assert found["store"].says == "embedded: 2 Product"
    assert found["model and graph"].state == "ok"
    assert found["changes"].state == "ok"


def test_a_damaged_model_is_a_problem(tmp_path: Path, make_artifact: MakeArtifact) -> None:
    registry.publish(tmp_path, make_artifact("first"))
    (tmp_path / "models" / "first" / "products.parquet").write_bytes(b"")
    found = findings(tmp_path)["model"]
    assert found.state == "problem"
    assert "products.parquet" in found.says


def test_a_damaged_snapshot_is_a_problem(store: Store, tmp_path: Path) -> None:
    store.export(tmp_path / "snapshot")
    assert findings(tmp_path, store=store.url)["snapshot"].state == "ok"
    (tmp_path / "snapshot" / "events.parquet").unlink()
    assert findings(tmp_path, store=store.url)["snapshot"].state == "problem"


def test_a_text_model_that_is_not_one_is_a_problem(tmp_path: Path) -> None:
    assert findings(tmp_path, text_model=str(tmp_path))["text encoder"].state == "problem"
