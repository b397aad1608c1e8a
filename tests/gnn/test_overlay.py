from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from random_model import random_model
from small_shop import START, checkerboard

from gnn.explain import explain, unit_scores
from gnn.histories import histories
from gnn.live_links import Built, LiveProduct
from gnn.overlay import adopt, forget_meetings, forget_person, remove_products, write_products
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


def test_walks_need_not_be_compiled_anew_for_what_was_written(scorer):
    now = write_products(scorer, [even(), LiveProduct("p0", out={"COMPLEMENTS": [("new", 1.0)]})])
    for term in now.terms:
        assert {term.links.indices.dtype, term.links.indptr.dtype} == {np.dtype(np.int32)}, term.term.name


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


def test_a_product_written_in_two_steps_is_the_product_written_in_one(scorer):
    built = Built.of(scorer)
    whole = even(out={"IN_CATEGORY": [("even", 1.0), ("fresh", 1.0)], "COMPLEMENTS": [("p0", 1.0)]})
    beside = LiveProduct("beside", out={"IN_CATEGORY": [("fresh", 1.0)]})
    adopted = adopt(scorer, scorer.ontology)
    steps = write_products(adopted, [LiveProduct("new")], built)
    steps = write_products(steps, [even(out={"IN_CATEGORY": [("fresh", 1.0)]})], built)
    steps = write_products(write_products(steps, [beside], built), [whole], built)
    once = write_products(adopted, [whole, beside], built)
    assert steps.product_ids == once.product_ids
    assert steps.prior == pytest.approx(once.prior)
    assert steps.trend == pytest.approx(once.trend)
    for one, other in zip(steps.terms, once.terms, strict=True):
        for found in ("degree", "out_degree", "middle_degree"):
            assert getattr(one, found) == pytest.approx(getattr(other, found)), one.term.name
    # But for what new products pass on to each other: that depends on which came first.
    assert steps.score(steps.history(ROWS), NOW) == pytest.approx(once.score(once.history(ROWS), NOW), abs=1e-3)


def test_a_relation_counts_from_and_to_a_new_product(scorer):
    out = LiveProduct("out", out={"COMPLEMENTS": [("p0", 1.0)]})
    into = LiveProduct("into", into={"COMPLEMENTS": [("p0", 1.0)]})
    now = write_products(adopt(scorer, scorer.ontology), [out, into])
    for product, name in (("out", "COMPLEMENTS_REVERSE"), ("into", "COMPLEMENTS")):
        parts = explain(now, now.history(ROWS), [now.position(product)], NOW)[0].parts
        assert name in {part.term.name for part in parts if part.term}


def test_a_new_category_links_what_is_in_it(scorer):
    first, other = (LiveProduct(key, out={"IN_CATEGORY": [("pots", 1.0)]}) for key in ("pot", "kettle"))
    now = write_products(scorer, [first, other])
    parts = explain(now, now.history([("pot", "purchase", 1, NOW)]), [now.position("kettle")], NOW)[0].parts
    assert [part.middles for part in parts if part.term and part.term.name == "IN_CATEGORY"] == [("pots",)]


def test_other_words_of_a_known_product_change_its_vector(scorer):
    there = {"out": {"IN_CATEGORY": [("even", 1.0)]}}
    same, other = (even(id="p6", **there), even(id="p6", features={"text": -even().features["text"]}, **there))
    assert score(write_products(scorer, [same]), "p6") != pytest.approx(score(write_products(scorer, [other]), "p6"))


def test_a_cold_vector_equals_the_one_that_the_graph_network_would_give(unmet, unmet_scorer):
    """Fold-in of a product that was in the training graph, without events, gives its own vector back."""
    known, text = unmet_scorer, unmet.text[40]
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
    text = checkerboard().text
    first = LiveProduct("p0", {"text": text[0]}, links | {"COMPLEMENTS": [("p2", 1.0)]})
    second = LiveProduct("p6", {"text": text[6]}, links, {"COMPLEMENTS": [("p4", 1.0)]})
    now = write_products(now, [first, second])
    part = next(p for p in explain(now, now.history(ROWS), [6], NOW)[0].parts if p.term and p.term.name == "MADE_OF")
    assert part.middles == ("oak",)
    assert score(now, "p6") == pytest.approx(before + part.value)


