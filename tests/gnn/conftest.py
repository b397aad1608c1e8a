import pytest
import torch
from small_shop import checkerboard

from gnn.artifact import Artifact, save_artifact
from gnn.train import train
from schema import Snapshot

# These shops are so small that a second thread only waits.
torch.set_num_threads(1)


@pytest.fixture(scope="session")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    return checkerboard().write(tmp_path_factory.mktemp("shop") / "snapshot")


@pytest.fixture(scope="session")
def artifact(snapshot: Snapshot) -> Artifact:
    return train(snapshot, seed=1, device="cpu")


@pytest.fixture(scope="session")
def artifact_folder(artifact: Artifact, tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("models") / "artifact"
    save_artifact(artifact, folder)
    return folder
