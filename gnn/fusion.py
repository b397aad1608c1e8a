"""How the features of a product, its words and its picture, become one vector: gated fusion.

    content = Σ_m α_m W_m x_m,   α = softmax over the modalities that are there of <v_m, x_m> + b_m

A gate looks at the feature itself, so that a product that is new since training has its gates too.
(Gated multimodal units, Arevalo et al. 2017, with a softmax and without their non-linearity, which
would not split into modalities.)

Shapes: M modalities, d_m width of a modality's feature, d width of the vectors.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Vectors = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Fusion:
    """Learned numbers of every modality.

    Shapes:
        projections: modality -> (d_m, d) W.
        openings: modality -> (d_m + 1,) v, then b.
    """

    projections: Mapping[str, Vectors]
    openings: Mapping[str, Vectors]

    def takes(self, features: Mapping[str, npt.NDArray[np.floating]]) -> bool:
        """Whether all features that the model knows by name have the width that it was trained with."""
        return all(len(v) == len(self.projections[m]) for m, v in features.items() if m in self.projections)

    def shares(self, features: Mapping[str, npt.NDArray[np.floating]]) -> dict[str, float]:
        """Modality -> α of one product; those that it has not, or the model does not know, are absent.

        Args:
            features: modality -> (d_m,), as wide as `takes` wants them.
        """
        there = {m: np.asarray(v, np.float32) for m, v in features.items() if m in self.projections and v.any()}
        logits = {m: float(v @ self.openings[m][:-1] + self.openings[m][-1]) for m, v in there.items()}
        highest = max(logits.values(), default=0.0)
        raised = {m: float(np.exp(logit - highest)) for m, logit in logits.items()}
        total = sum(raised.values())
        return {m: value / total for m, value in raised.items()}

    def parts(
        self, features: Mapping[str, npt.NDArray[np.floating]], shares: Mapping[str, float]
    ) -> dict[str, Vectors]:
        """Modality -> (d,) α W x of one product, whose `shares` these are."""
        return {
            m: np.float32(share) * (np.asarray(features[m], np.float32) @ self.projections[m])
            for m, share in shares.items()
        }
