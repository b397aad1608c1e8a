"""The latent term: dot products of linearly propagated product vectors.

    z = Σ_k β_k S^k (E + Σ_m α_m W_m x_m),   S = Σ_r γ_r S_r,   S_r = D^-1/2 A_r A_rᵀ D^-1/2

Because propagation is linear, z splits exactly into a part of the free vectors E ("free") and one
part for each modality ("text", "image"). The layers S^k X of each part are kept, so that a product
that is new since training gets its row of S from its graph neighbours and with it its vector.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from gnn.fusion import Fusion
from gnn.paths import FloatArray, IntArray
from gnn.units import UnitWeights

FREE = "free"
Vectors = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Latent:
    """Propagated vectors and what is needed to add to them.

    Shapes:
        layers: part -> (K, N, d), S^k X of that part.
        fusion: what features become.
        shares: modality -> (N,) α.
        hops: (K,) β.
        gates: name of a term -> γ.
        start_factor: (N,) d_j^-g / scale.
        weights: (B,) θ, one for each behaviour.
        units: how much a unit of the history counts here.
    """

    layers: Mapping[str, Vectors]
    fusion: Fusion
    shares: Mapping[str, Vectors]
    hops: FloatArray
    gates: Mapping[str, float]
    start_factor: FloatArray
    weights: FloatArray
    units: UnitWeights

    @cached_property
    def parts(self) -> dict[str, Vectors]:
        """Part -> (N, d), Σ_k β_k S^k X."""
        hops = self.hops.astype(np.float32)
        return {name: np.tensordot(hops, layers, axes=1) for name, layers in self.layers.items()}

    @cached_property
    def vectors(self) -> Vectors:
        """(N, d) z."""
        return np.asarray(sum(self.parts.values()), np.float32)

    @cached_property
    def spread_of_texts(self) -> float:
        """How far dot products of texts alone with the products' vectors vary, by a sample of the products' texts."""
        texts = self.layers["text"][0] if "text" in self.layers else np.zeros((0, self.vectors.shape[1]), np.float32)
        texts = self.hops[0] * _sampled(texts[texts.any(axis=1)]).astype(np.float64)
        return float((texts @ _sampled(self.vectors).T).std(axis=1).mean()) if len(texts) else 0.0

    def scores(self, starts: IntArray, amounts: FloatArray) -> FloatArray:
        """(N,) what the start products give to every product but themselves."""
        return dots(self.vectors, self.vectors, starts, amounts * self.start_factor[starts])

    def scores_of_content(self, starts: IntArray, amounts: FloatArray) -> FloatArray:
        """(N,) the part of `scores` that products' features alone give."""
        return dots(self.vectors, self._content, starts, amounts * self.start_factor[starts])

    @cached_property
    def _content(self) -> Vectors:
        return np.asarray(self.vectors - self.parts[FREE], np.float32)

    def between(self, starts: IntArray, ends: IntArray) -> dict[str, FloatArray]:
        """Part -> (J, I): <z_j, z_i> split by what z_i is made of."""
        left = self.vectors[starts].astype(np.float64) * self.start_factor[starts, None]
        other = np.not_equal.outer(starts, ends)
        return {name: left @ part[ends].astype(np.float64).T * other for name, part in self.parts.items()}


def _sampled(vectors: Vectors, most: int = 1_000) -> Vectors:
    """Rows evenly over all of them."""
    return vectors[:: len(vectors) // most + 1]


def dots(left: Vectors, right: Vectors, starts: IntArray, amounts: FloatArray) -> FloatArray:
    """(N,) Σ_j amounts_j <left_j, right_i>, nothing from a product to itself.

    Args:
        left, right: (N, d) of products as the start and as the end.
        starts, amounts: (J,)
    """
    rows = left[starts]
    total = (right @ (amounts.astype(np.float32) @ rows)).astype(np.float64)
    np.subtract.at(total, starts, amounts * np.einsum("jd,jd->j", rows, right[starts]))
    return total
