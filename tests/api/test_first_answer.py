from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from api.first_answer import AnswerError, ask_first, check_sum, typical_user
from tests.support.small_shop import SmallShop

EDGE: dict[str, Any] = {
    "score": 3.5,
    "node": {"productId": "lamp"},
    "explanation": {"prior": 1.0, "contributions": [{"value": 4.0}, {"value": -2.0}], "remainder": {"value": 0.5}},
}


def test_a_score_that_is_the_sum_of_its_parts_passes() -> None:
    check_sum(EDGE)


def test_a_score_that_is_not_is_refused() -> None:
    edge = deepcopy(EDGE)
    edge["explanation"]["remainder"]["value"] = 0.501
    with pytest.raises(AnswerError, match=r"lamp: its score is 3\.5"):
        check_sum(edge)


def test_a_server_that_is_not_there_is_named() -> None:
    with pytest.raises(AnswerError, match=r"http://127\.0\.0\.1:1/graphql: no answer"):
        ask_first("http://127.0.0.1:1", "u")


def test_the_typical_user_is_the_first_with_a_handful_of_purchases(tmp_path: Path) -> None:
    few = [(0, n, "purchase", float(n), None) for n in range(4)]
    views = [(1, n, "view", float(n), None) for n in range(9)]
    many = [(user, n, "purchase", float(n), None) for user in (2, 3) for n in range(5)]
    unknown = [(None, n, "purchase", float(n), None) for n in range(9)]
    SmallShop(products=10, users=4, events=[*few, *views, *many, *unknown]).write(tmp_path / "rich")
    assert typical_user(tmp_path / "rich") == "u2"
    SmallShop(products=10, users=2, events=[*few, *views]).write(tmp_path / "poor")
    assert typical_user(tmp_path / "poor") == "u0"


def test_a_shop_without_known_buyers_is_named(tmp_path: Path) -> None:
    SmallShop(products=10, users=2, events=[(None, 1, "purchase", 1.0, None), (1, 1, "view", 1.0, None)]).write(
        tmp_path / "s"
    )
    with pytest.raises(AnswerError, match="no known user has a purchase"):
        typical_user(tmp_path / "s")
