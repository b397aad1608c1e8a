from collections.abc import Iterator

import pytest
import torch
from quick_training import quick_training

# These shops are so small that a second thread only waits.
torch.set_num_threads(1)


@pytest.fixture(scope="module", autouse=True)
def _quick_training() -> Iterator[None]:
    """A few steps and questions: what is tested is who is asked what and what is told, not how good answers are."""
    with quick_training():
        yield
