import numpy as np
import pytest
from random_model import NOW, PRODUCTS, USERS, random_model

from gnn.histories import histories
from gnn.profile import profile

SEEDS = range(6)


@pytest.fixture(scope="module", params=SEEDS)
def model(request, tmp_path_factory):
    return random_model(tmp_path_factory.mktemp("random"), request.param)


def shared(scorer):
    return [t.term.name for t in scorer.terms if t.term.kind == "shared" and not t.term.through_products]


def spread(naive, relations, product):
    """(relation, node) -> share of the links of one product, in plain loops."""
    found = {}
    for relation in relations:
        row = naive.edges(relation).get(product, {})
        found |= {(relation, node): weight / sum(row.values()) for node, weight in row.items()}
    return found


def alike(scorer, left, right):
    one, other = (scorer.latent.layers["text"][0][p].astype(float) for p in (left, right))
    size = np.linalg.norm(one) * np.linalg.norm(other)
    return max(float(one @ other) / size, 0.0) if size and left != right else 0.0


def expected(model, history):
    """(relation, node) -> weight, in plain loops. So few products are all among the nearest."""
    scorer, relations = model.scorer, shared(model.scorer)
    weights, total = {}, 0.0
    for unit in range(len(history)):
        one = history.take(np.array([unit]))
        amount = 0.0
        for part in (*scorer.terms, scorer.low_pass, scorer.latent):
            now = part.units.amounts(one, int(NOW.timestamp() * 1000))[0]
            amount += now * max(part.weights[one.behaviours[0]], 0.0)
        product = int(one.products[0])
        said = dict(spread(model.naive, relations, scorer.product_ids[product]))
        near = {other: value for other in range(PRODUCTS) if (value := alike(scorer, product, other))}
        for other, value in near.items():
            for node, share in spread(model.naive, relations, scorer.product_ids[other]).items():
                said[node] = said.get(node, 0.0) + share * value / sum(near.values())
        if said:
            total += amount
            for node, share in said.items():
                weights[node] = weights.get(node, 0.0) + amount * share / sum(said.values())
    return {node: weight / total for node, weight in weights.items() if weight}


def test_weights_are_those_of_plain_loops(model):
    for user in range(0, USERS, 3):
        history = histories(model.shop).of(user)
        found = profile(model.scorer, history, NOW).leanings
        weights = {(leaning.relation, leaning.node): leaning.weight for leaning in found}
        assert weights == pytest.approx(expected(model, history), rel=1e-4)
        assert list(weights.values()) == sorted(weights.values(), reverse=True)


def test_weights_add_up_to_one_and_evidence_to_the_weight(model):
    for user in range(USERS):
        history = histories(model.shop).of(user)
        if not len(history):
            continue
        found = profile(model.scorer, history, NOW)
        assert sum(leaning.weight for leaning in found.leanings) == pytest.approx(1.0 if found.leanings else 0.0)
        for leaning in found.leanings:
            parts = found.evidence(leaning)
            assert sum(part.weight for part in parts) == pytest.approx(leaning.weight)
            assert all(0 <= part.unit < len(history) and part.weight > 0 for part in parts)
            assert [part.weight for part in parts] == sorted((part.weight for part in parts), reverse=True)


def test_nobody_has_no_interests(model):
    assert profile(model.scorer, model.scorer.history([]), NOW).leanings == ()
