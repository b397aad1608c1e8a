"""The picture of the README's example, and for whom it is asked."""

import re

import pytest

from tools.readme import leads, picture

EDGE = {
    "score": 10.0,
    "node": {"title": "A title & more than fits on a card"},
    "explanation": {
        "prior": 1.0,
        "contributions": [
            {"relation": "MADE_BY", "value": 4.0, "text": "Made by who made “a lamp”, which you bought."},
            {"relation": "CO_BUYER", "value": 2.0, "text": "Bought with “a mug”, which you put into your cart."},
            {"relation": "IN_CATEGORY", "value": 1.0, "text": "In the category of “a bowl”, which you viewed 2 times."},
        ],
        "remainder": {"count": 7, "value": 2.0},
    },
}


@pytest.mark.parametrize(
    ("scores", "values", "clear"),
    [
        ([3.0, 2.0], [4.0, 3.0, 2.0, 1.0], True),
        ([3.0, 2.9], [4.0, 3.0, 2.0, 1.0], False),
        ([3.0, 2.0], [4.0, 3.0, 2.0, 1.95], False),
        ([3.0, 2.0], [4.0, 3.0, 2.0], False),
        ([3.0, 2.0], [4.0, 3.0, 2.0, -1.0], False),
    ],
)
def test_an_answer_is_clear_if_its_numbers_lead_by_a_fifth(scores, values, clear):
    assert leads(scores, values) == clear


def test_the_bars_are_as_long_as_what_they_stand_for():
    widths = [float(w) for w in re.findall(r'y="0" width="([0-9.]+)"', picture(EDGE))]
    assert [width + 2 for width in widths] == pytest.approx([81.2, 324.8, 162.4, 81.2, 162.4], abs=0.06)


def test_the_picture_says_what_was_done_and_is_well_formed():
    drawn = picture(EDGE)
    assert all(text in drawn for text in ("you bought it", "you put it into your cart", "you viewed it", "made by"))
    assert "A title &amp; more" in drawn
