"""Labelled products of the fashion catalogue as vectors of titles and photographs; what was encoded once is kept."""

import hashlib
import re
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ingestion.encoders import EmbeddingCache, encode_cached
from ingestion.encoders.cache import content_hash
from ingestion.encoders.text import load_text_encoder
from ingestion.encoders.vision import load_image_encoder
from ingestion.fashion.photographed import TITLE, TYPE, Photographed, read_photographed
from schema.progress import Report, silent

FloatArray = NDArray[np.float32]
IntArray = NDArray[np.int64]

_PIECE = 256


@dataclass(frozen=True)
class Drawn:
    """Products of the types that have enough of them.

    Attributes:
        products: N of them.
        names: C types.
        types: (N,) the type of each product.
        pool: (C, n) positions that examples are taken from, the same number of each type.
        judged: positions of a random sample of all the others, with types as frequent as in the catalogue.
    """

    products: Photographed
    names: list[str]
    types: IntArray
    pool: IntArray
    judged: IntArray

    def first(self, count: int) -> "Drawn":
        """Without the products from the position `count` on, which lies behind the pool."""
        products = Photographed(self.products.rows[:count], self.products.pictures[:count])
        return Drawn(products, self.names, self.types[:count], self.pool, self.judged[self.judged < count])


def draw(data: Path, *, least: int, pool: int, judged: int, seed: int) -> Drawn:
    """`pool` products of each type that has at least `least`, and others at random, from the folder `data`."""
    rng = np.random.default_rng(seed)
    everything = read_photographed(data / "fashion", None, rng)
    counts = Counter(everything.column(TYPE))
    names = sorted(name for name, count in counts.items() if count >= least)
    types = np.array([names.index(name) if name in names else -1 for name in everything.column(TYPE)])
    chosen = np.stack([rng.choice(np.flatnonzero(types == kind), pool, replace=False) for kind in range(len(names))])
    others = rng.choice(np.setdiff1d(np.flatnonzero(types >= 0), chosen), judged, replace=False)
    rows = np.concatenate([chosen.ravel(), others])
    return Drawn(
        products=Photographed(everything.rows[rows], [everything.pictures[row] for row in rows]),
        names=names,
        types=types[rows],
        pool=np.arange(chosen.size).reshape(chosen.shape),
        judged=np.arange(chosen.size, len(rows)),
    )


def titles_without_types(drawn: Drawn) -> list[str]:
    """Titles from which the words that name a product's own type were taken, whatever their ending."""
    return [
        _without(title, drawn.names[kind])
        for title, kind in zip(drawn.products.column(TITLE), drawn.types.tolist(), strict=True)
    ]


def _without(title: str, kind: str) -> str:
    """ "Nike Men's T-shirts" of the type "Tshirts" is "Nike Men's"; "Eye Liner" goes like "Eyeliner"."""
    stems = [_letters(word).removesuffix("s").removesuffix("e") for word in kind.split()]
    stems = [stem for stem in stems if len(stem) > 2 and stem != "and"]
    words = re.split(r"[\s-]+", title)
    named = [any(stem in _letters(word) for stem in stems) for word in words]
    for at, (first, second) in enumerate(pairwise(words)):
        if not (named[at] or named[at + 1]) and any(stem in _letters(first + second) for stem in stems):
            named[at] = named[at + 1] = True
    return " ".join(word for word, gone in zip(words, named, strict=True) if not gone)


def _letters(word: str) -> str:
    return re.sub(r"[^a-z]", "", word.lower())


def text_vectors(texts: list[str], cache: EmbeddingCache, report: Report = silent) -> FloatArray:
    """(n, d) of the packaged text model."""
    return encode_cached(load_text_encoder(), texts, cache, report)[0]


def picture_vectors(pictures: list[bytes], cache: EmbeddingCache, report: Report = silent) -> FloatArray:
    """(n, d) of the packaged picture model."""
    encoder = load_image_encoder()
    keys = [content_hash(encoder.version, hashlib.sha256(content).hexdigest()) for content in pictures]
    known = cache.get(encoder.version, keys)
    missing = [row for row, key in enumerate(keys) if key not in known]
    for start in range(0, len(missing), _PIECE):
        rows = missing[start : start + _PIECE]
        seen = encoder.encode([pictures[row] for row in rows]).matrix
        fresh = {keys[row]: vector for row, vector in zip(rows, seen, strict=True)}
        cache.put(encoder.version, fresh)
        known.update(fresh)
        report("pictures", start + len(rows), len(missing))
    return np.stack([known[key] for key in keys])
