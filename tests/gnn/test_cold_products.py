from dataclasses import replace

import numpy as np
import pytest
from small_shop import checkerboard

from gnn.cold_products import as_live, withhold, without_products
from gnn.data import read_shop
from gnn.splits import split_by_time
from gnn.tasks import Split


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    return read_shop(checkerboard().write(tmp_path_factory.mktemp("cold") / "snapshot"))


@pytest.fixture(scope="module")
def split(shop):
    cut = split_by_time(shop)
    return Split(cut.seen, cut.ask(cut.first))


def test_a_tenth_of_the_products_is_gone_with_all_that_is_known_of_them(split):
    withheld = withhold(split, 0)
    gone = {product.id for product in withheld.arrivals}
    assert len(gone) == 4
    assert gone.isdisjoint(withheld.seen.ids["Product"])
    assert withheld.seen.products == split.seen.products - 4
    assert len(withheld.seen.features["text"]) == withheld.seen.products


def test_events_and_relations_of_the_others_stay_as_they_were(shop):
    gone = np.zeros(shop.products, bool)
    gone[[0, 5]] = True
    left = without_products(shop, gone)

    def told(one):
        names = one.ids["Product"]
        columns = one.events.user, one.events.product, one.events.time_ms
        events = [(int(u), names[p], int(t)) for u, p, t in zip(*columns, strict=True)]
        edge = one.edges["COMPLEMENTS"]
        return events, [(names[s], names[t]) for s, t in zip(edge.source, edge.target, strict=True)]

    events, edges = told(shop)
    assert told(left) == (
        [event for event in events if event[1] not in ("p0", "p5")],
        [edge for edge in edges if not {"p0", "p5"} & set(edge)],
    )


def test_what_arrives_has_its_features_and_its_relations_in_both_directions(shop):
    (product,) = as_live(shop, np.array([2], np.int32))
    assert product.id == "p2"
    assert product.features["text"] == pytest.approx(shop.features["text"][2])
    assert product.out == {"IN_CATEGORY": [("even", 1.0)]}
    assert product.into == {"COMPLEMENTS": [("p0", 1.0)]}


def test_a_product_without_a_feature_arrives_without_it(shop):
    bare = replace(shop, features={"text": np.zeros_like(shop.features["text"])})
    assert next(as_live(bare, np.array([2], np.int32))).features == {}


def test_every_answer_is_asked_for_once_as_cold_or_as_warm(split):
    withheld = withhold(split, 0)
    names = [*withheld.seen.ids["Product"], *(product.id for product in withheld.arrivals)]

    def asked(questions):
        rows = questions.answers.rows()
        return {(int(questions.user[row]), names[p]) for row, p in zip(rows, questions.answers.products, strict=True)}

    cold, warm = asked(withheld.cold), asked(withheld.warm)
    whole = split.questions.answers
    everything = {
        (int(split.questions.user[row]), split.seen.ids["Product"][p])
        for row, p in zip(whole.rows(), whole.products, strict=True)
    }
    assert cold | warm == everything
    assert {name for _, name in cold} <= {product.id for product in withheld.arrivals}
    assert {name for _, name in warm}.isdisjoint({product.id for product in withheld.arrivals})
