"""What a server takes of its machine."""

import gc
from pathlib import Path

import pytest
from served_shop import served_here
from threadpoolctl import threadpool_info, threadpool_limits

from api.server import app
from api.settings import Settings


def test_requests_share_no_threads_for_matrices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATHREC_HOME", str(tmp_path))
    with threadpool_limits(2, "blas"):
        app()
        assert {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"} == {1}


def test_a_model_that_is_served_is_left_out_of_garbage_collection(untouched: Path) -> None:
    with served_here(Settings(home=untouched)) as shop:
        assert shop.recommend({"userId": "u1"})["edges"]
        assert gc.get_freeze_count() > 10_000
    assert gc.get_freeze_count() == 0
