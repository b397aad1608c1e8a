"""What an encoder finds of the partners of products that it was never trained on.

**Shapes**: Q products that are asked about, N candidates, P pairs.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from ingestion.encoders.adapter import METRIC
from ingestion.encoders.cache import Encoder
from ingestion.finetuning.pairs import IntArray, Pairs

Part = Literal["trained", "stopping", "reported"]

LENGTH = 20
"""Products that are looked at for recall."""
_PARTS: tuple[Part, ...] = ("stopping", "reported", *("trained",) * 8)
_ROWS = 512


@dataclass(frozen=True)
class Found:
    """What an encoder found, the mean over the products that were asked about.

    Attributes:
        products: how many those are.
        recall: share of a product's partners among the `LENGTH` nearest products.
        mrr: one divided by the place of its first partner among all products.
    """

    products: int
    recall: float
    mrr: float

    def as_dict(self) -> dict[str, float]:
        """For a manifest, a table or JSON."""
        return {"products": self.products, METRIC: self.recall, "mrr": self.mrr}


@dataclass(frozen=True)
class Exam:
    """Questions about partners.

    Attributes:
        texts: of the candidates.
        product, partner: (P,) positions among the candidates; what is asked, and what would be right.
    """

    texts: tuple[str, ...] = field(repr=False)
    product: IntArray
    partner: IntArray

    @property
    def asked(self) -> int:
        """Q."""
        return len(np.unique(self.product))


def part_of(product: str) -> Part:
    """Whether a product is trained on, decides when to stop, or is reported on.

    It follows from the id alone: what was held out once is held out when training goes on, whatever the seed.
    """
    digest = hashlib.sha256(f"pathrec-held-out\x1f{product}".encode()).digest()
    return _PARTS[int.from_bytes(digest[:8]) % len(_PARTS)]


def make_exam(texts: Sequence[str], pairs: Pairs, asked: int, candidates: int) -> Exam:
    """Questions about the first products of some pairs.

    Args:
        texts: of all products; one without words is no candidate.
        pairs: products with their partners.
        asked: the most products to ask about.
        candidates: the most products to look among: those of the pairs, then others.
    """
    draw = np.random.default_rng(0)  # the same questions for every encoder and every seed of the training
    products = draw.permutation(np.unique(pairs.first))[:asked]
    pairs = pairs.take(np.isin(pairs.first, products))
    needed = np.union1d(pairs.first, pairs.second)
    others = np.setdiff1d([n for n, text in enumerate(texts) if text], needed)
    kept = np.sort(np.concatenate([needed, draw.permutation(others)[: max(candidates - len(needed), 0)]]))
    at = {int(product): place for place, product in enumerate(kept)}
    return Exam(
        texts=tuple(texts[n] for n in kept),
        product=np.array([at[int(n)] for n in pairs.first], np.int64),
        partner=np.array([at[int(n)] for n in pairs.second], np.int64),
    )


def take_exam(exam: Exam, encoder: Encoder) -> Found:
    """What an encoder finds."""
    vectors = encoder.encode(exam.texts)
    _, wording = np.unique(exam.texts, return_inverse=True)
    asked = np.unique(exam.product)
    recall, mrr = np.zeros(len(asked)), np.zeros(len(asked))
    for start in range(0, len(asked), _ROWS):
        some = asked[start : start + _ROWS]
        scores = vectors[some] @ vectors.T  # (q, N)
        scores[wording[some][:, None] == wording] = -np.inf  # itself, and what has the same name
        for row, product in enumerate(some, start):
            partners = exam.partner[exam.product == product]
            recall[row], mrr[row] = _judge(scores[row - start], partners)
    return Found(products=len(asked), recall=float(recall.mean()), mrr=float(mrr.mean()))


def _judge(scores: npt.NDArray[np.float32], partners: IntArray) -> tuple[float, float]:
    """Recall and reciprocal rank of one question; equal scores count as worse."""
    order = np.sort(scores)
    places = len(scores) - np.searchsorted(order, scores[partners])
    return float(np.mean(places <= LENGTH)), float(1 / places.min())


def save_exam(exam: Exam, folder: Path) -> None:
    """Writes `candidates.parquet` and `partners.parquet`."""
    pq.write_table(pa.table({"text": exam.texts}), folder / "candidates.parquet")
    pq.write_table(pa.table({"product": exam.product, "partner": exam.partner}), folder / "partners.parquet")


def load_exam(folder: Path) -> Exam:
    """The exam that `save_exam` wrote."""
    texts = pq.read_table(folder / "candidates.parquet").column("text").to_pylist()
    pairs = pq.read_table(folder / "partners.parquet")
    return Exam(tuple(texts), pairs.column("product").to_numpy(), pairs.column("partner").to_numpy())
