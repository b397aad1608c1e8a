"""A server whose store is not there says so and stays."""

import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import uvicorn
from served_shop import Client

from api.app import create_app
from api.settings import Settings


@pytest.fixture
def stranded(tmp_path: Path) -> Iterator[Client]:
    """A server of an empty home whose store does not listen."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        app = create_app(Settings(home=tmp_path, store="bolt://127.0.0.1:1", text_model=str(tmp_path / "none")))
        server = uvicorn.Server(uvicorn.Config(app, log_config=None))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        while not server.started:
            time.sleep(0.05)
        with httpx.Client(timeout=60, trust_env=False) as http:
            yield Client(f"http://127.0.0.1:{listening.getsockname()[1]}", http)
        server.should_exit = True
        thread.join()


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
