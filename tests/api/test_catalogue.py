import numpy as np
import pyarrow as pa
import pytest

from api.services.catalogue import CategoryTree, ProductFilter, Shelf
from api.services.errors import BadInputError

PRODUCTS = pa.table({"id": ["a", "b", "c"], "price": [1.0, None, 3.0], "available": [True, None, False]})


def test_what_the_store_does_not_have_or_calls_unavailable_is_not_offered() -> None:
    shelf = Shelf.of(["a", "b", "c", "gone"], PRODUCTS)
    assert shelf.offered.tolist() == [True, True, False, False]


def test_prices_are_compared_with_both_ends_included_and_an_unknown_price_is_in_no_range() -> None:
    shelf = Shelf.of(["a", "b", "c"], PRODUCTS)
    assert shelf.within(1.0, 3.0).tolist() == [True, False, True]
    assert shelf.within(None, 2.0).tolist() == [True, False, False]


def test_a_shelf_follows_products_that_are_written_and_deleted() -> None:
    shelf = Shelf.of(["a", "b"], PRODUCTS)
    touched = {"a": None, "new": {"price": 9.0}, "unknown": {"price": 1.0}}
    now = shelf.updated({"a": 0, "b": 1, "new": 2}, 3, touched)
    assert now.offered.tolist() == [False, True, True]
    assert np.array_equal(now.price, [np.nan, np.nan, 9.0], equal_nan=True)
    assert shelf.offered.tolist() == [True, True]


def test_children_of_a_category_come_by_name() -> None:
    tree = CategoryTree.of([("home", "Home", None), ("m", "Mugs", "home"), ("l", "Lamps", "home")])
    assert [node.name for node in tree.children("home")] == ["Lamps", "Mugs"]
    assert tree.children("m") == []


def test_what_is_below_a_category_is_found_at_any_depth_and_in_circles() -> None:
    rows = [("home", "Home", None), ("m", "Mugs", "home"), ("t", "Tall mugs", "m"), ("l", "Lamps", None)]
    tree = CategoryTree.of(rows)
    assert tree.below("home") == ("home", "m", "t")
    assert tree.below("t") == ("t",)
    assert set(CategoryTree.of([("a", None, "b"), ("b", None, "a")]).below("a")) == {"a", "b"}


def test_an_unknown_category_is_named() -> None:
    with pytest.raises(BadInputError, match="moon"):
        CategoryTree.of([("home", "Home", None)]).checked(("home", "moon"))


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_price_that_is_no_number_is_refused(value: float) -> None:
    with pytest.raises(BadInputError, match="finite"):
        ProductFilter(maximum_price=value)
