from datetime import timedelta

import numpy as np
import pytest
from small_shop import START, checkerboard

from gnn.explain import explain
from gnn.overlay import LiveProduct, adopt, forget_meetings, forget_person, remove_products, write_products
from gnn.train import train
from schema.ontology import parse_ontology
from schema.pseudonym import pseudonym

NOW = START + timedelta(days=100)
ROWS = [("p0", "purchase", 1, NOW), ("p4", "purchase", 1, NOW)]


def score(scorer, product, rows=ROWS, viewer=None):
    return scorer.score(scorer.history(rows), NOW, viewer)[scorer.position(product)]


@pytest.fixture(scope="module")
def scorer(artifact):
    return artifact.scorer


def even(**changes):
    text = np.zeros(8)
    text[0] = -1.0
    return LiveProduct(**({"id": "new", "features": {"text": text}, "out": {"IN_CATEGORY": [("even", 1.0)]}} | changes))


def test_a_new_product_is_scored_by_its_category_and_text(scorer):
    now = write_products(scorer, [even()])
    assert now.size == scorer.size + 1
    odd = write_products(
        scorer, [even(features={"text": -even().features["text"]}, out={"IN_CATEGORY": [("odd", 1.0)]})]
    )
    assert score(now, "new") > score(odd, "new")
    kinds = {p.kind for p in explain(now, now.history(ROWS), [now.position("new")], NOW)[0].parts}
    assert {"PATH", "TEXT"} <= kinds


def test_scores_of_the_others_stay_when_a_product_is_added(scorer):
    now = write_products(scorer, [even()])
    before = scorer.score(scorer.history(ROWS), NOW, "u0")
    assert now.score(now.history(ROWS), NOW, "u0")[: scorer.size] == pytest.approx(before, abs=1e-12)


def test_the_given_model_stays_as_it_was(scorer):
    before = scorer.score(scorer.history(ROWS), NOW)
    write_products(scorer, [even()])
    remove_products(scorer, ["p1"])
    forget_person(scorer, pseudonym("user", "u1"))
    assert (scorer.score(scorer.history(ROWS), NOW) == before).all()
    assert scorer.position("p1") == 1


def test_a_product_without_anything_gets_the_mean_prior(scorer):
    now = write_products(scorer, [LiveProduct("bare")])
    assert now.prior[-1] == pytest.approx(scorer.prior.mean())
    assert np.isfinite(now.score(now.history(ROWS), NOW)).all()


def test_a_new_product_in_a_history_counts_for_others(scorer):
    now = write_products(scorer, [even()])
    rows = [("new", "purchase", 1, NOW)]
    assert (now.score(now.history(rows), NOW) != now.prior).any()


def test_writing_a_product_twice_is_writing_it_once(scorer):
    once = write_products(scorer, [even()])
    twice = write_products(once, [even()])
    assert twice.product_ids == once.product_ids
    assert twice.score(twice.history(ROWS), NOW) == pytest.approx(once.score(once.history(ROWS), NOW), abs=1e-12)


def test_a_cold_vector_equals_the_one_that_the_graph_network_would_give(tmp_path):
    """Fold-in of a product that was in the training graph, without events, gives its own vector back."""
    shop = checkerboard()
    shop.products += 1
    shop.edges = {**shop.edges, "IN_CATEGORY": [*shop.edges["IN_CATEGORY"], (40, 0, 1.0)]}
    shop.text = np.vstack([shop.text, shop.text[0]])
    known = train(shop.write(tmp_path / "s"), seed=0, device="cpu").scorer
    text = shop.text[40]
    again = write_products(known, [even(id="twin", features={"text": text})])
    # The twin has no free vector; the known one has, so only the text's own layer is compared exactly.
    assert again.latent.layers["text"][0, -1] == pytest.approx(known.latent.layers["text"][0, 40], abs=1e-6)
    deeper = again.latent.layers["text"][1:, -1], known.latent.layers["text"][1:, 40]
    assert deeper[0] == pytest.approx(deeper[1], rel=0.2, abs=0.05)


