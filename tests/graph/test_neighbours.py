from graph import Store
from graph.neighbours import Neighbour
from tests.graph.shop_tables import fill, products, relations


def related(store: Store) -> None:
    fill(store)
    store.load_nodes("Product", products("cup", "jar"))
    rows = [("tea", "pot", 2.0), ("tea", "mug", 1.0), ("tea", "cup", 1.0), ("tea", "tea", 9.0), ("mug", "pot", None)]
    store.load_relations("COMPLEMENTS", relations(*rows))
    store.load_nodes("Category", products("x", "y").select(["id"]))
    store.load_relations(
        "IN_CATEGORY",
        relations(("cup", "x", None), ("cup", "y", None), ("jar", "x", None), ("jar", "y", None), ("hat", "x", None)),
    )


def test_the_strongest_come_first_and_equal_ones_by_id(store: Store) -> None:
    related(store)
    found = store.neighbours("COMPLEMENTS", "forward", ["tea", "mug", "hat", "none"], limit=10)
    assert found == {
        "tea": [Neighbour("pot", 2.0), Neighbour("cup", 1.0), Neighbour("mug", 1.0)],
        "mug": [Neighbour("tea", 2.0), Neighbour("pot", 1.0)],
        "hat": [],
        "none": [],
    }


def test_a_relation_is_taken_against_its_direction(store: Store) -> None:
    related(store)
    found = store.neighbours("COMPLEMENTS", "reverse", ["pot", "tea"], limit=10)
    assert found == {"pot": [Neighbour("tea", 2.0), Neighbour("mug", 1.0)], "tea": [Neighbour("mug", 2.0)]}


def test_products_that_share_more_come_first(store: Store) -> None:
    related(store)
    found = store.neighbours("IN_CATEGORY", "shared", ["cup"], limit=10)["cup"]
    assert found == [Neighbour("jar", 2.0), Neighbour("hat", 1.0)]


def test_a_list_goes_on_behind_a_place_and_ends_at_its_limit(store: Store) -> None:
    related(store)
    first = store.neighbours("COMPLEMENTS", "forward", ["tea"], limit=2)["tea"]
    rest = store.neighbours("COMPLEMENTS", "forward", ["tea"], after=first[-1], limit=2)["tea"]
    assert [n.product for n in first + rest] == ["pot", "cup", "mug"]


def test_what_is_not_available_is_left_out(store: Store) -> None:
    related(store)
    store.load_nodes("Product", products("pot").select(["id"]).append_column("available", [[False]]))
    assert [n.product for n in store.neighbours("COMPLEMENTS", "forward", ["tea"], limit=10)["tea"]] == ["cup", "mug"]


def test_what_is_to_be_left_out_makes_room_for_what_comes_next(store: Store) -> None:
    related(store)
    found = store.neighbours("COMPLEMENTS", "forward", ["tea"], without={"pot", "none"}, limit=2)["tea"]
    assert [n.product for n in found] == ["cup", "mug"]
