"""How well few examples, or names alone, tell the types of real products: from titles, from photographs, from both.

    python -m benchmarks.labels --data DATA --cache FOLDER [--json labels.json]

Labels are the `articleType` of the fashion catalogue with at least 50 products. Ten examples of each are drawn anew
with each seed; they are judged on the same 2,000 products, a random sample of all others. What was chosen by looking
(the temperature of names, frequencies of labels for examples alone) was chosen on another 1,000, and 1,000 more are
left for the next who wants to choose. `without its type` is a title from which the words
of the product's own type were taken, so that it cannot be read off; photographs know no words.
"""

import argparse
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.machine import machine, write_json
from benchmarks.photographs import (
    Drawn,
    FloatArray,
    draw,
    picture_vectors,
    text_vectors,
    titles_without_types,
)
from ingestion.encoders import EmbeddingCache
from ingestion.fashion.photographed import TITLE
from ingestion.labels.calibration import accuracy, calibration_error
from ingestion.labels.classifier import side_by_side
from ingestion.labels.few_shot import learn
from ingestion.labels.zero_shot import by_names

LEAST, EXAMPLES, SEEDS = 50, 10, 3
POOL, LOOKED_AT, JUDGED, LEFT = 30, 1000, 2000, 1000
SURE = 0.8

Figures = dict[str, float]


def main() -> None:
    """Measures everything, shows a table, and writes it as JSON where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of the public data, with fashion/ in it")
    parser.add_argument("--cache", type=Path, required=True, help="keeps what was encoded")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    where = machine()
    drawn = draw(options.data, least=LEAST, pool=POOL, judged=LOOKED_AT + JUDGED + LEFT, seed=0)
    drawn = drawn.first(drawn.pool.size + LOOKED_AT + JUDGED)
    document = {"machine": where, "data": described(drawn), "figures": measured(drawn, EmbeddingCache(options.cache))}
    show(document)
    if options.json:
        write_json(document, options.json)


def described(drawn: Drawn) -> dict[str, int]:
    """What is judged."""
    return {"types": len(drawn.names), "examples_of_each": EXAMPLES, "seeds": SEEDS, "judged": JUDGED}


def measured(drawn: Drawn, cache: EmbeddingCache) -> dict[str, dict[str, Figures]]:
    """Way -> kind of vectors -> figures."""
    judged = drawn.judged[LOOKED_AT:]
    truth = drawn.types[judged]
    title = text_vectors(drawn.products.column(TITLE), cache)
    bare = text_vectors(titles_without_types(drawn), cache)
    picture = picture_vectors(drawn.products.pictures, cache)
    kinds: dict[str, FloatArray] = {
        "title": title,
        "title without its type": bare,
        "photograph": picture,
        "title and photograph": side_by_side(title, picture).astype(np.float32),
        "title without its type and photograph": side_by_side(bare, picture).astype(np.float32),
    }
    nearest = by_names(text_vectors(drawn.names, cache))
    return {
        "the most frequent type": {"": {"accuracy": float((truth == np.bincount(truth).argmax()).mean())}},
        "names alone": {
            name: judged_by(nearest.probabilities(kinds[name][judged]), truth)
            for name in ("title", "title without its type")
        },
        f"{EXAMPLES} examples of each": {name: of_examples(drawn, matrix) for name, matrix in kinds.items()},
    }


def of_examples(drawn: Drawn, matrix: FloatArray) -> Figures:
    """Means over seeds, and the standard deviation between them."""
    judged = drawn.judged[LOOKED_AT:]
    found = []
    for seed in range(SEEDS):
        rng = np.random.default_rng(seed)
        some = np.concatenate([rng.choice(row, EXAMPLES, replace=False) for row in drawn.pool])
        classifier, check = learn(matrix[some], drawn.types[some], seed=seed)
        settled = classifier.at_home_in(matrix[judged])
        figures = judged_by(settled.probabilities(matrix[judged]), drawn.types[judged])
        even = classifier.probabilities(matrix[judged])
        found.append(
            figures
            | {"accuracy, types as frequent as examples": accuracy(even, drawn.types[judged])}
            | {"held-out examples: accuracy": check.accuracy}
            | {"held-out examples: calibration error": check.calibration_error}
        )
    means = {name: float(np.mean([one[name] for one in found])) for name in found[0]}
    return means | {"spread of accuracy": float(np.std([one["accuracy"] for one in found], ddof=1))}


def judged_by(probabilities: FloatArray, truth: "np.ndarray[Any, np.dtype[np.int64]]") -> Figures:
    """Accuracy, calibration, and what a threshold leaves."""
    sure = probabilities.max(axis=1) >= SURE
    right = probabilities.argmax(axis=1) == truth
    return {
        "accuracy": accuracy(probabilities, truth),
        "calibration error": calibration_error(probabilities, truth),
        f"share with confidence {SURE}": float(sure.mean()),
        f"accuracy of those with confidence {SURE}": float(right[sure].mean()) if sure.any() else 0.0,
    }


def show(document: dict[str, Any]) -> None:
    """A row for each way and kind."""
    figures: dict[str, dict[str, Figures]] = document["figures"]
    columns = list(dict.fromkeys(name for kinds in figures.values() for one in kinds.values() for name in one))
    table = Table("by", "from", *columns, title=f"{document['data']}", title_justify="left")
    for way, kinds in figures.items():
        for kind, one in kinds.items():
            table.add_row(way, kind, *(f"{one[name]:.3f}" if name in one else "" for name in columns))
    Console(width=220).print(table)


if __name__ == "__main__":
    main()
