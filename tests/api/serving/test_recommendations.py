import pytest
from served_shop import Client


def test_a_known_user_gets_a_personal_list_of_what_they_have_not_bought(shop: Client) -> None:
    answer = shop.recommend({"userId": "u0"})
    assert answer["strategy"] == "PERSONAL"
    assert [edge["rank"] for edge in answer["edges"]] == list(range(1, 11))
    scores = [edge["score"] for edge in answer["edges"]]
    assert scores == sorted(scores, reverse=True)


@pytest.mark.parametrize("user", ["nobody", "", "'; DROP", "x" * 5000])
def test_somebody_unknown_gets_what_most_like(shop: Client, user: str) -> None:
    answer = shop.recommend({"userId": user})
    assert answer["strategy"] == "POPULAR"
    assert len(answer["edges"]) == 10
    assert all(edge["score"] == edge["explanation"]["prior"] for edge in answer["edges"])
