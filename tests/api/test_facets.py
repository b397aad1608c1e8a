import numpy as np
import pytest

from api.services.catalogue import CategoryTree
from api.services.facets import PriceRange, price_ranges


def test_ranges_of_prices_hold_about_as_many_products_each_and_end_at_prices_there_are() -> None:
    found = price_ranges(np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 100.0]))
    assert found == (
        PriceRange(1.0, 2.0, 2),
        PriceRange(3.0, 4.0, 2),
        PriceRange(5.0, 6.0, 2),
        PriceRange(7.0, 8.0, 2),
        PriceRange(9.0, 100.0, 2),
    )


def test_one_price_is_in_one_range_however_many_have_it() -> None:
    found = price_ranges(np.array([5.0] * 98 + [7.0, 1.0, np.nan]))
    assert sum(part.products for part in found) == 100
    assert PriceRange(5.0, 5.0, 98) in found


@pytest.mark.parametrize("prices", [[], [np.nan, np.nan]])
def test_without_prices_there_are_no_ranges(prices: list[float]) -> None:
    assert price_ranges(np.array(prices)) == ()


def test_a_lineage_goes_to_the_top_and_ends_in_circles() -> None:
    tree = CategoryTree.of([("home", None, None), ("mugs", None, "home"), ("a", None, "b"), ("b", None, "a")])
    assert tree.lineage("mugs") == ("mugs", "home")
    assert tree.lineage("a") == ("a", "b")
    assert tree.lineage("unknown") == ("unknown",)
