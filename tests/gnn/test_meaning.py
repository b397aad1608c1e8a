"""Products whose texts mean what some words mean."""

from dataclasses import replace

import numpy as np
import pytest

from gnn.likeness import Likeness, along, main_axes
from gnn.meaning import resemblance

TEXTS = np.array([[1.0, 0.0, 0.0], [0.6, 0.8, 0.0], [0.0, 0.0, 1.0], [0.0, 0.0, 0.0]], np.float32)


@pytest.fixture(scope="module")
def scorer(artifact):
    axes = main_axes(TEXTS, np.random.default_rng(0))
    known = np.empty(0, np.int64)
    likeness = Likeness({"text": axes}, {"text": along(TEXTS, axes)}, np.ones(4, bool), known, 0.0, 1.0)
    return replace(artifact.scorer, likeness=likeness)


def test_it_is_the_cosine_and_nothing_for_products_without_a_text(scorer):
    assert resemblance(scorer, np.array([2.0, 0.0, 0.0])) == pytest.approx([1.0, 0.6, 0.0, 0.0], abs=1e-3)


def test_a_text_that_changes_counts_at_once(scorer):
    now = replace(scorer, likeness=scorer.likeness.with_features({3: {"text": np.array([0.0, 0.0, 3.0])}}))
    assert resemblance(now, np.array([0.0, 0.0, 1.0])) == pytest.approx([0.0, 0.0, 1.0, 1.0], abs=1e-3)


def test_words_of_another_encoder_or_a_model_without_texts_say_nothing(scorer):
    assert resemblance(scorer, np.ones(5)) is None
    assert resemblance(replace(scorer, likeness=None), np.ones(3)) is None
    wordless = Likeness({}, {}, np.ones(4, bool), np.empty(0, np.int64), 0.0, 1.0)
    assert resemblance(replace(scorer, likeness=wordless), np.ones(3)) is None


def test_words_that_say_nothing_resemble_nothing(scorer):
    assert not resemblance(scorer, np.zeros(3)).any()
