"""A server that asks for keys, and everybody who has one."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import jwt
from served_shop import Client, served_here

from api.settings import Settings

SECRET = "a secret for signing that no test tells anybody" * 2
KEYS = {role: f"the-{role}-key-of-the-tests" for role in ("storefront", "server", "expert", "admin")}


@dataclass(frozen=True)
class Keyed:
    """A server, asked by whoever shows what."""

    home: Path
    client: Client
    _clients: ExitStack

    def by(self, shown: str | None) -> Client:
        """A client with a key or a token; None shows nothing."""
        headers = {} if shown is None else {"authorization": f"Bearer {shown}"}
        http = httpx.Client(timeout=60, trust_env=False, headers=headers)
        return Client(self.client.url, self._clients.enter_context(http))


def token(user: str | None, **claims: Any) -> str:
    """A token for a user of the shop, which outlasts the tests."""
    return jwt.encode(
        {"exp": time.time() + 24 * 3600, **({"sub": user} if user else {}), **claims}, SECRET, algorithm="HS256"
    )


def keyed_settings(home: Path, **more: Any) -> Settings:
    """Settings with a key for each role and a login's secret; no encoder is started."""
    keys = ",".join(f"{role}:{secret}" for role, secret in KEYS.items())
    given = {"api_keys": keys, "jwt_key": SECRET, "jwt_algorithms": "HS256", "text_model": str(home / "none"), **more}
    return Settings(home=home, **given)


@contextmanager
def keyed_here(home: Path, **more: Any) -> Iterator[Keyed]:
    """A server of a home that asks for keys, in a thread of this process."""
    with served_here(keyed_settings(home, **more)) as client, ExitStack() as clients:
        deadline = time.monotonic() + 60  # a busy machine may need more than one try at the model
        while client.http.get(f"{client.url}/readyz").status_code != httpx.codes.OK and time.monotonic() < deadline:
            time.sleep(0.1)
        yield Keyed(home, client, clients)