def test_a_withdrawn_relation_no_longer_counts(scorer):
    with_it = [p.term.name for p in explain(scorer, scorer.history(ROWS), [2], NOW)[0].parts if p.term]
    now = write_products(scorer, [LiveProduct("p0", out={"IN_CATEGORY": [("even", 1.0)]})])
    without = [p.term.name for p in explain(now, now.history(ROWS), [2], NOW)[0].parts if p.term]
    assert "COMPLEMENTS" in with_it
    assert "COMPLEMENTS" not in without


def test_links_that_came_and_went_leave_no_trace(scorer):
    built, plain = Built.of(scorer), {"IN_CATEGORY": [("even", 1.0)]}
    first, last = [("p6", 1.0), ("p8", 1.0), ("p10", 2.0)], [("p6", 1.0)]

    def linked(now, targets):
        out = {"p2": plain | ({"COMPLEMENTS": targets} if targets else {})}
        into = {target: {"COMPLEMENTS": [("p2", weight)]} for target, weight in targets}
        ends = [LiveProduct(p, out=out.get(p, plain), into=into.get(p, {})) for p in ("p2", "p6", "p8", "p10")]
        return write_products(now, ends, built)

    once = linked(scorer, last)
    after = linked(linked(linked(scorer, first), []), last)
    rows = [("p2", "purchase", 1, NOW)]
    assert score(linked(scorer, first), "p8", rows) != pytest.approx(score(scorer, "p8", rows))
    for product in ("p6", "p8", "p10"):
        assert score(after, product, rows) == pytest.approx(score(once, product, rows), abs=1e-12)
    gone = linked(linked(scorer, first), [])
    assert score(gone, "p8", rows) == pytest.approx(score(linked(scorer, []), "p8", rows), abs=1e-12)


def test_a_relation_of_a_known_type_gets_no_further_terms(scorer):
    terms = [term.term.name for term in adopt(scorer, scorer.ontology).terms]
    assert "COMPLEMENTS_REVERSE" in terms
    # No two products complement the same one: that term is absent for want of paths, not of training.
    assert "COMPLEMENTS_SHARED" not in terms
    assert {"SUBSTITUTES", "SUBSTITUTES_REVERSE", "SUBSTITUTES_SHARED", "SUBSTITUTES_COMMON"} <= set(terms)
    assert len(terms) == len(set(terms))


def test_a_new_product_in_the_middle_links_what_it_points_to_and_what_points_to_it(scorer):
    between = LiveProduct(
        "between",
        out={"SUBSTITUTES": [("p0", 1.0), ("p6", 2.0)]},
        into={"SUBSTITUTES": [("p4", 1.0), ("p8", 0.5), ("gone", 1.0)]},
    )
    now = write_products(adopt(scorer, scorer.ontology), [between])
    for end, name in ((6, "SUBSTITUTES_COMMON"), (8, "SUBSTITUTES_SHARED")):
        parts = explain(now, now.history(ROWS), [end], NOW)[0].parts
        part = next(part for part in parts if part.term and part.term.name == name)
        assert part.middles == ("between",)
        assert part.value > 0
    without = remove_products(now, ["between"])
    names = {
        p.term.name for end in (6, 8) for p in explain(without, without.history(ROWS), [end], NOW)[0].parts if p.term
    }
    assert not names & {"SUBSTITUTES_COMMON", "SUBSTITUTES_SHARED"}
    back = write_products(without, [between])
    assert score(back, "p6") == pytest.approx(score(now, "p6"))
    assert score(back, "p8") == pytest.approx(score(now, "p8"))


