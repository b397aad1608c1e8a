"""The latent term: dot products of linearly propagated product vectors.

    z = Σ_k β_k S^k (E + Σ_m α_m W_m x_m),   S = Σ_r γ_r S_r,   S_r = D^-1/2 A_r A_rᵀ D^-1/2

Because propagation is linear, z splits exactly into a part of the free vectors E ("free") and one
part for each modality ("text", "image"). The layers S^k X of each part are kept, so that a product
that is new since training gets its row of S from its graph neighbours and with it its vector.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
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
        return {name: self._summed(layers) for name, layers in self.layers.items()}

    @cached_property
    def vectors(self) -> Vectors:
        """(N, d) z."""
        return np.asarray(sum(self.parts.values()), np.float32)

    def _summed(self, layers: Vectors) -> Vectors:
        """(P, d) of (K, P, d), number by number, so that some products alone have the same numbers as all together."""
        hops = self.hops.astype(np.float32)
        total = hops[0] * layers[0]
        for hop, layer in zip(hops[1:], layers[1:], strict=True):
            total += hop * layer
        return np.asarray(total)

    def copied(self, size: int) -> "Latent":
        """The same with arrays of its own and room for new products at the end, of which it says nothing yet.

        What was worked out of the arrays is copied as well: `renew` says where they were written to.
        """

        def own(array: Vectors, axis: int = 0) -> Vectors:
            shape = list(array.shape)
            shape[axis] = size
            result = np.zeros(shape, array.dtype)
            result[(slice(None),) * axis + (slice(array.shape[axis]),)] = array
            return result

        # As the start of a path a new product counts like one that nobody has met yet.
        rarest = np.full(size - len(self.start_factor), self.start_factor.max(initial=0.0))
        result = replace(
            self,
            layers={name: own(layers, 1) for name, layers in self.layers.items()},
            shares={name: own(shares) for name, shares in self.shares.items()},
            start_factor=np.concatenate([self.start_factor, rarest]),
        )
        known = self.__dict__
        if "parts" in known:
            result.__dict__["parts"] = {name: own(part) for name, part in self.parts.items()}
        if "vectors" in known:
            result.__dict__["vectors"] = own(self.vectors)
        if "spread_of_texts" in known:
            result.__dict__["spread_of_texts"] = self.spread_of_texts
        return result

    def renew(self, positions: IntArray) -> None:
        """Works out anew what follows from layers of some products that were written to, in arrays of its own."""
        if "parts" not in self.__dict__:
            return
        for name, layers in self.layers.items():
            self.parts[name][positions] = self._summed(layers[:, positions])
        if "vectors" in self.__dict__:
            self.vectors[positions] = sum(part[positions] for part in self.parts.values())

    @cached_property
    def spread_of_texts(self) -> float:
        """How far dot products of texts alone with the products' vectors vary, by a sample of the products' texts."""
        texts = self.layers["text"][0] if "text" in self.layers else np.zeros((0, self.vectors.shape[1]), np.float32)
        texts = self.hops[0] * _sampled(texts[texts.any(axis=1)]).astype(np.float64)
        return float((texts @ _sampled(self.vectors).T).std(axis=1).mean()) if len(texts) else 0.0

    def scores(self, starts: IntArray, amounts: FloatArray) -> FloatArray:
        """(N,) what the start products give to every product but themselves."""
        return dots(self.vectors, self.vectors, starts, amounts * self.start_factor[starts])

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
    total = (right @ (amounts.astype(np.float32) @ left[starts])).astype(np.float64)
    # A product's likeness to itself is far above that to others: taken off a sum in float32 it would leave a rest.
    places, place = np.unique(starts, return_inverse=True)
    given = np.bincount(place, amounts)[:, None] * left[places]
    total[places] = np.einsum("jd,jd->j", given.sum(axis=0) - given, right[places])
    return total
