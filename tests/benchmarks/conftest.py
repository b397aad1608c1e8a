from collections.abc import Iterator

import pytest
import torch

# These shops are so small that a second thread only waits.
torch.set_num_threads(1)
STEPS = 5


@pytest.fixture(scope="module", autouse=True)
def _quick_training() -> Iterator[None]:
    """A few steps and questions: what is tested is who is asked what and what is told, not how good answers are."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("gnn.learn.FEWEST_STEPS", STEPS)
        patch.setattr("gnn.learn.MOST_STEPS", STEPS)
        patch.setattr("gnn.questions.MOST_USERS", 20)
        patch.setattr("gnn.fit.STEPS", STEPS)
        yield
