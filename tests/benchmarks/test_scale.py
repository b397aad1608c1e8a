import json
import sys

import numpy as np
import pytest

from benchmarks import scale
from benchmarks.made_shop import EVENTS_PER_USER, made_shop
from schema.errors import PathrecError


@pytest.fixture(scope="module")
def run():
    return scale.measured(300, seed=1)


def test_the_same_numbers_make_the_same_shop():
    one, other = made_shop(100, 80, seed=3), made_shop(100, 80, seed=3)
    assert (one.events.product == other.events.product).all()
    assert (one.events.time_ms == other.events.time_ms).all()
    assert one.ids == other.ids


def test_a_made_shop_is_whole():
    shop = made_shop(300, 200)
    events = shop.events
    assert (shop.products, shop.users, len(events)) == (300, 200, 200 * EVENTS_PER_USER)
    assert (np.diff(events.time_ms) >= 0).all()
    assert 0 <= events.product.min() <= events.product.max() < shop.products
    assert ((events.basket >= 0) == (events.behaviour == shop.target)).all()
    assert events.basket.max() + 1 == len(shop.baskets)
    for name in ("IN_CATEGORY", "MADE_BY"):
        assert (np.sort(shop.edges[name].source) == np.arange(shop.products)).all()
        assert shop.edges[name].target.max() < len(shop.ids[shop.ontology.relations[name].target])


def test_everything_in_one_basket_is_of_one_user():
    events = made_shop(300, 200).events
    owner = np.full(events.basket.max() + 1, -1)
    owner[events.basket[events.basket >= 0]] = events.user[events.basket >= 0]
    assert (owner[events.basket[events.basket >= 0]] == events.user[events.basket >= 0]).all()


def test_popularity_follows_a_power_law():
    counts = np.sort(np.bincount(made_shop(1_000, 2_000).events.product, minlength=1_000))[::-1]
    assert counts[:100].sum() > 0.3 * counts.sum()


def test_a_size_is_measured_by_stage(run):
    assert list(run["stages"])[-1] == "building"
    assert all(scale.stage_of(run, name)["seconds"] > 0 for name in ("learning", "fitting", "building"))
    assert 10**8 < run["held_before_bytes"] <= run["peak_memory_bytes"]
    assert run["answer_ms"]["p50"] <= run["answer_ms"]["p99"]
    assert set(run["models"]) == {"pathrec", "popularity"}
    assert json.loads(json.dumps(run)) == run


def test_a_size_that_failed_has_its_row(run):
    assert len(scale.row("1M", {"error": "killed"})) == len(scale.row("300", run)) == len(scale.HEAD)


def test_what_was_measured_is_not_measured_again(run, monkeypatch, tmp_path):
    asked = []
    monkeypatch.setattr(scale, "measure_apart", lambda size, seed, minutes: asked.append(size) or {"error": "killed"})
    earlier = {"sizes": {"300": run, "10k": {"error": "killed"}}}
    report = scale.measure_all(["10k", "300"], 1, earlier=earlier, json_path=tmp_path / "scale.json")
    assert asked == ["10k"]
    assert report["sizes"]["300"] == run
    assert json.loads((tmp_path / "scale.json").read_text()) == report


def test_the_page_gets_its_table_and_keeps_the_rest(run):
    report = scale.document({"300": run})
    page = scale.with_table(f"before\n{scale.BEGIN}\nyesterday’s\n{scale.END}\nafter\n", scale.markdown(report))
    assert page.startswith("before\n")
    assert page.endswith("\nafter\n")
    assert "yesterday’s" not in page
    assert scale.with_table(page, scale.markdown(report)) == page
    assert f"| 300 | {run['data']['events']:,} |" in page


def test_a_page_without_a_place_for_the_table_is_refused():
    with pytest.raises(PathrecError, match="scale: begin"):
        scale.with_table("nothing", "table")


def test_the_picture_has_memory_and_time(run):
    picture = scale.picture(scale.document({"300": run}))
    assert "Memory of training" in picture
    assert "Time of training" in picture


def test_a_size_is_read_with_its_letter():
    assert [scale.count(size) for size in ("300", "10k", "1M")] == [300, 10_000, 1_000_000]


def test_one_size_is_measured_in_a_process_of_its_own(monkeypatch):
    monkeypatch.setattr(sys, "executable", "false")
    assert "ended with code" in scale.measure_apart("10k", 0)["error"]
