from datetime import UTC, datetime

import numpy as np
import pytest

from graph import Embedding, Link, Named, ProductRecord, Store, StoreError
from schema.errors import RecordError
from tests.graph.shop_tables import events, fill, purchase

CUP = ProductRecord(
    id="cup",
    properties={"title": "Cup", "price": 3.5, "available": True},
    categories=[Named("kitchen"), Named("gifts", "Gifts")],
    brand=Named("brandt", "Brandt"),
    links=[Link("COMPLEMENTS", "tea", weight=0.5), Link("HAS_FEATURE", "blue", name="Blue")],
    features={"text": Embedding(np.asarray([1.0, 0.5], np.float32), "hash")},
)


def test_a_product_is_written_with_all_around_it(store: Store) -> None:
    fill(store)
    number = store.change_number()
    assert store.upsert_products([CUP]) == 1
    card = store.product_cards(["cup"])["cup"]
    assert card.properties == dict(CUP.properties)
    assert card.categories == (Named("gifts", "Gifts"), Named("kitchen", "Kitchen"))
    assert card.brand == Named("brandt", "Brandt")
    links = store.product_links(["cup", "tea"])
    assert links["cup"].out == {
        "COMPLEMENTS": [("tea", 0.5)],
        "HAS_FEATURE": [("blue", 1.0)],
        "IN_CATEGORY": [("gifts", 1.0), ("kitchen", 1.0)],
        "MADE_BY": [("brandt", 1.0)],
    }
    assert ("cup", 0.5) in links["tea"].into["COMPLEMENTS"]
    assert links["cup"].features["text"].tolist() == [1.0, 0.5]
    assert [(c.kind, c.keys) for c in store.changes(number)] == [("PRODUCTS_WRITTEN", ("cup", "tea"))]


def test_writing_a_product_again_replaces_categories_and_brand_and_keeps_the_rest(store: Store) -> None:
    fill(store)
    store.upsert_products([CUP])
    store.upsert_products([ProductRecord("cup", {"price": 4.0}, [Named("all")], Named("acme"))])
    card = store.product_cards(["cup"])["cup"]
    assert card.properties == {"title": "Cup", "price": 4.0, "available": True}
    assert (card.categories, card.brand) == ((Named("all", "All"),), Named("acme", "Acme"))
    assert store.product_links(["cup"])["cup"].out["COMPLEMENTS"] == [("tea", 0.5)]


@pytest.mark.parametrize(
    ("record", "message"),
    [
        (ProductRecord("cup", links=[Link("COMPLEMENTS", "gone")]), "no Product with the id gone.*nothing was written"),
        (ProductRecord("cup", categories=[Named("gone")]), "no Category with the id gone.*Give its name"),
    ],
)
def test_an_end_that_does_not_exist_leaves_everything_as_it_was(
    store: Store, record: ProductRecord, message: str
) -> None:
    fill(store)
    counts, number = store.counts(), store.change_number()
    with pytest.raises(StoreError, match=message):
        store.upsert_products([ProductRecord("fine", {"title": "Fine"}), record])
    assert (store.counts(), store.change_number()) == (counts, number)


def test_products_of_one_call_may_refer_to_each_other(store: Store) -> None:
    pair = [
        ProductRecord("cup", links=[Link("COMPLEMENTS", "saucer")]),
        ProductRecord("saucer", links=[Link("COMPLEMENTS", "cup")]),
    ]
    assert store.upsert_products(pair) == 2
    assert store.counts()["COMPLEMENTS"] == 2


@pytest.mark.parametrize(
    ("record", "message"),
    [
        (ProductRecord("cup", {"prize": 1.0}), r"products\[0\].prize: no such property.*Did you mean price"),
        (ProductRecord("cup", {"price": "1"}), r"products\[0\].price: must be of type float, not str"),
        (ProductRecord("cup", {"price": True}), "must be of type float, not bool"),
        (ProductRecord("cup", links=[Link("KNOWS", "tea")]), "no relation KNOWS from Product"),
        (ProductRecord("cup", features={"sound": Embedding(np.ones(2, np.float32), "h")}), "no feature sound"),
    ],
)
def test_what_the_ontology_lacks_is_refused_with_the_place(store: Store, record: ProductRecord, message: str) -> None:
    with pytest.raises(RecordError, match=message):
        store.upsert_products([record])
    assert store.counts()["Product"] == 0


def test_a_product_twice_in_one_call_is_refused(store: Store) -> None:
    with pytest.raises(RecordError, match=r"products\[1\]: cup is in this call twice"):
        store.upsert_products([ProductRecord("cup"), ProductRecord("cup")])


def test_an_event_can_follow_its_new_product_at_once(store: Store) -> None:
    store.upsert_products([ProductRecord("cup")])
    assert store.record_events(events(purchase("n", "ann", "cup"))).accepted == ["n"]
    assert len(store.history(user="ann", as_of=datetime.now(UTC)).rows) == 1
