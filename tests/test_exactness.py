"""The explanation is the score: on the demo shop and on a real one, asked from outside."""

from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from exactness import check_exactness
from random_model import context_of
from served_shop import Client

from api import registry
from api.child_server import ChildServer
from api.settings import Settings
from gnn.artifact import load_artifact
from gnn.data import read_shop
from gnn.histories import histories
from gnn.scoring import bought, top
from schema import open_snapshot
from tests.support.commands import encoderless_server
from tests.support.demo_run import Demo

NOTHING = np.empty(0, np.int64)

pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def demo_home(demo: Demo) -> Path:
    return demo.home


@pytest.fixture(scope="module")
def retail_server(retail_home: Path) -> Iterator[ChildServer]:
    with encoderless_server(Settings(home=retail_home)) as server:
        yield server


@pytest.fixture(scope="module", params=["demo", "retail"])
def of(request: pytest.FixtureRequest) -> Callable[[str], Any]:
    """Home or server of a shop."""
    return lambda what: request.getfixturevalue(f"{request.param}_{what}")


@pytest.fixture(scope="module")
def home(of: Callable[[str], Any]) -> Path:
    return Path(of("home"))


@pytest.fixture(scope="module")
def artifact(home: Path) -> Path:
    found = registry.served(home)
    assert found is not None
    return found


@pytest.fixture(scope="module")
def shop(of: Callable[[str], Any]) -> Iterator[Client]:
    with httpx.Client(timeout=60, trust_env=False) as http:
        yield Client(of("server").url, http)


def test_a_thousand_scores_are_those_of_plain_loops_and_the_sum_of_their_parts(
    shop: Client, home: Path, artifact: Path
) -> None:
    check_exactness(shop, home / "snapshot", artifact, pairs=1_000, users=60)


def test_the_served_top_twenty_is_the_evaluators(shop: Client, home: Path, artifact: Path) -> None:
    data, scorer = read_shop(open_snapshot(home / "snapshot")), load_artifact(artifact).scorer
    past = histories(data)
    known = np.flatnonzero(past.lengths())
    for user in known[:: len(known) // 20]:
        name = data.ids["User"][user]
        query = "query($u: String) { recommendations(audience: {userId: $u}) { asOf edges { node { productId } } } }"
        answer = shop.ask(query, u=name)["recommendations"]
        moment = datetime.fromisoformat(answer["asOf"])
        history = past.of(int(user))
        allowed = ~bought(history, scorer.behaviours, "purchase", scorer.size)
        now = scorer.at(int(moment.replace(second=0, microsecond=0).timestamp() * 1000), NOTHING, NOTHING)
        expected = top(now.in_context(context_of(data, int(user))).score(history, moment, name), 20, allowed)
        assert [edge["node"]["productId"] for edge in answer["edges"]] == [scorer.product_ids[p] for p in expected]
