from collections.abc import Iterator

import numpy as np
import pytest
import torch
from quick_training import quick_training, short_training
from small_shop import SmallShop, checkerboard

from gnn.artifact import Artifact, save_artifact
from gnn.scoring import Scorer
from gnn.train import train
from schema import Snapshot

# These shops are so small that a second thread only waits.
torch.set_num_threads(1)


@pytest.fixture(scope="session")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    return checkerboard().write(tmp_path_factory.mktemp("shop") / "snapshot")


@pytest.fixture(scope="session")
def artifact(snapshot: Snapshot) -> Artifact:
    with short_training():
        return train(snapshot, seed=1, device="cpu")


@pytest.fixture(scope="session")
def artifact_folder(artifact: Artifact, tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("models") / "artifact"
    save_artifact(artifact, folder)
    return folder


@pytest.fixture(scope="session")
def unmet() -> SmallShop:
    """The checkerboard and product 40, which nobody met and which is like product 0 in all that is known of it."""
    shop = checkerboard()
    shop.products += 1
    shop.edges = {**shop.edges, "IN_CATEGORY": [*shop.edges["IN_CATEGORY"], (40, 0, 1.0)]}
    shop.text = np.vstack([shop.text, shop.text[0]])
    return shop


@pytest.fixture(scope="session")
def unmet_scorer(unmet: SmallShop, tmp_path_factory: pytest.TempPathFactory) -> Scorer:
    with short_training():
        return train(unmet.write(tmp_path_factory.mktemp("unmet") / "s"), seed=0, device="cpu").scorer


@pytest.fixture
def quick() -> Iterator[None]:
    """Training takes few steps."""
    with quick_training():
        yield
