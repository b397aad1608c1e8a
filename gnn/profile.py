"""What somebody is interested in, by what they did: a distribution over categories, brands, features and the like.

    p(n) = Σ_h a_h · s(j_h, n) / Σ_h a_h,    Σ_n s(j, n) = 1
    s(j, n) ∝ link(j, n) + Σ_i near(j, i) · link(i, n)

link(j, ·) is shared out among the nodes that a product has through one relation, near(j, ·) among the products whose
texts are most like its own. Half of what is said comes from the graph and half from the words: on two shops that
foretold the nodes of later purchases better than the graph alone. a_h is how much the unit h counts in the
model, over all its terms. Every weight is a sum over units, so each is shown with what it comes from.

Shapes: N products, J units of the history, K nodes of all relations together.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple

import numpy as np
import scipy.sparse as sp

from gnn.interests import TEXT
from gnn.latent import Latent, Vectors
from gnn.paths import FloatArray, IntArray, PathTerm
from gnn.scoring import Scorer
from gnn.units import History

_NEAR = 30
_TOGETHER = 16
"""Units whose neighbours are sought at a time: more of them would only take more memory."""


class Evidence(NamedTuple):
    """What one unit of the history adds to a weight, by its links (PATH) or by its words (TEXT)."""

    kind: Literal["PATH", "TEXT"]
    unit: int
    weight: float


class Leaning(NamedTuple):
    """An interest: the relation of products to a node, its key, and its weight."""

    relation: str
    node: str
    weight: float
    place: int


@dataclass(frozen=True)
class Profile:
    """All interests of somebody.

    Shapes:
        links, texts: (J, K) what each unit adds to each weight, by graph and by words.
        leanings: the nodes with a weight, the heaviest first; `place` is the column.
    """

    links: sp.csc_array
    texts: sp.csc_array
    leanings: tuple[Leaning, ...]

    def evidence(self, leaning: Leaning) -> list[Evidence]:
        """What a weight is the sum of, the largest part first."""
        found = [
            *_column(self.links, leaning.place, "PATH"),
            *_column(self.texts, leaning.place, "TEXT"),
        ]
        return sorted(found, key=lambda part: (-part.weight, part.unit, part.kind))


def profile(scorer: Scorer, history: History, as_of: datetime) -> Profile:
    """What somebody is interested in; nothing where nothing is known of what they did.

    Args:
        scorer: the model.
        history: J units.
        as_of: the moment of the answer.
    """
    terms = [term for term in scorer.terms if term.term.kind == "shared" and not term.term.through_products]
    nodes = [(term.term.relation, key) for term in terms for key in term.keys]
    products = history.products.astype(np.int64)
    links = _shared_out(terms, products)
    texts = _by_words(scorer, terms, products)
    both = np.asarray((links + texts).sum(axis=1), np.float64).ravel()
    amounts = np.where(both > 0, _amounts(scorer, history, as_of), 0.0)
    total = float(amounts.sum())
    each = sp.diags_array(np.divide(amounts, both * total, out=np.zeros(len(both)), where=both * total > 0))
    links, texts = (each @ links).tocsc(), (each @ texts).tocsc()
    weights = np.asarray(links.sum(axis=0) + texts.sum(axis=0), np.float64).ravel()
    order = sorted(np.flatnonzero(weights).tolist(), key=lambda place: (-weights[place], nodes[place]))
    return Profile(links, texts, tuple(Leaning(*nodes[place], float(weights[place]), place) for place in order))


def _column(matrix: sp.csc_array, place: int, kind: Literal["PATH", "TEXT"]) -> Iterator[Evidence]:
    span = slice(matrix.indptr[place], matrix.indptr[place + 1])
    for unit, weight in zip(matrix.indices[span].tolist(), matrix.data[span].tolist(), strict=True):
        if weight:
            yield Evidence(kind, unit, weight)


def _amounts(scorer: Scorer, history: History, as_of: datetime) -> FloatArray:
    """(J,) how much each unit counts, over all terms; what only speaks against products counts nothing."""
    as_of_ms = int(as_of.timestamp() * 1000)
    total = np.zeros(len(history))
    for part in (*scorer.terms, scorer.low_pass, scorer.latent):
        if part is not None:
            total += part.units.amounts(history, as_of_ms) * part.weights[history.behaviours].clip(min=0.0)
    return total


def _shared_out(terms: list[PathTerm], products: IntArray) -> sp.csr_array:
    """(P, K) links of some products, those of one relation adding up to one."""
    blocks = [sp.csr_array((len(products), 0))]
    for term in terms:
        rows = term.links[products]
        sums = np.asarray(rows.sum(axis=1), np.float64).ravel()
        blocks.append(sp.diags_array(np.divide(1.0, sums, out=np.zeros(len(sums)), where=sums > 0)) @ rows)
    return sp.csr_array(sp.hstack(blocks, format="csr"))


def _by_words(scorer: Scorer, terms: list[PathTerm], products: IntArray) -> sp.csr_array:
    """(P, K) links of the products with the most similar texts, shared out by how similar they are."""
    width = sum(len(term.keys) for term in terms)
    if scorer.latent is None or TEXT not in scorer.latent.layers or not len(products):
        return sp.csr_array((len(products), width))
    vectors = _directions(scorer.latent)
    blocks = []
    for start in range(0, len(products), _TOGETHER):
        some = products[start : start + _TOGETHER]
        alike = vectors[some] @ vectors.T
        alike[:, ~scorer.alive] = 0.0
        alike[np.arange(len(some)), some] = 0.0  # its own links are told by the graph
        blocks.append(_of_nearest(alike, terms))
    return sp.csr_array(sp.vstack(blocks, format="csr"))


def _of_nearest(alike: Vectors, terms: list[PathTerm]) -> sp.csr_array:
    """(B, K) links of the most similar products of each row of (B, N) similarities."""
    count = min(_NEAR, alike.shape[1])
    near = np.argpartition(-alike, count - 1, axis=1)[:, :count]
    shares = np.take_along_axis(alike, near, axis=1).clip(min=0.0).astype(np.float64)
    sums = shares.sum(axis=1, keepdims=True)
    shares = np.divide(shares, sums, out=np.zeros_like(shares), where=sums > 0)
    others, place = np.unique(near, return_inverse=True)
    rows = np.repeat(np.arange(len(near)), count)
    entries = (shares.ravel(), (rows, place.ravel()))
    return sp.csr_array(sp.csr_array(entries, shape=(len(near), len(others))) @ _shared_out(terms, others))


def _directions(latent: Latent) -> Vectors:
    """(N, d) the projected texts of the products, each of length one, zero without a text."""
    texts = latent.layers[TEXT][0]
    lengths = np.linalg.norm(texts, axis=1, keepdims=True)
    return np.asarray(np.divide(texts, lengths, out=np.zeros_like(texts), where=lengths > 0))
