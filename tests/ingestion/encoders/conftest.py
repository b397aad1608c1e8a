from pathlib import Path

import pytest

from tests.support.tiny_models import write_tiny_bert


@pytest.fixture(scope="session")
def tiny_bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bare transformers folder: a BERT of random weights and a vocabulary of eleven words."""
    return write_tiny_bert(tmp_path_factory.mktemp("tiny-bert"))
