from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from ingestion.finetuning.exam import Exam, Found, load_exam, make_exam, part_of, save_exam, take_exam
from ingestion.finetuning.pairs import Pairs
from schema.progress import Report, silent


@dataclass
class Angles:
    """An encoder whose texts are angles in degrees: nearer angles, nearer texts."""

    version: str = "angles"
    width: int = 2

    def encode(self, texts: Sequence[str], report: Report = silent) -> np.ndarray:
        angles = np.radians([float(text) for text in texts])
        return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def pairs(*both: tuple[int, int]) -> Pairs:
    first, second = np.array(both).T
    return Pairs(first, second, np.ones(len(both)))


def exam(texts: Sequence[str], *both: tuple[int, int]) -> Exam:
    first, second = np.array(both).T
    return Exam(tuple(texts), first, second)


def test_recall_and_rank_of_partners_by_hand() -> None:
    texts = [str(angle) for angle in range(60)]
    # Of 0 the second and the fortieth nearest, of 59 the nearest.
    found = take_exam(exam(texts, (0, 2), (0, 40), (59, 58)), Angles())
    assert found.products == 2
    assert found.recall == pytest.approx((1 / 2 + 1) / 2)
    assert found.mrr == pytest.approx((1 / 2 + 1) / 2)


def test_a_product_of_the_same_text_stands_in_nobodys_way() -> None:
    assert take_exam(exam(["0", "0", "0", "5", "9"], (0, 3)), Angles()).mrr == 1


def test_among_equals_a_partner_comes_last() -> None:
    assert take_exam(exam(["0", "5", "-5"], (0, 1)), Angles()).mrr == pytest.approx(1 / 2)


def test_a_tenth_of_the_products_decides_when_to_stop_and_a_tenth_is_reported_on() -> None:
    parts = [part_of(f"p{number}") for number in range(10_000)]
    for part in ("stopping", "reported"):
        assert parts.count(part) == pytest.approx(1000, rel=0.1)
    assert parts == [part_of(f"p{number}") for number in range(10_000)]


def test_questions_and_candidates_are_limited_and_partners_always_among_them() -> None:
    texts = ["" if n % 10 == 9 else str(n) for n in range(100)]
    made = make_exam(texts, pairs(*((n, n + 1) for n in range(0, 60, 10))), 3, 20)
    assert made.asked == 3
    assert len(made.texts) == 20 and "" not in made.texts
    for product, partner in zip(made.product, made.partner, strict=True):
        assert int(made.texts[partner]) == int(made.texts[product]) + 1
    whole = make_exam(texts, pairs((0, 1)), 3, 1000)
    assert len(whole.texts) == 90


def test_an_exam_can_be_kept_and_taken_again(tmp_path: Path) -> None:
    asked = exam(["0", "5", "20", "7"], (0, 2), (1, 3))
    save_exam(asked, tmp_path)
    assert take_exam(load_exam(tmp_path), Angles()) == take_exam(asked, Angles())


def test_figures_go_by_their_names() -> None:
    assert Found(2, 0.5, 0.25).as_dict() == {"products": 2, "recall@20": 0.5, "mrr": 0.25}
