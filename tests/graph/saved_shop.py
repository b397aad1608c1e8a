"""A shop for the saved queries: small enough to work an answer out by hand, and with something for each to find."""

from datetime import timedelta

import pyarrow as pa

from api.analysing import analyse_products
from graph import FeedbackKind, FeedbackRecord, Impression, Label, Rule, Shown, Store
from graph.knowledge import Knowledge, KnowledgeKind
from tests.graph.shop_tables import START, EventRow, events, relations

TODAY = 182
NOW = START + timedelta(days=TODAY, hours=12)

PRODUCTS = pa.table(
    {
        "id": ["tea", "pot", "mug", "mug2", "kettle", "jug", "spade", "seeds", "gloves", "lamp", "hat"],
        "title": ["Tea", "Pot", "Mug", " mug", "Kettle", "Jug", "Spade", "Seeds", "Gloves", "Lamp", "Hat"],
        "description": ["green", "of clay", "blue", "blue", "fast", "of glass", "of steel", "cress", "", None, "felt"],
        "price": [5.0, 20.0, 8.0, 8.5, 95.0, 14.0, 25.0, 3.0, 12.0, None, 15.0],
        "image": [f"{n}.jpg" for n in range(9)] + [None, None],
    }
)
IN_CATEGORY = {
    "kitchen": ("tea", "pot", "mug", "mug2", "kettle", "jug"),
    "garden": ("spade", "seeds", "gloves"),
}
MADE_BY = {"acme": ("pot", "mug"), "bolt": ("mug2", "kettle", "spade"), "leaf": ("tea", "seeds"), "dust": ("jug",)}
COUNTRIES = {"ann": "DE", "bob": "DE", "fay": "DE", "cid": "FR", "dot": "FR", "eve": "FR", "gil": "FR", "hal": "FR"}

# Who bought what on which day since the start, each in a basket of its own.
BASKETS: tuple[tuple[str, str, int, tuple[str, ...]], ...] = (
    ("f1", "fay", 20, ("pot",)),
    ("f2", "fay", 40, ("pot", "tea")),
    ("a1", "ann", 100, ("tea", "pot")),
    ("d1", "dot", 110, ("spade", "seeds")),
    ("c1", "cid", 125, ("pot", "mug")),
    ("i1", "ida", 128, ("tea",)),
    ("b1", "bob", 130, ("tea", "pot", "spade")),
    ("g1", "gil", 135, ("pot", "tea")),
    ("h1", "hal", 138, ("mug",)),
    ("g2", "gil", 139, ("tea",)),
    ("c2", "cid", 140, ("tea",)),
    ("a2", "ann", 160, ("tea", "mug")),
    ("b2", "bob", 165, ("seeds", "gloves")),
    ("e1", "eve", 172, ("tea", "gloves")),
    ("d2", "dot", 175, ("spade", "tea", "seeds")),
)
# User, product, behaviour, day, minute of the day, session.
OTHERS: tuple[tuple[str | None, str, str, int, int, str | None], ...] = (
    ("ann", "tea", "view", 99, 0, "v1"),
    ("ann", "pot", "view", 99, 2, "v1"),
    (None, "tea", "view", 120, 0, "v2"),
    (None, "mug", "view", 120, 1, "v2"),
    ("cid", "mug2", "view", 150, 0, None),
    ("ann", "kettle", "view", 170, 0, None),
    ("bob", "kettle", "cart", 166, 0, None),
    ("dot", "spade", "cart", 174, 0, None),
    ("dot", "mug", "cart", 174, 1, None),
    ("rob", "kettle", "view", 150, 0, None),
    *(("rob", "kettle", "view", 168, 30, None) for _ in range(8)),
)


def minutes(day: int, minute: int = 0) -> int:
    """Ten in the morning of a day, and some minutes, since the start."""
    return (day * 24 + 10) * 60 + minute


PURCHASES: tuple[EventRow, ...] = tuple(
    (f"{basket}-{product}", user, product, "purchase", minutes(day), 1.0, basket, None)
    for basket, user, day, products in BASKETS
    for product in products
)
EVENTS: tuple[EventRow, ...] = PURCHASES + tuple(
    (f"o{n}", user, product, behaviour, minutes(day, minute), None, None, session)
    for n, (user, product, behaviour, day, minute, session) in enumerate(OTHERS)
)


def fill(store: Store) -> None:
    """All of it; the shop's clock shows noon of `TODAY`."""
    store.set_clock(NOW)
    store.load_nodes("User", pa.table({"id": list(COUNTRIES), "country": list(COUNTRIES.values())}))
    store.load_nodes("Product", PRODUCTS)
    _load_catalogue(store)
    store.load_events(events(*EVENTS))
    store.write_labels(
        "HAS_FEATURE", ["blue"], ["mug", "mug2"], [Label("mug", "blue", 0.9), Label("mug2", "blue", 0.4)]
    )
    _say(store)
    analyse_products(store, way="CO_BUYER")


def _load_catalogue(store: Store) -> None:
    categories = {"home": "Home", "kitchen": "Kitchen", "garden": "Garden", "attic": "Attic"}
    store.load_nodes("Category", pa.table({"id": list(categories), "name": list(categories.values())}))
    store.load_nodes("Brand", pa.table({"id": list(MADE_BY), "name": [name.title() for name in MADE_BY]}))
    store.load_nodes("Feature", pa.table({"id": ["blue"], "name": ["colour"], "value": ["blue"]}))
    store.load_relations("CHILD_OF", relations(*((name, "home", None) for name in categories if name != "home")))
    for relation, members in (("IN_CATEGORY", IN_CATEGORY), ("MADE_BY", MADE_BY)):
        store.load_relations(relation, relations(*((p, end, None) for end, ids in members.items() for p in ids)))
    store.load_relations("COMPLEMENTS", relations(("tea", "pot", 0.5), ("pot", "mug", 1.0)))
    store.load_relations("SUBSTITUTES", relations(("lamp", "kettle", 0.1)))


def _say(store: Store) -> None:
    """What experts, viewers and the recommender have said."""
    when = NOW - timedelta(days=10)
    pin = Rule("pin", "PIN", when, when, author="mia", note="summer", position=1, products=("tea",))
    boost = Rule("boost", "BOOST", when, when, author="mia", weight=1.0, categories=("home",), brands=("leaf",))
    over = Rule("over", "BLOCK", when, when, end=NOW - timedelta(days=1), products=("pot",))
    for rule in (pin, boost, over):
        store.upsert_rule(rule)
    holder = Knowledge(
        "holder", KnowledgeKind.RELATE, when, when, author="mia", relation="COMPLEMENTS", pairs={("mug", "kettle"): 1.0}
    )
    store.save_knowledge(holder)
    store.apply_knowledge("holder", when)
    for user in ("ann", "bob"):
        store.record_feedback(FeedbackRecord(FeedbackKind.NOT_INTERESTED, "kettle", user, None, when))
    store.record_feedback(FeedbackRecord(FeedbackKind.NEVER_THIS_CATEGORY, "garden", "ann", None, when))
    shown = [Shown(product, rank, "FEED", 1.0) for rank, product in enumerate(("jug", "tea"), start=1)]
    store.record_impressions([Impression(f"i{n}", when, "ann", None, "m1", tuple(shown)) for n in range(2)])
    follow = events(("follow", "ann", "tea", "view", minutes(173), None, None, None))
    store.record_events(follow, {"follow": "i0"})
