"""The low-pass term: what the smooth part of who met what says, filtered by frequency.

    C[j, i] = d_j^-a · <v_j, h(S) v_i> · d_i^-c,    h(s) = Σ_p η_p s^p

V and S are the leading right singular vectors and values of the normalised user-product matrix. p = 0 is
the ideal low-pass filter of GF-CF (Shen et al. 2021), p = 2 the smooth part of co-occurrence and p = 4
that of its square: with a negative η the term takes off what everybody takes anyway (sharpening, as in
BSPM, Choi et al. 2023). These are paths of any length between products, without a single one to show.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from gnn.latent import Vectors, dots
from gnn.paths import FloatArray, IntArray
from gnn.units import UnitWeights

POWERS = (0, 2, 4)
"""p: which powers of the singular values the filter is made of."""


@dataclass(frozen=True)
class LowPass:
    """Singular vectors with a fitted filter.

    Shapes:
        basis: (N, d) V.
        values: (d,) S, the largest is one.
        response: (len(POWERS),) η; signed.
        start_factor: (N,) d_j^-a / scale.
        end_factor: (N,) d_i^-c.
        weights: (B,) θ, one for each behaviour.
        units: how much a unit of the history counts here.
    """

    basis: Vectors
    values: FloatArray
    response: FloatArray
    start_factor: FloatArray
    end_factor: FloatArray
    weights: FloatArray
    units: UnitWeights

    @cached_property
    def vectors(self) -> Vectors:
        """(N, d) h(S) v_i · d_i^-c, of a product as the end of a path."""
        return np.asarray(self.basis * filtered(self.values, self.response) * self.end_factor[:, None], np.float32)

    def longer(self, more: int) -> "LowPass":
        """The term with new products at its end, of which it says nothing: nobody has met them."""
        rows = ((0, more), (0, 0))
        result = replace(
            self,
            basis=np.pad(self.basis, rows),
            start_factor=np.pad(self.start_factor, (0, more)),
            end_factor=np.pad(self.end_factor, (0, more)),
        )
        if "vectors" in self.__dict__:
            result.__dict__["vectors"] = np.pad(self.vectors, rows)
        return result

    def scores(self, starts: IntArray, amounts: FloatArray) -> FloatArray:
        """(N,) what the start products give to every product but themselves."""
        return dots(self.basis, self.vectors, starts, amounts * self.start_factor[starts])

    def between(self, starts: IntArray, ends: IntArray) -> FloatArray:
        """(J, I) C between some products."""
        left = self.basis[starts].astype(np.float64) * self.start_factor[starts, None]
        values = left @ self.vectors[ends].astype(np.float64).T
        return np.asarray(values * np.not_equal.outer(starts, ends))


def filtered_between(
    basis: Vectors, values: FloatArray, responses: Sequence[Sequence[float]], starts: IntArray, ends: IntArray
) -> list[npt.NDArray[np.float64]]:
    """(J, I) <v_j, h(S) v_i> for each response, without factors of degree: what fitting weighs."""
    other = np.not_equal.outer(starts, ends)
    return [(basis[starts] * filtered(values, response)) @ basis[ends].T * other for response in responses]


def filtered(values: FloatArray, response: Sequence[float] | FloatArray) -> FloatArray:
    """(d,) h(S) = Σ_p η_p S^p."""
    return np.asarray(sum(eta * values**p for eta, p in zip(response, POWERS, strict=True)))
