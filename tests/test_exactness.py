"""The explanation is the score: on the demo shop and on a real one, asked from outside."""

from collections.abc import Iterator
from contextlib import contextmanager
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
from api.child_server import child_server
from api.settings import Settings
from gnn.artifact import load_artifact
from gnn.data import read_shop
from gnn.histories import histories
from gnn.scoring import Scorer, bought, top
from schema import open_snapshot
from tests.support.demo_run import Demo

pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="session")
def demo_home(demo: Demo) -> Path:
    return demo.home


@pytest.fixture(scope="module", params=["demo_home", "retail_home"])
def home(request: pytest.FixtureRequest) -> Path:
    found: Path = request.getfixturevalue(request.param)
    return found


@pytest.fixture(scope="module")
def artifact(home: Path) -> Path:
    found = registry.served(home)
    assert found is not None
    return found


@pytest.fixture(scope="module")
def shop(home: Path) -> Iterator[Client]:
    with _serving(home) as client:
        yield client


@contextmanager
def _serving(home: Path) -> Iterator[Client]:
    with child_server(Settings(home=home)) as server, httpx.Client(timeout=60, trust_env=False) as http:
        yield Client(server.url, http)


def _served_artifact(home: Path) -> Scorer:
    found = registry.served(home)
    assert found is not None
    return load_artifact(found).scorer


def test_a_thousand_scores_are_those_of_plain_loops_and_the_sum_of_their_parts(
    shop: Client, home: Path, artifact: Path
) -> None:
    check_exactness(shop, home / "snapshot", artifact, pairs=1_000, users=60)


def test_the_served_top_twenty_is_the_evaluators(shop: Client, home: Path, artifact: Path) -> None:
    data, scorer = read_shop(open_snapshot(home / "snapshot")), load_artifact(artifact).scorer
    past = histories(data)
    users = np.flatnonzero(past.lengths())[::200][:20]
    for user in users:
        name = data.ids["User"][user]
        query = "query($u: String) { recommendations(audience: {userId: $u}) { asOf edges { node { productId } } } }"
        answer = shop.ask(query, u=name)["recommendations"]
        moment = datetime.fromisoformat(answer["asOf"])
        history = past.of(int(user))
        allowed = ~bought(history, scorer.behaviours, "purchase", scorer.size)
        expected = top(scorer.in_context(context_of(data, int(user))).score(history, moment, name), 20, allowed)
        assert [edge["node"]["productId"] for edge in answer["edges"]] == [scorer.product_ids[p] for p in expected]


def test_the_prior_of_an_answer_has_the_lifts_of_its_context_in_it(demo_home: Path) -> None:
    (name, prior), *_ = _served_artifact(demo_home).contexts.items()
    query = """query($audience: AudienceInput!) { recommendations(audience: $audience, first: 50) { strategy edges {
        score node { productId } explanation { prior lifts { name value amount } } } } }"""

    def answer(**audience: object) -> tuple[str, dict[str, dict[str, Any]]]:
        found = shop.ask(query, audience=audience)["recommendations"]
        return found["strategy"], {edge["node"]["productId"]: edge for edge in found["edges"]}

    with _serving(demo_home) as shop:
        _, common = answer()
        lists = []
        for value in prior.values:
            strategy, found = answer(context=[{"name": name, "value": value}])
            assert strategy == "POPULAR"
            for product, edge in found.items():
                (lift,) = edge["explanation"]["lifts"]
                assert (lift["name"], lift["value"]) == (name, value)
                assert edge["score"] == edge["explanation"]["prior"]
                if product in common:
                    assert edge["score"] == pytest.approx(common[product]["score"] + lift["amount"])
            lists.append(tuple(found))
        assert len(set(lists)) == len(lists)
        _, unheard = answer(context=[{"name": name, "value": "nowhere"}])
        assert unheard == common


def test_a_user_has_the_context_that_the_store_knows_unless_another_is_given(demo_home: Path) -> None:
    data, (name, *_) = read_shop(open_snapshot(demo_home / "snapshot")), _served_artifact(demo_home).contexts
    known = data.contexts[name]
    user = int(np.flatnonzero(histories(data).lengths())[0])
    other = known.names[(known.codes[user] + 1) % len(known.names)]
    query = """query($audience: AudienceInput!) { recommendations(audience: $audience, first: 1) {
        edges { explanation { lifts { value } } } } }"""

    def values(**more: object) -> list[str]:
        audience = {"userId": data.ids["User"][user], **more}
        (edge,) = shop.ask(query, audience=audience)["recommendations"]["edges"]
        return [lift["value"] for lift in edge["explanation"]["lifts"]]

    with _serving(demo_home) as shop:
        assert values() == [known.names[known.codes[user]]]
        assert values(context=[{"name": name, "value": other}]) == [other]
