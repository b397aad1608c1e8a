from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from small_shop import SmallShop
from themed_shop import WORDS, themed_shop, titles

from ingestion.finetuning.exam import part_of
from ingestion.finetuning.lessons import DESCRIBED, FinetuningError, Lessons, read_lessons
from schema import Snapshot

OF_A_THEME = 3 * WORDS


@pytest.fixture(scope="module")
def lessons(snapshot: Snapshot) -> Lessons:
    return read_lessons(snapshot)


def described_shop() -> SmallShop:
    names = titles()
    return replace(themed_shop(), descriptions=[f"about {name}" if n % 2 else None for n, name in enumerate(names)])


def test_nothing_is_learned_about_a_product_that_is_held_out(lessons: Lessons) -> None:
    used = np.union1d(lessons.pairs.first, lessons.pairs.second)
    assert {part_of(f"p{product}") for product in used} == {"trained"}
    names = titles()
    for exam, part in ((lessons.stopping, "stopping"), (lessons.reported, "reported")):
        asked = {names.index(exam.texts[position]) for position in exam.product}
        assert {part_of(f"p{product}") for product in asked} == {part}
        assert len(exam.texts) == len(names)


def test_no_partner_is_a_negative(lessons: Lessons) -> None:
    drawn = lessons.draw(60, np.random.default_rng(0))
    masked = lessons.no_negatives(drawn)
    theme_of_first, theme_of_second = (
        side[drawn] // OF_A_THEME for side in (lessons.pairs.first, lessons.pairs.second)
    )
    same_theme = theme_of_first[:, None] == theme_of_second
    np.fill_diagonal(same_theme, False)
    assert np.array_equal(masked, same_theme)


def test_the_same_text_is_no_negative_even_if_nobody_bought_both(tmp_path: Path) -> None:
    names = titles()
    twin = OF_A_THEME + next(n for n in range(OF_A_THEME) if part_of(f"p{OF_A_THEME + n}") == "trained")
    partner = next(n for n in range(1, OF_A_THEME) if part_of(f"p{n}") == "trained")
    names[twin] = names[partner]
    lessons = read_lessons(replace(themed_shop(), titles=names).write(tmp_path / "s"))
    of_twin = np.flatnonzero(lessons.pairs.first == twin)[:1]
    to_partner = np.flatnonzero(lessons.pairs.second == partner)[:1]
    assert lessons.no_negatives(np.concatenate([of_twin, to_partner]))[0, 1]


def test_a_title_goes_with_its_description_where_there_is_one(tmp_path: Path) -> None:
    lessons = read_lessons(described_shop().write(tmp_path / "s"))
    own = np.flatnonzero(lessons.pairs.first == lessons.pairs.second)
    products = lessons.pairs.first[own]
    assert set(products) == {n for n in range(len(titles())) if n % 2 and part_of(f"p{n}") == "trained"}
    for position, product in zip(own, products, strict=True):
        title = titles()[product]
        assert lessons.texts[lessons.left[position]] == title
        assert lessons.texts[lessons.right[position]] == f"about {title}"
        assert lessons.texts[product] == f"{title}. about {title}"
    assert lessons.pairs.weight[own].sum() / lessons.pairs.weight.sum() == pytest.approx(DESCRIBED)


def test_a_shop_without_pairs_is_told_what_is_missing(tmp_path: Path) -> None:
    shop = themed_shop()
    alone = [(*event[:4], None) for event in shop.events]
    with pytest.raises(FinetuningError, match="map the basket or the session"):
        read_lessons(replace(shop, events=alone).write(tmp_path / "s"))


def test_a_shop_that_is_too_small_is_told_so(tmp_path: Path) -> None:
    with pytest.raises(FinetuningError, match=r"too small .* pairs .* held-out"):
        read_lessons(themed_shop(baskets=60).write(tmp_path / "s"))


def test_a_shop_without_texts_is_told_so(tmp_path: Path) -> None:
    with pytest.raises(FinetuningError, match="no product has a text"):
        read_lessons(replace(themed_shop(), titles=()).write(tmp_path / "s"))