def test_a_new_relation_between_known_products_counts(scorer):
    before = score(scorer, "p6")
    now = write_products(
        scorer, [LiveProduct("p0", out={"IN_CATEGORY": [("even", 1.0)], "SUBSTITUTES": [("p6", 1.0)]})]
    )
    now = adopt(now, scorer.ontology)
    now = write_products(now, [LiveProduct("p0", out={"IN_CATEGORY": [("even", 1.0)], "SUBSTITUTES": [("p6", 1.0)]})])
    assert score(now, "p6") > before
    terms = {p.term.name for p in explain(now, now.history(ROWS), [6], NOW)[0].parts if p.term}
    assert "SUBSTITUTES" in terms


def test_a_relation_of_a_new_type_counts_with_the_default_weight(scorer):
    ontology = parse_ontology(
        {"nodes": {"Material": {}}, "relations": {"MADE_OF": {"from": "Product", "to": "Material"}}}, where="own"
    )
    now = adopt(scorer, ontology)
    before = score(now, "p6")
    links = {"IN_CATEGORY": [("even", 1.0)], "MADE_OF": [("oak", 1.0)]}
    known = {"out": links | {"COMPLEMENTS": [("p2", 1.0)]}}, {"out": links, "into": {"COMPLEMENTS": [("p4", 1.0)]}}
    now = write_products(now, [LiveProduct("p0", **known[0]), LiveProduct("p6", **known[1])])
    part = next(p for p in explain(now, now.history(ROWS), [6], NOW)[0].parts if p.term and p.term.name == "MADE_OF")
    assert part.middles == ("oak",)
    assert score(now, "p6") == pytest.approx(before + part.value)


def test_a_withdrawn_relation_no_longer_counts(scorer):
    with_it = [p.term.name for p in explain(scorer, scorer.history(ROWS), [2], NOW)[0].parts if p.term]
    now = write_products(scorer, [LiveProduct("p0", out={"IN_CATEGORY": [("even", 1.0)]})])
    without = [p.term.name for p in explain(now, now.history(ROWS), [2], NOW)[0].parts if p.term]
    assert "COMPLEMENTS" in with_it
    assert "COMPLEMENTS" not in without


def test_a_removed_product_counts_neither_as_answer_nor_in_a_history(scorer):
    now = remove_products(scorer, ["p0", "unknown"])
    assert now.position("p0") is None
    assert len(now.history(ROWS)) == 1
    back = write_products(now, [LiveProduct("p0", out={"IN_CATEGORY": [("even", 1.0)]})])
    assert back.position("p0") == 0


def test_no_path_goes_through_somebody_who_was_forgotten(scorer):
    term = next(t for t in scorer.terms if t.term.name == "CO_BUYER")
    key = term.keys[int(term.links[[0]].indices[0])]
    now = forget_person(scorer, key)
    for found in explain(now, now.history(ROWS), range(now.size), NOW):
        assert all(key not in part.middles for part in found.parts)
    assert any(
        key in part.middles for found in explain(scorer, scorer.history(ROWS), range(40), NOW) for part in found.parts
    )
    assert (now.score(now.history(ROWS), NOW) != scorer.score(scorer.history(ROWS), NOW)).any()


def test_a_single_forgotten_meeting_takes_away_that_path_alone(scorer):
    term = next(t for t in scorer.terms if t.term.name == "CO_BUYER")
    person = int(term.links[[0]].indices[0])
    now = forget_meetings(scorer, [("CO_BUYER", term.keys[person], "p0"), ("CO_BUYER", "nobody", "p0")])
    changed = next(t for t in now.terms if t.term.name == "CO_BUYER")
    assert changed.links.nnz == term.links.nnz - 1
    assert changed.links[0, person] == 0
