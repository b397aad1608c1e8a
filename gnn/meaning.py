"""Products whose texts mean what some words mean, by the vectors that `gnn.likeness` keeps for stand-ins.

They are in memory as they are, are brought up to date with every product that is written, and every product is looked
at: a filter costs nothing and loses nothing.

Shapes: N products, d_m width of a text's vector, w of what is kept of it.
"""

import numpy as np

from gnn.interests import TEXT
from gnn.paths import FloatArray
from gnn.scoring import Scorer


def resemblance(scorer: Scorer, words: FloatArray) -> FloatArray | None:
    """(N,) cosine of some words with the text of each product, 0 where it has none.

    Args:
        scorer: the model.
        words: (d_m,) vector of the words, from the encoder of the products' texts.

    Returns:
        None where the model keeps no vectors of texts, or those of another encoder.
    """
    likeness = scorer.likeness
    if likeness is None or TEXT not in likeness.axes or len(likeness.axes[TEXT]) != len(words):
        return None
    along = np.asarray(words, np.float32) @ likeness.axes[TEXT]
    length = float(np.linalg.norm(words)) or 1.0
    return np.asarray(likeness.texts @ (along / length), np.float64)


def nearness(scorer: Scorer, meaning: FloatArray) -> float:
    """The cosine of some words with the product that is nearest to them, 0 if none is near.

    Args:
        scorer: says which products there are.
        meaning: (N,) as of `resemblance`.
    """
    return float(meaning[scorer.alive].max(initial=0.0))
