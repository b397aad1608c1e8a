"""What goes with one product by a few of the model's own terms, whose paths alone are the score.

    score(i) = Σ_r C^r[j, i]

over the terms r that are asked for, as the model has them: incidence, degrees, exponents, scale. The weight θ that
fitting gives a term says how much it adds to the others; alone it counts as it is, so that a term whose θ is zero,
since others say the same, still has an order.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from gnn.paths import BoolArray, FloatArray, PathTerm
from gnn.scoring import Scorer
from gnn.stand_ins import StandIns
from gnn.units import History

# What follows from the incidence and the exponents, and is long to make again.
_KEPT = ("start_factor", "middle_factor", "end_factor")


def companions(
    scorer: Scorer, terms: Sequence[PathTerm], history: History, as_of_ms: int, among: BoolArray | None = None
) -> tuple[Scorer, FloatArray]:
    """The model with some of its terms and nothing else, and what these give to every product.

    Args:
        scorer: the model.
        terms: of the model.
        history: what the paths start from.
        as_of_ms: the moment of the answer.
        among: (N,) products that may be reached; all, if not said.

    Returns:
        A model without prior, trend, vectors and stand-ins, in which only those products live that a path leads to;
        and (N,) scores.
    """
    narrow = replace(
        scorer,
        terms=tuple(_unweighted(term) for term in terms),
        low_pass=None,
        latent=None,
        prior=np.zeros(scorer.size),
        trend=np.ones(scorer.size),
        contexts={},
        pulse=None,
        stand_ins=StandIns.none(),
        likeness=None,
    )
    scores = narrow.personal(history, as_of_ms, None)
    alive = scorer.alive & (scores > 0) if among is None else scorer.alive & (scores > 0) & among
    alive[history.products] = False  # what leads back to the start is taken off, to the last digit or nearly
    narrow = replace(narrow, alive=alive)
    narrow.__dict__["positions"] = scorer.positions  # the same, and long to make again
    return narrow, scores


def terms_named(scorer: Scorer, names: Iterable[str]) -> tuple[PathTerm, ...]:
    """Those of some terms that the model has, in the order of the names."""
    known = {term.term.name: term for term in scorer.terms}
    return tuple(known[name] for name in names if name in known)


def sharing(term: PathTerm, product: int) -> BoolArray:
    """(N,) products that share a middle node of a term with one product, which is one of them."""
    reached = np.zeros(term.links.shape[1])
    reached[term.links.indices[term.links.indptr[product] : term.links.indptr[product + 1]]] = 1.0
    shared: BoolArray = (term.inwards @ reached) > 0
    shared[product] = True
    return shared


def _unweighted(term: PathTerm) -> PathTerm:
    """A term in which every behaviour counts as one; it shares what the model's own has worked out."""
    other = replace(term, weights=np.ones_like(term.weights))
    names = (*_KEPT, "by_middle") if term.term.two_steps else _KEPT
    other.__dict__.update({name: getattr(term, name) for name in names})
    return other
