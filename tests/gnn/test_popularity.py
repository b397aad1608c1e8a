from dataclasses import replace

import numpy as np
import pytest
from small_shop import START, SmallShop

from gnn.data import read_shop
from gnn.popularity import HORIZONS, Moment, Pulse, demand, for_horizons, share_of_unmet, shrunk_to_category
from gnn.units import MS_PER_DAY

DAY = 86_400_000
START_MS = int(START.timestamp() * 1000)
PRODUCTS = 6
NONE = np.empty(0, np.int64)


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    generator = np.random.default_rng(0)
    # Some at the same moment, several a product; the last product has none.
    events = [
        (
            int(generator.integers(4)),
            int(generator.integers(PRODUCTS - 1)),
            "view",
            float(generator.integers(0, 90)),
            None,
        )
        for _ in range(60)
    ]
    events.append((0, 0, "purchase", 100.0, None))
    edges = {"IN_CATEGORY": [(product, product % 2, 1.0) for product in range(PRODUCTS)]}
    small = SmallShop(PRODUCTS, 4, events, edges=edges, nodes={"Category": ["even", "odd"]})
    return read_shop(small.write(tmp_path_factory.mktemp("shop") / "s"))


def counted(shop, product, as_of_ms, half_life):
    """Decayed number of events before a moment; at the end of the data of all there are."""
    total = 0.0
    for when, what in zip(shop.events.time_ms, shop.events.product, strict=True):
        if what == product and (when < as_of_ms or as_of_ms >= shop.as_of_ms):
            age = (as_of_ms - when) / DAY
            total += 2 ** (-age / half_life)
    return total


def test_log_demand_is_that_of_plain_loops_at_any_moment(shop):
    known = demand(shop)
    moments = START_MS + np.array([0, 1, 30, 31, 77, 89]) * DAY
    # Also at moments when something happened, which does not count yet.
    moments = np.concatenate([moments, shop.events.time_ms[::7], [shop.as_of_ms]])
    for as_of in moments:
        found = known.log(int(as_of))
        for row, half_life in enumerate(known.horizons):
            at_end = [counted(shop, p, shop.as_of_ms, half_life) for p in range(PRODUCTS)]
            smoothing = 0.5 * np.mean(at_end)
            logs = np.log(np.array(at_end) + smoothing)
            for product in range(PRODUCTS):
                log = np.log(counted(shop, product, as_of, half_life) + smoothing)
                expected = (log - logs.mean()) / logs.std()
                assert found[row, product] == pytest.approx(expected, abs=1e-6)


def test_each_product_may_be_asked_for_at_a_moment_of_its_own(shop):
    known = demand(shop)
    products, moments = np.array([3, 0, 3]), START_MS + np.array([10, 50, 80]) * DAY
    found = known.log_of(products, moments)
    for column, (product, as_of) in enumerate(zip(products, moments, strict=True)):
        assert found[:, column] == pytest.approx(known.log(int(as_of))[:, product])


def test_nothing_that_happens_at_a_moment_or_later_counts_in_it(shop):
    cut = int(shop.events.time_ms[40])
    known = demand(shop)
    earlier = replace(shop, events=shop.events.take(shop.events.time_ms < cut))
    standard = {name: getattr(known, name) for name in ("smoothing", "centre", "deviation")}
    assert known.log(cut) == pytest.approx(replace(demand(earlier), **standard).log(cut), abs=1e-9)


def test_without_a_moment_it_is_the_end_of_the_data_that_has_seen_all(shop):
    known = demand(shop)
    assert known.log() == pytest.approx(known.log(shop.as_of_ms))
    assert known.log().mean(axis=1) == pytest.approx(np.zeros(len(known.horizons)), abs=1e-9)
    assert known.log().std(axis=1) == pytest.approx(np.ones(len(known.horizons)))


def test_half_lives_that_differ_on_the_data_are_used(shop):
    # 100 days: half-lives of less than 200 days and all time.
    assert demand(shop).horizons == (*(h for h in HORIZONS if h < 200), np.inf)


def test_without_times_demand_is_the_number_of_events(shop):
    events = replace(shop.events, time_ms=np.zeros(len(shop.events), np.int64))
    known = demand(replace(shop, events=events, as_of_ms=0))
    assert known.horizons == (np.inf,)
    counts = np.bincount(shop.events.product, minlength=PRODUCTS)
    logs = np.log(counts + 0.5 * counts.mean())
    assert known.log()[0] == pytest.approx((logs - logs.mean()) / logs.std(), abs=1e-6)


