"""How many people know a product, as far as a model can tell."""

import numpy as np

from gnn.data import Int64
from gnn.scoring import Scorer


def people_met(scorer: Scorer) -> Int64:
    """(N,) how many people, baskets or visits each product was met in when the model was made, by the widest meeting.

    Nobody had met what is new since.
    """
    met = np.zeros(scorer.size, np.int64)
    for term in scorer.terms:
        if term.term.kind == "meeting":
            met = np.maximum(met, np.diff(term.links.indptr))
    return met
