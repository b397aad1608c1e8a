from pathlib import Path

import pytest
from themed_shop import STEPS, themed_shop, write_model

from ingestion.encoders.adapter import AdapterManifest
from ingestion.finetuning import Course, finetune
from schema import Snapshot


@pytest.fixture(autouse=True)
def few_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ingestion.finetuning.train.STEPS", STEPS)


@pytest.fixture(scope="session")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    return themed_shop().write(tmp_path_factory.mktemp("themed") / "snapshot")


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="session")
def trained(snapshot: Snapshot, model: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, AdapterManifest]:
    """An adapter by LoRA, and what it says of itself."""
    folder = tmp_path_factory.mktemp("trained") / "adapter"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ingestion.finetuning.train.STEPS", STEPS)
        return folder, finetune(snapshot, folder, Course(str(model), device="cpu"))
