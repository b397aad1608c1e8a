"""A server whose store is not there says so and stays."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from served_shop import Client, served_here

from api.settings import Settings


@pytest.fixture
def stranded(tmp_path: Path) -> Iterator[Client]:
    """A server of an empty home whose store does not listen."""
    with served_here(Settings(home=tmp_path, store="bolt://127.0.0.1:1", text_model=str(tmp_path / "none"))) as client:
        yield client


def test_a_store_that_is_down_is_named_at_readyz_and_hidden_from_clients(stranded: Client) -> None:
    assert stranded.http.get(f"{stranded.url}/healthz").status_code == 200
    response = stranded.http.get(f"{stranded.url}/readyz")
    assert response.status_code == 503
    found = response.json()
    assert found["status"] == "not ready"
    assert "127.0.0.1:1" in found["store"]["problem"]
    assert found["artifact"]["status"] == "missing"
    for query in ('{ product(productId: "p1") { title } }', "{ recommendations(audience: {}) { asOf } }"):
        error = stranded.post(query)["errors"][0]
        assert error["extensions"]["code"] == "UNAVAILABLE"
        assert error["extensions"]["remedy"]
        assert "127.0.0.1:1" not in str(error)