def test_a_product_that_nobody_met_takes_the_mean_of_its_category(shop):
    values = np.array([1.0, 2.0, 3.0, 4.0, 5.0, -9.0])
    met = np.bincount(shop.events.product, minlength=PRODUCTS) > 0
    assert met[:-1].all()
    assert shrunk_to_category(shop, values).tolist() == [1.0, 2.0, 3.0, 4.0, 5.0, 3.0]
    bare = replace(shop, edges={})
    assert shrunk_to_category(bare, values)[-1] == pytest.approx(3.0)


def test_weights_of_a_shorter_past_fit_later_data_with_more_horizons():
    assert for_horizons(np.array([1.0, 2.0, 3.0]), 5).tolist() == [1.0, 2.0, 0.0, 0.0, 3.0]


def live_scorer(shop):
    """A model with a prior and a trend by demand, as building gives them."""
    known = demand(shop)
    h = len(known.horizons)
    moment = Moment(known, np.linspace(0.1, 0.5, h), np.linspace(0.3, -0.1, h))
    logs = known.log()
    return moment, Pulse.of(moment), moment.prior @ logs, moment.trend @ logs


def test_a_pulse_counts_what_has_happened_since_like_the_demand_of_all_data(shop):
    middle = int(shop.events.time_ms[len(shop.events) // 2]) + 1
    before = shop.until(middle)
    moment, pulse, *_ = live_scorer(before)
    later = shop.events.take(shop.events.time_ms >= middle)
    now = shop.as_of_ms
    prior, trend = pulse.at(now, later.product.astype(np.int64), later.time_ms)
    logs = moment.demand.since(shop).log(now)
    assert prior == pytest.approx(moment.prior @ logs)
    assert trend == pytest.approx(moment.trend @ logs)


def test_a_pulse_without_later_events_decays(shop):
    moment, pulse, *_ = live_scorer(shop)
    later = shop.as_of_ms + int(40 * MS_PER_DAY)
    prior, _ = pulse.at(later, NONE, NONE)
    assert prior == pytest.approx(moment.prior @ moment.demand.log(later))


def test_at_its_own_moment_a_pulse_changes_nothing(shop):
    _, pulse, prior, trend = live_scorer(shop)
    found = pulse.at(pulse.as_of_ms, NONE, NONE)
    assert found[0] == pytest.approx(prior)
    assert found[1] == pytest.approx(trend)


def test_a_product_that_nobody_had_met_keeps_its_place_until_it_is_met_and_is_never_lowered_by_that(shop):
    _, pulse, prior, _ = live_scorer(shop)
    pulse = pulse.longer(1)
    for category in (-5.0, 5.0):
        stored = np.append(prior, category)
        new = np.array([len(prior)], np.int64)
        moved = pulse.lasting(stored, pulse.at(pulse.as_of_ms, NONE, NONE)[0], NONE)
        assert moved == pytest.approx(stored)
        met, _ = pulse.at(pulse.as_of_ms, new, np.array([pulse.as_of_ms]))
        after = pulse.lasting(stored, met, new)
        assert after[-1] == pytest.approx(max(category, met[-1]))


def of_events(tmp_path, events):
    return read_shop(SmallShop(5, 3, events).write(tmp_path / "s"))


def test_the_share_of_unmet_is_that_of_the_latest_tenth(tmp_path):
    before = [(day % 2, day % 3, "purchase", float(day), None) for day in range(18)]
    guests = [(None, 4, "purchase", 5.0, None)]  # nobody who is known met product 4
    latest = [(0, 4, "purchase", 30.0, None), (1, 0, "purchase", 31.0, None)]
    assert share_of_unmet(of_events(tmp_path, [*latest, *before, *guests])) == 0.5


def test_without_times_it_is_the_share_of_those_met_once(shop):
    four = replace(shop.events.take(np.arange(4)), product=np.array([0, 0, 1, 2], np.int32), time_ms=np.zeros(4, int))
    assert share_of_unmet(replace(shop, events=four)) == 0.5


def test_where_nothing_happened_nothing_is_unmet(shop):
    assert share_of_unmet(replace(shop, events=shop.events.take(np.arange(0)))) == 0.0
