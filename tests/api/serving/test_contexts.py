"""The country of a viewer, from the store or from the request, in the prior of the answer."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from served_shop import PRODUCTS, Client, served_here

from api import registry
from api.settings import Settings
from gnn.artifact import Artifact, describe, load_artifact, save_artifact
from gnn.context import contexts, weighted
from gnn.data import read_shop
from graph import Store
from schema import open_snapshot

LISTS = """query($audience: AudienceInput!) { recommendations(audience: $audience, first: 40) { strategy edges {
    score node { productId } explanation { prior lifts { name value amount } } } } }"""


@pytest.fixture(scope="module")
def lifted(untouched: Path, apart: Store, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """A server whose model counts countries: in this shop histories say it all, so that fitting gives them nothing."""
    home = tmp_path_factory.mktemp("lifted")
    artifact = load_artifact(untouched / "trained")
    found = weighted(contexts(read_shop(open_snapshot(untouched / "snapshot"))), {"country": 0.5})
    scorer, says = replace(artifact.scorer, contexts=found, model_version="lifted"), artifact.manifest
    about = {"created_at": says.created_at, "as_of": says.as_of, "change_number": says.change_number, "fit": {}}
    save_artifact(Artifact(describe(scorer, **about), scorer), home / "counting")
    registry.publish(home, home / "counting")
    with served_here(Settings(home=home, store=apart.url, text_model=str(home / "none"))) as client:
        yield client


def answer(shop: Client, **audience: Any) -> dict[str, Any]:
    """Product -> edge, and the strategy."""
    found = shop.ask(LISTS, audience=audience)["recommendations"]
    return {"strategy": found["strategy"]} | {edge["node"]["productId"]: edge for edge in found["edges"]}


def country(value: str) -> list[dict[str, str]]:
    return [{"name": "country", "value": value}]


@pytest.mark.parametrize(("value", "parity"), [("AT", 0), ("BE", 1)])
def test_somebody_unknown_gets_what_is_liked_in_the_country_given(lifted: Client, value: str, parity: int) -> None:
    common, there = answer(lifted), answer(lifted, context=country(value))
    assert there.pop("strategy") == "POPULAR"
    assert len(there) == PRODUCTS
    for product, edge in there.items():
        (lift,) = edge["explanation"]["lifts"]
        assert (lift["name"], lift["value"]) == ("country", value)
        assert edge["score"] == edge["explanation"]["prior"]
        assert edge["score"] == pytest.approx(common[product]["score"] + lift["amount"])
        assert (lift["amount"] > 0) == (int(product[1:]) % 2 == parity)


def test_a_user_has_the_country_that_the_store_knows_unless_another_is_given(lifted: Client) -> None:
    def values(**more: Any) -> set[str]:
        found = answer(lifted, userId="u0", **more)
        assert found.pop("strategy") == "PERSONAL"
        return {lift["value"] for edge in found.values() for lift in edge["explanation"]["lifts"]}

    assert values() == {"AT"}
    assert values(context=country("BE")) == {"BE"}
    assert values(context=country("Atlantis")) == set()


def test_an_explanation_of_a_personal_score_adds_up_with_the_lift_in_its_prior(lifted: Client) -> None:
    for edge in lifted.recommend({"userId": "u0"}, shown=100)["edges"]:
        why = edge["explanation"]
        parts = [part["value"] for part in why["contributions"]] + [why["remainder"]["value"]]
        assert why["prior"] + sum(parts) == pytest.approx(edge["score"], abs=1e-5 * (1 + sum(map(abs, parts))))
        assert [lift["value"] for lift in why["lifts"]] == ["AT"]


def test_a_model_that_counts_no_country_has_no_lifts(shop: Client) -> None:
    for edge in shop.recommend({"context": country("AT")})["edges"]:
        assert edge["explanation"]["lifts"] == []
