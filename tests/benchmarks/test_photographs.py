from pathlib import Path

import numpy as np
import pytest
from fashion_files import write_catalogue

from benchmarks.photographs import _without, draw, titles_without_types


@pytest.mark.parametrize(
    ("title", "kind", "left"),
    [
        ("Nike Men's T-shirts blue", "Tshirts", "Nike Men's blue"),
        ("Nike T Shirt", "Tshirts", "Nike"),
        ("Puma Men Casual Shoes", "Casual Shoes", "Puma Men"),
        ("Titan Women Silver Watch", "Watches", "Titan Women Silver"),
        ("Lakme Green Eye Liner", "Kajal and Eyeliner", "Lakme Green"),
        ("Timex Dial Watch", "Free Gifts", "Timex Dial Watch"),
    ],
)
def test_the_words_of_the_type_are_taken_from_a_title(title: str, kind: str, left: str) -> None:
    assert _without(title, kind) == left


def test_examples_and_judged_products_are_apart_and_of_types_with_enough_products(tmp_path: Path) -> None:
    write_catalogue(tmp_path / "fashion")
    drawn = draw(tmp_path, least=48, pool=5, judged=20, seed=0)
    assert drawn.names == ["Jeans", "Tshirts", "Watches"]
    assert drawn.pool.shape == (3, 5) and (drawn.types[drawn.pool] == np.arange(3)[:, None]).all()
    ids = drawn.products.column("id")
    assert len(set(ids)) == 35 and drawn.judged.tolist() == list(range(15, 35))
    assert not any("jeans" in title.lower() for title in titles_without_types(drawn))


def test_the_first_of_the_judged_can_be_taken_alone(tmp_path: Path) -> None:
    write_catalogue(tmp_path / "fashion")
    drawn = draw(tmp_path, least=48, pool=5, judged=20, seed=0)
    some = drawn.first(25)
    assert len(some.products) == len(some.types) == 25
    assert some.products.column("id") == drawn.products.column("id")[:25]
    assert some.judged.tolist() == list(range(15, 25))
