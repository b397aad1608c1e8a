"""How alike products are in their features and in their place in the graph, and which known ones stand in for which.

    alike(i, n) = Σ_m α_im <x̂_im, x̂_nm> + κ g(i, n),   ρ^m_in = λ · (share of m in alike(i, n)) / Σ_n' alike(i, n')

with n among the K known products most like i, x̂ a feature along its main directions, α the gates of the fusion
(`gnn.fusion`) and g the row of relations that are not behaviour in S, its largest entry one. (Nearest neighbours by
content, as for cold items in Schein et al. 2002, but of whole scores.) κ and λ are found by `gnn.left_out`.

Shapes: N products, d_m width of a modality's feature, w of what is kept of it, K stand-ins each.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from gnn.hops import hop_row
from gnn.interests import TEXT
from gnn.paths import BoolArray, FloatArray, IntArray, PathTerm
from gnn.stand_ins import StandIns

if TYPE_CHECKING:
    from gnn.scoring import Scorer

Features = Mapping[str, npt.NDArray[np.floating]]
Float16 = npt.NDArray[np.float16]
Float32 = npt.NDArray[np.float32]

RELATIONS = "relations"
"""Modality of what is alike in its place in the graph."""

NEIGHBOURS = 20
WIDTH = 128
# Of very many products those that most people met are enough to stand in.
MOST_KNOWN = 50_000
_SEEN_FOR_AXES = 20_000


@dataclass(frozen=True)
class Likeness:
    """What likeness is measured by.

    Shapes:
        axes: modality -> (d_m, w) main directions.
        vectors: modality -> (N, w) of length one; zero for products that have no such feature.
        met: (N,) whether anybody met a product when the model was built; who is not met is stood in for.
        known: (C,) positions of products that may stand in, ascending.
        graph: κ.
        scale: λ.
    """

    axes: Mapping[str, Float32]
    vectors: Mapping[str, Float16]
    met: BoolArray
    known: IntArray
    graph: float
    scale: float

    @cached_property
    def texts(self) -> Float32:
        """(N, w) vectors of texts, wide enough to multiply with at once; there must be some."""
        return self.vectors[TEXT].astype(np.float32)

    def longer(self, more: int) -> "Likeness":
        """With room for new products, which nobody has met."""
        return replace(
            self,
            vectors={m: np.pad(v, ((0, more), (0, 0))) for m, v in self.vectors.items()},
            met=np.concatenate([self.met, np.zeros(more, bool)]),
        )

    def with_features(self, changed: Mapping[int, Features]) -> "Likeness":
        """With the features of some products, by position, as they are now; those of another width stay."""
        vectors = {m: v.copy() for m, v in self.vectors.items()}
        for position, features in changed.items():
            for modality, axes in self.axes.items():
                feature = features.get(modality)
                if feature is None:
                    vectors[modality][position] = 0.0
                elif len(feature) == len(axes):
                    vectors[modality][position] = along(np.asarray(feature, np.float32)[None], axes)[0]
        return replace(self, vectors=vectors)

    def stand_ins(self, scorer: "Scorer", positions: IntArray) -> StandIns:
        """Who stands in for some products, none of them for itself.

        Args:
            scorer: the model whose relations and gates count.
            positions: (F,) ascending.
        """
        candidates = self.known[scorer.alive[self.known]]
        if not len(positions) or not len(candidates):
            return StandIns.none()
        places = {m: v[candidates].astype(np.float32) for m, v in self.vectors.items()}
        found = [self.chosen(self.alike(scorer, int(p), candidates, places), candidates, int(p)) for p in positions]
        weights = self.scale * np.stack([shares for _, shares in found])
        by_modality = {m: weights[:, n] for n, m in enumerate((*self.vectors, RELATIONS))}
        return StandIns(positions, np.stack([known for known, _ in found]), by_modality)

    def alike(self, scorer: "Scorer", position: int, candidates: IntArray, places: Mapping[str, Float32]) -> FloatArray:
        """(M + 1, C) how alike a product is to each candidate, by modality with its gate, and by relations without κ.

        Args:
            scorer: the model whose relations and gates count.
            position: of the product.
            candidates: (C,) positions.
            places: modality -> (C, w) their vectors.
        """
        gates = self._gates(scorer, position)
        by_feature = [gates[m] * (places[m] @ v[position].astype(np.float32)) for m, v in self.vectors.items()]
        # What is unlike in one way is not held against what is alike in another.
        return np.stack([*by_feature, related(scorer, position)[candidates]]).clip(0.0).astype(np.float64)

    def chosen(self, alike: FloatArray, candidates: IntArray, position: int) -> tuple[IntArray, FloatArray]:
        """(K,) the most alike, best first, and (M + 1, K) what each is alike in: all add up to one, or to nothing."""
        parts = alike * np.array([*np.ones(len(alike) - 1), self.graph])[:, None]
        parts[:, candidates == position] = 0.0
        total = parts.sum(axis=0)
        count = min(NEIGHBOURS, len(candidates))
        best = np.argpartition(-total, count - 1)[:count]
        best = best[np.lexsort((candidates[best], -total[best]))]
        return candidates[best], parts[:, best] / max(float(total[best].sum()), 1e-12)

    def _gates(self, scorer: "Scorer", position: int) -> dict[str, float]:
        """Modality -> α of a product; alike among those that it has where the model has no gates."""
        there = [m for m, v in self.vectors.items() if v[position].any()]
        shares = {} if scorer.latent is None else {m: float(s[position]) for m, s in scorer.latent.shares.items()}
        total = sum(shares.get(m, 0.0) for m in there)
        return {
            m: shares.get(m, 0.0) / total if total else float(m in there) / max(len(there), 1) for m in self.vectors
        }


def nothing_tells(scorer: "Scorer", features: Features) -> bool:
    """Whether there is nothing by which products could be alike."""
    return not features and not _relations(scorer)


def related(scorer: "Scorer", position: int) -> FloatArray:
    """(N,) how near products are by relations that are not behaviour, the nearest 1."""
    row = np.zeros(scorer.size)
    for term in _relations(scorer):
        row += hop_row(term, position)
    row[position] = 0.0
    return np.asarray(row / max(row.max(initial=0.0), 1e-12))


def _relations(scorer: "Scorer") -> list[PathTerm]:
    """The terms that relations carry, each relation once."""
    return [t for t in scorer.terms if t.term.kind in ("shared", "forward") and t.term.name == t.term.relation]


def along(features: Float32, axes: Float32) -> Float16:
    """(P, w) features along their main directions, each of length one or zero."""
    rows = features @ axes
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12), np.float16)


def main_axes(features: Float32, generator: np.random.Generator) -> Float32:
    """(d, w) main directions of (N, d) features: right singular vectors of up to 20,000 of them."""
    there = np.flatnonzero(features.any(axis=1))
    seen = generator.choice(there, min(len(there), _SEEN_FOR_AXES), replace=False)
    rows = features[seen].astype(np.float64)
    _, vectors = np.linalg.eigh(rows.T @ rows)
    return np.asarray(vectors[:, ::-1][:, :WIDTH], np.float32)


def unfitted(features: Features, met: FloatArray, generator: np.random.Generator) -> Likeness:
    """How alike products are, with κ zero and λ one.

    Args:
        features: modality -> (N, d_m).
        met: (N,) how many people met each product.
        generator: draws the products that main directions are found from.
    """
    known = np.flatnonzero(met > 0)
    known = np.sort(known[np.argsort(-met[known], kind="stable")[:MOST_KNOWN]])
    wide = {m: np.asarray(matrix, np.float32) for m, matrix in features.items()}
    axes = {m: main_axes(matrix, generator) for m, matrix in wide.items()}
    return Likeness(axes, {m: along(wide[m], axes[m]) for m in wide}, met > 0, known, 0.0, 1.0)
