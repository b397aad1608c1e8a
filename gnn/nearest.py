"""Which vectors have the largest dot products with another one, found without looking at all: by faiss.

An inverted file (Jégou et al. 2011): vectors lie in the cell of the nearest of about sqrt(N) centroids, coded
as what is left to it. A search looks into the cells whose centroids have the largest dot products with the
query. It takes seconds for a million vectors to be laid out so; a graph of neighbours takes minutes.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import isqrt
from typing import Literal

import faiss
import numpy as np

from gnn.latent import Vectors
from gnn.paths import IntArray

Coding = Literal["fp16", "int8"]

_CODES = {"fp16": faiss.ScalarQuantizer.QT_fp16, "int8": faiss.ScalarQuantizer.QT_8bit}
_CHUNK = 50_000
_SAMPLED = 40
_ROUNDS = 8


@dataclass(frozen=True)
class Nearest:
    """Coded vectors by cell.

    Attributes:
        cells: the inverted file; searching leaves it as it is.
        centroids: what it finds the cells by, kept alive here since faiss only points to it.
    """

    cells: faiss.IndexIVFScalarQuantizer
    centroids: faiss.IndexFlatIP

    def search(self, query: Vectors, k: int, width: int) -> IntArray:
        """Positions of (at most) the k vectors with the largest dot products, as far as coding and width tell.

        Args:
            query: (d,)
            k: how many.
            width: number of cells that are looked into.
        """
        asked = faiss.SearchParametersIVF()
        asked.nprobe = min(width, self.centroids.ntotal)
        _, found = self.cells.search(query[None], k, params=asked)
        return np.asarray(found[0, found[0] >= 0])

    @property
    def bytes(self) -> int:
        """Size of the codes with their positions."""
        return int(self.cells.ntotal * (self.cells.code_size + 8) + 4 * self.centroids.ntotal * self.centroids.d)


def lay_out(rows: Callable[[IntArray], Vectors], count: int, coding: Coding = "int8") -> Nearest:
    """Puts vectors into cells.

    Args:
        rows: gives the vectors at some positions, so that they need not all be in memory.
        count: N.
        coding: how a vector's numbers are kept.
    """
    generator = np.random.default_rng(0)
    cells = max(1, isqrt(count))
    sample = rows(np.sort(generator.choice(count, min(count, _SAMPLED * cells), replace=False)))
    width = sample.shape[1]
    clusters = faiss.Kmeans(width, cells, niter=_ROUNDS, seed=1, min_points_per_centroid=1)
    clusters.train(sample)
    centroids = np.asarray(clusters.centroids, np.float32)
    by_distance, by_product = faiss.IndexFlatL2(width), faiss.IndexFlatIP(width)
    by_distance.add(centroids)
    by_product.add(centroids)
    index = faiss.IndexIVFScalarQuantizer(by_distance, width, cells, _CODES[coding], faiss.METRIC_INNER_PRODUCT)
    index.train(sample)
    for start in range(0, count, _CHUNK):
        index.add(rows(np.arange(start, min(start + _CHUNK, count))))
    # A vector lies in the cell that it is nearest to, so that little is left to code. Asked is by dot product.
    index.quantizer = by_product
    return Nearest(index, by_product)
