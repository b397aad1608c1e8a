"""What it costs to count what viewers say of themselves: interests, words, both; a user's own interests.

    python -m benchmarks.told --products 40000 --home .pathrec

times the model alone on a made shop (`benchmarks.index`, with texts that are made up as well), of whose categories
and brands three are liked, and with a home folder also `pathrec serve` of it over HTTP, each request with other words.
"""

import argparse
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from api.settings import load_settings
from benchmarks.index import NOW, synthetic
from benchmarks.serving import Client, serving
from gnn.explain import explain
from gnn.fusion import Fusion
from gnn.index import index_of
from gnn.interests import NOTHING, Interest, Stated, stated
from gnn.profile import profile
from gnn.scoring import Scorer, top
from graph import connect

_LIST = """query($a: AudienceInput!) { recommendations(audience: $a, first: 20) { withoutText edges { score
    node { productId title } explanation { prior contributions(first: 3) { kind value text } } } } }"""
_PROFILE = """query($u: String!) { user(userId: $u) { interests(first: 10) { edges { weight node { name }
    evidence(first: 3) { weight because { product { productId } } } } } } }"""
_WIDTH = 384
_WORDS = ("red", "small", "warm", "ceramic", "summer", "gift", "garden", "wooden", "blue", "kitchen", "travel", "soft")


def with_texts(scorer: Scorer) -> Scorer:
    """The model with made-up texts in its vectors."""
    if scorer.latent is None:
        return scorer
    generator = np.random.default_rng(1)
    shape = next(iter(scorer.latent.layers.values())).shape
    texts = generator.standard_normal(shape, np.float32) / np.float32(shape[2] ** 0.5)
    projection = generator.standard_normal((_WIDTH, shape[2]), np.float32) / np.float32(_WIDTH**0.5)
    layers = {**scorer.latent.layers, "text": texts}
    fusion = Fusion({"text": projection}, {"text": np.zeros(len(projection) + 1, np.float32)})
    return replace(scorer, latent=replace(scorer.latent, layers=layers, fusion=fusion))


def milliseconds(work: Callable[[int], object], times: int) -> dict[str, float]:
    """Median of some runs after a few that warm up, and of what they took of a core: other work may run beside."""
    spent = []
    for number in range(times + 3):
        began, ran = time.perf_counter(), time.thread_time()
        work(number)
        spent.append((1000 * (time.perf_counter() - began), 1000 * (time.thread_time() - ran)))
    wall, core = np.median(spent[3:], axis=0)
    return {"wall": round(float(wall), 2), "core": round(float(core), 2)}


def of_model(products: int, times: int) -> dict[str, Any]:
    """Milliseconds of a list of twenty for somebody new, by what they say, and of its explanation."""
    shop = synthetic(products)
    scorer = with_texts(shop.scorer)
    generator = np.random.default_rng(2)
    likes = [
        Interest("IN_CATEGORY", tuple(map(str, range(8)))),
        Interest("MADE_BY", ("3",)),
        Interest("MADE_BY", ("9",)),
    ]
    nobody, index = scorer.history([]), index_of(scorer) if products >= 100_000 else None
    asked: dict[str, Sequence[Interest]] = {
        "nothing": (),
        "three interests": likes,
        "words": (),
        "three interests and words": likes,
    }

    def told(name: str) -> Stated:
        if name == "nothing":
            return NOTHING
        return stated(scorer, asked[name], generator.standard_normal(_WIDTH) if "words" in name else None)

    def listed(said: Stated) -> list[int]:
        scores = (
            scorer.score(nobody, NOW, None, said) if index is None else index.scores(scorer, nobody, NOW, None, said)
        )
        return [int(position) for position in top(scores, 20)]

    def answer(name: str) -> Callable[[int], object]:
        return lambda _: listed(told(name))

    report: dict[str, Any] = {name: milliseconds(answer(name), times) for name in asked}
    both = told("three interests and words")
    best = listed(both)
    report["explanation of 20 products"] = milliseconds(
        lambda _: explain(scorer, nobody, best, NOW, None, both, first=5), times
    )
    histories = shop.histories
    report["a user's interests"] = milliseconds(lambda n: profile(scorer, histories[n % len(histories)], NOW), times)
    return report


def over_http(home: Path, times: int) -> dict[str, Any]:
    """Milliseconds of whole requests to a server of a home folder, with three reasons for each of twenty products."""
    with connect(load_settings(home=home).store_url) as store:
        categories = [row.id for row in store.categories()][:2]
        brands = store.nodes("Brand").column("id").to_pylist()[:1]
        users = store.nodes("User").column("id").to_pylist()[:200]
    likes = [{"categoryId": key} for key in categories] + [{"brandId": key} for key in brands]

    def words(number: int) -> str:
        day = datetime.now(UTC).timestamp()
        return " ".join(_WORDS[(number * step) % len(_WORDS)] for step in (1, 3, 5)) + f" {number} {day}"

    with serving(home, 1) as (url, _, _):
        client = Client(url)
        while client.ask(_LIST, a={"text": "anything"})["recommendations"]["withoutText"]:
            time.sleep(0.2)
        return {
            "a user": milliseconds(lambda n: client.ask(_LIST, a={"userId": users[n % len(users)]}), times),
            "nothing": milliseconds(lambda _: client.ask(_LIST, a={}), times),
            "three interests": milliseconds(lambda _: client.ask(_LIST, a={"interests": likes}), times),
            "new words": milliseconds(lambda n: client.ask(_LIST, a={"text": words(n)}), times),
            "the same words": milliseconds(lambda _: client.ask(_LIST, a={"text": "a small gift"}), times),
            "interests and new words": milliseconds(
                lambda n: client.ask(_LIST, a={"text": words(n), "interests": likes}), times
            ),
            "a user's interests": milliseconds(lambda n: client.ask(_PROFILE, u=users[n % len(users)]), times),
        }


def main() -> None:
    """Measures and reports."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--products", type=int, default=40_000)
    parser.add_argument("--home", type=Path, help="a home folder to serve; left out if not given")
    parser.add_argument("--times", type=int, default=50)
    options = parser.parse_args()
    report = {"model": of_model(options.products, options.times)}
    if options.home is not None:
        report["http"] = over_http(options.home, options.times)
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