def live(model, product):
    """A product of a random graph as a store would have it."""
    ontology, here = model.shop.ontology, model.scorer.positions[product]
    out, into = {}, {}
    for name, edges in model.shop.edges.items():
        relation = ontology.relations[name]
        if relation.source != "Product":
            continue
        for source, target, weight in zip(edges.source, edges.target, edges.weight, strict=True):
            if source == here:
                out.setdefault(name, []).append((model.shop.ids[relation.target][target], float(weight)))
            if relation.target == "Product" and target == here:
                into.setdefault(name, []).append((model.shop.ids["Product"][source], float(weight)))
    # In no order that arrays would have.
    out, into = ({name: links[::-1] for name, links in found.items()} for found in (out, into))
    features = {name: matrix[here].astype(float) for name, matrix in model.shop.features.items() if matrix[here].any()}
    return LiveProduct(product, features, out, into)


@pytest.mark.parametrize("seed", range(6))
def test_writing_products_as_they_are_changes_no_link_and_no_score(tmp_path, seed):
    model = random_model(tmp_path, seed)
    scorer = model.scorer
    now = write_products(scorer, [live(model, product) for product in scorer.product_ids[::-2]])
    for before, after in zip(scorer.terms, now.terms, strict=True):
        assert after.keys == before.keys
        assert after.links.toarray() == pytest.approx(before.links.toarray()), before.term.name
    for user in range(model.shop.users):
        history = histories(model.shop).of(user)
        assert now.score(history, NOW, f"u{user}") == pytest.approx(scorer.score(history, NOW, f"u{user}"), abs=1e-5)


@pytest.mark.parametrize("seed", range(6))
def test_scores_are_the_sum_of_their_parts_after_any_change(tmp_path, seed):
    model = random_model(tmp_path, seed)
    fresh = replace(live(model, "p0"), id="fresh")
    now = write_products(remove_products(model.scorer, ["p3", "p5"]), [fresh, live(model, "p2")])
    now = forget_person(now, pseudonym("user", "u1"))
    history = now.history([(p, "view", 2, NOW) for p in now.product_ids if now.position(p) is not None])
    scores = now.score(history, NOW, "u0")
    for found in explain(now, history, range(now.size), NOW, "u0"):
        assert scores[found.product] == pytest.approx(found.score, abs=1e-5 * (1 + found.mass))


def test_the_crowd_says_nothing_of_a_new_product(scorer):
    now = write_products(scorer, [even()])
    parts = explain(now, now.history(ROWS), [now.position("new")], NOW)[0].parts
    assert "CROWD" not in {part.kind for part in parts}
    assert "CROWD" in {part.kind for part in explain(now, now.history(ROWS), [6], NOW)[0].parts}
    gains = unit_scores(now, now.history([("new", "purchase", 1, NOW)]), NOW)
    assert now.low_pass is not None
    assert not now.low_pass.between(np.array([now.position("new")]), np.arange(now.size)).any()
    assert gains.any()


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


def test_a_forgotten_person_takes_no_step_any_more(scorer):
    term = next(t for t in scorer.terms if t.term.name == "NEXT_PRODUCT")
    key = term.keys[0]
    own = term.owned_by(scorer.people[key])
    now = next(t for t in forget_person(scorer, key).terms if t.term.name == "NEXT_PRODUCT")
    assert len(own)
    assert not now.links[:, own].nnz
    assert now.ends is not None
    assert not now.ends[:, own].nnz
    assert key not in now.keys
    assert now.links.nnz == term.links.nnz - term.links[:, own].nnz


def test_somebody_who_met_a_product_no_more_has_not_come_to_it_or_from_it(scorer):
    term = next(t for t in scorer.terms if t.term.name == "NEXT_PRODUCT")
    own = term.owned_by(scorer.people[term.keys[0]])
    product = int(term.links[:, own].tocoo().row[0])
    now = forget_meetings(scorer, [("CO_BUYER", term.keys[0], scorer.product_ids[product])])
    changed = next(t for t in now.terms if t.term.name == "NEXT_PRODUCT")
    assert changed.ends is not None
    assert not changed.links[[product]][:, own].nnz + changed.ends[[product]][:, own].nnz
    others = np.arange(scorer.size) != product
    assert changed.links[others].nnz == term.links[others].nnz
    assert changed.ends[others].nnz == term.inwards[others].nnz
