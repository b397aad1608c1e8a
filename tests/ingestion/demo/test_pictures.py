import numpy as np

from ingestion.demo.pictures import SIZE, Picture, kinds, paint
from ingestion.demo.words import words


def pixels(kind: str, *, style: str = "Nordic", colour: str = "teal", turned: bool = False) -> np.ndarray:
    picture = Picture(kind, department=0, style=style, colour=words().colours[colour], turned=turned)
    return np.asarray(paint(picture)).astype(int)


def test_there_is_a_drawing_of_every_kind_of_product() -> None:
    assert set(kinds()) == {place.name for place in words().places}


def test_the_colour_of_a_product_is_in_its_picture() -> None:
    for kind in kinds():
        near = np.abs(pixels(kind) - words().colours["teal"]).max(axis=2) <= 2
        assert near.mean() > 0.015, kind
        assert (np.abs(pixels(kind) - pixels(kind, colour="plum")).max(axis=2) > 20).mean() > 0.03, kind


def test_no_two_kinds_look_alike() -> None:
    drawn = np.stack([pixels(kind)[::2, ::2, 1] for kind in kinds()])
    for row, one in enumerate(drawn):
        differs = (np.abs(drawn - one) > 30).mean(axis=(1, 2))
        assert np.delete(differs, row).min() > 0.06, kinds()[row]


def test_a_style_shows_as_a_pattern_and_a_design_may_be_turned() -> None:
    plain, dotted = pixels("T-shirts"), pixels("T-shirts", style="Playful")
    assert plain.shape == (SIZE, SIZE, 3)
    assert (plain != dotted).any(axis=2).mean() > 0.05
    assert np.array_equal(pixels("Mugs", turned=True), pixels("Mugs")[:, ::-1])
