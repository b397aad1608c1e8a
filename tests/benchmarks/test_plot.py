import math
import xml.etree.ElementTree as ET

from benchmarks.plot import Line, Panel, shortened, svg

SVG = "{http://www.w3.org/2000/svg}"


def drawn(*panels: Panel) -> ET.Element:
    return ET.fromstring(svg(panels, "a & b"))  # noqa: S314 (our own text)


def test_every_line_has_its_points_and_its_place_in_the_legend():
    lines = [Line("one", [1, 2, 3], [0.1, 0.3, 0.2]), Line("two <b>", [1, 2], [0.2, 0.2])]
    picture = drawn(Panel("Title", "x", "y", lines))
    assert len(picture.findall(f".//{SVG}polyline")) == 2
    assert len(picture.findall(f".//{SVG}circle")) == 5
    assert {"Title", "x", "y", "one", "two <b>"} <= {text.text for text in picture.iter(f"{SVG}text")}
    assert picture.get("aria-label") == "a & b"


def test_a_line_of_both_panels_is_in_the_legend_once():
    panel = Panel("Title", "x", "y", [Line("one", [1, 2], [3, 4])])
    assert [text.text for text in drawn(panel, panel).iter(f"{SVG}text")].count("one") == 1


def test_points_that_are_no_numbers_are_left_out():
    picture = drawn(Panel("Title", "x", "y", [Line("one", [1, 2, 3], [1.0, math.nan, 2.0])]))
    assert len(picture.findall(f".//{SVG}circle")) == 2


def test_all_points_lie_within_the_axes():
    values = [0.07, 0.11, 0.09]
    for log in (False, True):
        picture = drawn(Panel("Title", "x", "y", [Line("one", [10, 100, 1000], values)], log=log))
        for circle in picture.iter(f"{SVG}circle"):
            assert 62 <= float(circle.get("cx")) <= 422
            assert 44 <= float(circle.get("cy")) <= 270


def test_one_point_alone_can_be_drawn():
    for log in (False, True):
        assert len(drawn(Panel("Title", "x", "y", [Line("one", [10], [5])], log=log)).findall(f".//{SVG}circle")) == 1


def test_a_panel_without_points_says_so():
    assert "nothing was measured" in svg([Panel("Title", "x", "y", [Line("one", [], [])])], "nothing")


def test_large_numbers_are_shortened():
    assert [shortened(number) for number in (0, 0.05, 20, 10_000, 1_500_000)] == ["0", "0.05", "20", "10k", "1.5M"]
