"""What somebody says of themself: that they like a category, a brand, a feature, or some words of their own.

    score(i) = prior(i) + trend(i) · (Σ_h … + Σ_s σ · g_s · link_s(i) + σ / 2 · <W x, z_i> / spread)

An interest s with the weight g_s lifts what is linked to its node, or to one below it in a tree, by one deviation σ of
the prior: from the middle to about the first sixth. Words are the vector x of a product that has nothing but these
words and no neighbour; `spread` is how far such dot products of the products' own texts vary.
Training never sees what people say, so no θ fits: that of the target behaviour says what one more purchase in a
category is worth, beside all else that is known of it. Nothing here depends on the history or on another interest,
so contributions stay a plain sum.

Shapes: N products, P of them that are asked for, S units.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gnn.latent import Latent
from gnn.paths import FloatArray, IntArray, PathTerm

if TYPE_CHECKING:
    from gnn.scoring import Scorer

TEXT = "text"
_OF_WORDS = 0.5
"""Deviation of what words give, in deviations of the prior: what they fit best is some four of them above the rest."""


@dataclass(frozen=True)
class Interest:
    """Something that somebody says they like.

    Attributes:
        relation: from products to it, as the ontology names it.
        nodes: key of the node and of all that is below it.
        weight: 1 is a deviation of the prior.
    """

    relation: str
    nodes: tuple[str, ...]
    weight: float = 1.0


@dataclass(frozen=True)
class Liked:
    """An interest as it enters a model.

    Shapes:
        columns: of its nodes in the term, in order.
        products: what is linked to any of them, in order.
        amounts: what each gets, before the trend.
    """

    term: PathTerm
    columns: IntArray
    products: IntArray
    amounts: FloatArray

    def at(self, products: IntArray) -> FloatArray:
        """(P,) what some products get, before the trend."""
        place = np.searchsorted(self.products, products).clip(max=len(self.products) - 1)
        return np.where(self.products[place] == products, self.amounts[place], 0.0)

    def nodes_of(self, product: int) -> tuple[str, ...]:
        """Keys of the nodes that link a product, the strongest link first."""
        links = self.term.links
        span = slice(links.indptr[product], links.indptr[product + 1])
        columns, weights = links.indices[span], links.data[span]
        found = np.isin(columns, self.columns)
        order = np.argsort(-weights[found], kind="stable")
        return tuple(self.term.keys[column] for column in columns[found][order].tolist())


@dataclass(frozen=True)
class Stated:
    """What somebody says, as it enters one model: a unit for each interest, and a last one for the words.

    `words` is (d,): its dot product with the vector of a product is what that gets, before the trend.
    """

    liked: tuple[Liked, ...] = ()
    words: FloatArray | None = None

    def __len__(self) -> int:
        return len(self.liked) + (self.words is not None)

    def lifts(self, scorer: "Scorer") -> FloatArray:
        """(N,) what all products get, before the trend."""
        total = np.zeros(scorer.size)
        for liked in self.liked:
            total[liked.products] += liked.amounts
        if self.words is not None and scorer.latent is not None:
            total += scorer.latent.vectors @ self.words.astype(np.float32)
        return total

    def liked_at(self, products: IntArray) -> FloatArray:
        """(P,) what some products get by interests alone, before the trend."""
        return sum((liked.at(products) for liked in self.liked), np.zeros(len(products)))

    def at(self, scorer: "Scorer", products: IntArray) -> FloatArray:
        """(P,) what some products get, before the trend."""
        total = self.liked_at(products)
        if self.words is not None and scorer.latent is not None:
            for vectors in scorer.latent.parts.values():
                total += vectors[products].astype(np.float64) @ self.words
        return total

    def best(self, scorer: "Scorer", k: int) -> IntArray:
        """At least k of what is liked, those with the largest scores of somebody without history, in no order.

        Fewer, where not so many are liked.
        """
        if not self.liked:
            return np.empty(0, np.int64)
        found = np.unique(np.concatenate([liked.products for liked in self.liked]))
        if len(found) <= k:
            return found
        scores = scorer.prior[found] + scorer.trend[found] * self.liked_at(found)
        return np.asarray(found[np.argpartition(-scores, k)[:k]])


NOTHING = Stated()


def stated(scorer: "Scorer", interests: Sequence[Interest], words: FloatArray | None = None) -> Stated:
    """What somebody says, for a model that knows of all of it (`knows`, `reads`).

    Args:
        scorer: the model.
        interests: what they like.
        words: (d_m,) vector of their words, from the encoder of the products' texts.
    """
    deviation = float(scorer.prior.std()) or 1.0
    terms = {term.term.name: term for term in scorer.terms}
    liked = tuple(_liked(terms[interest.relation], interest, deviation) for interest in interests)
    if words is None or scorer.latent is None:
        return Stated(liked)
    spread = scorer.latent.spread_of_texts
    scale = _OF_WORDS * deviation / spread if spread else 0.0
    return Stated(liked, scale * vector_of(scorer.latent, words))


def knows(scorer: "Scorer", interest: Interest) -> bool:
    """Whether any product is linked to what somebody likes, as far as the model knows."""
    term = next((term for term in scorer.terms if term.term.name == interest.relation), None)
    if term is None or term.term.kind != "shared" or term.term.through_products:
        return False
    columns = _columns(term, interest)
    return bool((np.diff(term.by_middle.indptr)[columns] > 0).any())


def reads(scorer: "Scorer", words: FloatArray) -> bool:
    """Whether the model can tell what words of this vector fit."""
    latent = scorer.latent
    return latent is not None and TEXT in latent.fusion.projections and latent.fusion.takes({TEXT: words})


def vector_of(latent: Latent, words: FloatArray) -> FloatArray:
    """(d,) the vector of a product that has these words, nothing else and no neighbour, as `gnn.fold_in` makes it."""
    projected = np.asarray(words, np.float32) @ latent.fusion.projections[TEXT]
    return float(latent.hops[0]) * projected.astype(np.float64)


def _liked(term: PathTerm, interest: Interest, deviation: float) -> Liked:
    columns = _columns(term, interest)
    products, links = _reached(term, columns)
    return Liked(term, columns, products, deviation * interest.weight * links)


def _columns(term: PathTerm, interest: Interest) -> IntArray:
    known = {term.key_positions[key] for key in interest.nodes if key in term.key_positions}
    return np.array(sorted(known), np.int64)


def _reached(term: PathTerm, columns: IntArray) -> tuple[IntArray, FloatArray]:
    """Products that are linked to any of some nodes, in order, and the strongest link of each.

    The strongest and not their sum: what is in two categories below one is not twice in it.
    """
    matrix = term.by_middle
    spans = [slice(matrix.indptr[column], matrix.indptr[column + 1]) for column in columns]
    products = np.concatenate([matrix.indices[span] for span in spans])
    strongest = np.zeros(matrix.shape[1])
    np.maximum.at(strongest, products, np.concatenate([matrix.data[span] for span in spans]))
    found = np.flatnonzero(strongest)
    return found, strongest[found]
