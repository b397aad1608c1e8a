"""A relation that experts added, in a model that was trained with it."""

import pytest
from quick_training import short_training
from small_shop import START, checkerboard

from gnn.artifact import Artifact
from gnn.explain import explain
from gnn.live_links import Built, LiveProduct
from gnn.overlay import adopt, write_products
from gnn.train import train
from schema.ontology import default_ontology, with_relation

NOW = START.replace(month=4)
FITS = "FITS_WITH"
ROWS = [("p0", "purchase", 1, NOW)]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    """Of a checkerboard in which each product fits with the one after the next."""
    shop = checkerboard()
    shop.ontology = with_relation(default_ontology(), FITS, "fits under")
    shop.edges = {**shop.edges, FITS: [(p, (p + 2) % 40, 2.0) for p in range(40)]}
    with short_training():
        return train(shop.write(tmp_path_factory.mktemp("known") / "snapshot"), seed=1, device="cpu")


def parts(scorer, product):
    (found,) = explain(scorer, scorer.history(ROWS), [scorer.position(product)], NOW)
    return [part for part in found.parts if part.term is not None and part.term.relation == FITS]


def test_a_relation_gets_a_learned_weight_and_is_counted_once(trained: Artifact) -> None:
    learned = trained.manifest.fit["weights"][FITS]
    scorer = adopt(trained.scorer, trained.scorer.ontology)
    (term,) = [term for term in scorer.terms if term.term.name == FITS]
    assert term.weights.tolist() == pytest.approx([learned[name] for name in scorer.behaviours])
    assert not set(term.weights.tolist()) & {scorer.default_weight}
    # A server takes each product up again as it is after a change: the same links, which count the same.
    here = {"IN_CATEGORY": [("even", 1.0)], FITS: [("p2", 2.0)]}
    now = write_products(scorer, [LiveProduct("p0", out=here, into={FITS: [("p38", 2.0)]})], Built.of(trained.scorer))
    assert now.terms[scorer.terms.index(term)].links.toarray() == pytest.approx(term.links.toarray())
    assert [part.value for part in parts(now, "p2")] == pytest.approx([part.value for part in parts(scorer, "p2")])


def test_what_is_undone_after_training_counts_no_longer(trained: Artifact) -> None:
    scorer = trained.scorer
    assert parts(scorer, "p2")
    alone = {"IN_CATEGORY": [("even", 1.0)]}
    everything = [LiveProduct(f"p{n}", out=alone if n % 2 == 0 else {}) for n in range(40)]
    now = write_products(scorer, everything)
    assert [parts(now, product) for product in ("p2", "p38", "p4")] == [[], [], []]
    assert not any(term.links.nnz for term in now.terms if term.term.relation == FITS)
