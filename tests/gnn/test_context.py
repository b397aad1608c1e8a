import numpy as np
import pytest
from random_model import NOW, random_model
from small_shop import SmallShop

from gnn.artifact import Artifact, describe, load_artifact, save_artifact
from gnn.context import FEWEST_PEOPLE, LARGEST, contexts, contexts_of, weighted
from gnn.data import read_shop
from gnn.histories import histories
from gnn.live_links import LiveProduct
from gnn.overlay import write_products

PEOPLE = 4 * FEWEST_PEOPLE


def shop_of(folder, *, countries, products=6):
    """The first half of the people buys the first half of the products, the others the other half."""
    half = products // 2
    events = [
        (user, product, "purchase", float(product), None)
        for user in range(PEOPLE)
        for product in range(half * (2 * user // PEOPLE), half * (2 * user // PEOPLE) + half)
    ]
    # One product that both halves buy.
    events += [(user, products, "purchase", 50.0, None) for user in range(PEOPLE)]
    return read_shop(SmallShop(products + 2, PEOPLE, events, countries=countries).write(folder / "snapshot"))


def halves(first="at", second="be"):
    return [first] * (PEOPLE // 2) + [second] * (PEOPLE // 2)


def test_what_a_country_buys_is_lifted_there_and_lowered_elsewhere(tmp_path):
    found = contexts(shop_of(tmp_path, countries=halves())).priors["country"]
    at, be = (found.lift(found.values.index(value)) for value in ("at", "be"))
    assert (at[:3] > 0.5).all()
    assert (at[3:6] < -0.5).all()
    assert at[:3] == pytest.approx(be[3:6])


def test_a_lift_is_the_log_of_counts_against_what_was_expected(tmp_path):
    found = contexts(shop_of(tmp_path, countries=halves())).priors["country"]
    half, a = PEOPLE / 2, found.shape[0]
    everybody = 8 * half  # 20 people x 4 products, twice
    expected = 4 * half * np.array([half, half, half, half, half, half, 2 * half, 0]) / everybody
    taken = np.array([half, half, half, 0, 0, 0, half, 0])
    assert found.lift(found.values.index("at")) == pytest.approx(np.log((taken + a) / (expected + a)))


def test_what_everybody_buys_alike_and_what_nobody_bought_is_not_lifted(tmp_path):
    found = contexts(shop_of(tmp_path, countries=halves())).priors["country"]
    for row in range(2):
        assert found.lift(row)[6:] == pytest.approx(0.0)


def test_a_country_that_says_nothing_has_next_to_no_lift(tmp_path):
    countries = ["at", "be"] * (PEOPLE // 2)
    found = contexts(shop_of(tmp_path, countries=countries)).priors["country"]
    assert (found.shape == LARGEST).all()
    assert found.lift(0) == pytest.approx(0.0, abs=1e-4)


def test_a_country_of_few_people_is_left_out(tmp_path):
    countries = halves()
    countries[: FEWEST_PEOPLE - 1] = ["ch"] * (FEWEST_PEOPLE - 1)
    found = contexts(shop_of(tmp_path, countries=countries))
    assert found.priors["country"].values == ("at", "be")
    assert (found.rows["country"][: FEWEST_PEOPLE - 1] == -1).all()


@pytest.mark.parametrize("countries", [(), ["at"] * PEOPLE, [None] * PEOPLE])
def test_a_property_that_tells_nobody_apart_is_absent(tmp_path, countries):
    found = contexts(shop_of(tmp_path, countries=countries))
    assert found.priors == {}
    assert found.rows == {}


def test_a_property_without_weight_is_absent(tmp_path):
    found = contexts(shop_of(tmp_path, countries=halves()))
    assert weighted(found, {}) == {}
    assert weighted(found, {"country": 0.5})["country"].lift(0) == pytest.approx(0.5 * found.priors["country"].lift(0))


def test_lifts_of_some_products_are_those_of_all(tmp_path):
    shop = shop_of(tmp_path, countries=halves())
    found = contexts(shop)
    some = np.array([6, 0, 4])
    for user in (0, PEOPLE - 1):
        row = found.rows["country"][user]
        assert found.lifts(user, some)[0] == pytest.approx(found.priors["country"].lift(row)[some])


def test_somebody_of_whom_nothing_is_known_gets_the_common_prior(tmp_path):
    model = random_model(tmp_path, 0)
    nothing = histories(model.shop).of(0).take(np.empty(0, np.intp))
    for context in ({}, {"country": "nowhere"}, {"planet": "at"}):
        assert model.scorer.in_context(context) is model.scorer
    at = model.scorer.in_context({"country": "at"})
    assert (at.score(nothing, NOW) == at.prior).all()
    assert at.prior - model.scorer.prior == pytest.approx(model.scorer.lifts({"country": "at"})["country"])
    assert np.ptp(at.prior - model.scorer.prior) > 0


def test_an_artifact_keeps_the_lifts(tmp_path):
    model = random_model(tmp_path, 1)
    manifest = describe(model.scorer, created_at=NOW, as_of=NOW, change_number=0, fit={})
    save_artifact(Artifact(manifest, model.scorer), tmp_path / "again")
    loaded = load_artifact(tmp_path / "again").scorer
    for value in ("at", "be", "ch"):
        before, after = (s.in_context({"country": value}).prior for s in (model.scorer, loaded))
        assert (before == after).all()


def test_a_product_that_came_later_is_not_lifted(tmp_path):
    model = random_model(tmp_path, 2)
    now = write_products(model.scorer, [LiveProduct("new", {}, {}, {})])
    lift = now.lifts({"country": "be"})["country"]
    assert lift[-1] == 0
    assert (lift[:-1] == model.scorer.lifts({"country": "be"})["country"]).all()


def test_users_of_another_shop_find_their_country_by_name(tmp_path):
    shop = shop_of(tmp_path, countries=halves())
    priors = weighted(contexts(shop), {"country": 1.0})
    other = shop_of(tmp_path / "other", countries=halves("ch", "at"))
    rows = contexts_of(priors, other).rows["country"]
    assert (rows[: PEOPLE // 2] == -1).all()
    assert (rows[PEOPLE // 2 :] == priors["country"].values.index("at")).all()
