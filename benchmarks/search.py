"""Search: how well products are found by two words of their title, and how fast.

    python -m benchmarks.search --home .pathrec --json search.json

takes a home folder whose products are embedded. For some products it looks up two words of the title, drawn at random,
by the full-text indexes, by the vectors of the texts, and by both (`api.services.relevance`), in this process: the mean
reciprocal rank of the product, and how often it is among the first 20. What has the same title is left out; among what
is alike the product comes in the middle. Made-up words are looked up as well, other ones than those that say where
meaning begins (`api.services.sense`). If a model is published it then starts `pathrec serve` and asks `search` with the
same words over HTTP, for another user each time, with and without facets and explanations.
"""

import argparse
import random
import re
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from rich.console import Console
from rich.table import Table

from api import registry
from api.services.relevance import fused
from api.services.search import nearest
from api.services.sense import bound, made_up
from api.settings import load_settings
from benchmarks.machine import machine, write_json
from benchmarks.serving import Client, serving, shop_of
from gnn.likeness import along, main_axes
from gnn.paths import FloatArray
from graph import Query, Store, connect
from ingestion.encoders.text import load_text_encoder

SEED, FIRST = 1, 20
CLIENTS = (1, 8)
MADE_UP = 500
Vectors = npt.NDArray[np.floating]

_SEARCH = """query($q: String!, $u: String) {
    search(query: $q, audience: {userId: $u}, first: 20) { totalCount lexicalOnly %s } }"""
_FACETS = """facets { categories { count category { name } } brands { count brand { name } }
    prices { min max count } availability { available unavailable } }"""
QUERIES = {
    "bare ids": _SEARCH % "edges { rank score node { productId } }",
    "with products": _SEARCH % "edges { score node { productId title price { amount } brand { name } } }",
    "with products and facets": _SEARCH
    % f"edges {{ score node {{ productId title price {{ amount }} brand {{ name }} }} }} {_FACETS}",
    "with explanations": _SEARCH
    % """edges { score node { productId title } explanation {
        prior remainder { value } contributions(first: 3) { kind value text } } }""",
}


def two_words(title: str, generator: random.Random) -> str | None:
    """Two words of a title, of three letters at least; None if there are not so many."""
    words = sorted({word for word in re.findall(r"\w+", title.lower()) if len(word) > 2 and word.isalpha()})
    return " ".join(generator.sample(words, 2)) if len(words) > 1 else None


def rank_of(scores: FloatArray, target: int, others: Sequence[int]) -> float:
    """Rank of a product, in the middle of what is alike; infinite if it was not found.

    Args:
        scores: (N,) 0 for what was not found.
        target: the product.
        others: products of the same title, which do not count.
    """
    if not scores[target]:
        return float("inf")
    rivals = np.delete(scores, others)
    return float((rivals > scores[target]).sum() + (1 + (rivals == scores[target]).sum()) / 2)


def measures(ranks: Sequence[float]) -> dict[str, float]:
    """Mean reciprocal rank, and the share of ranks up to 20."""
    found = np.array(ranks)
    return {"mrr": round(float((1 / found).mean()), 4), f"first_{FIRST}": round(float((found <= FIRST).mean()), 4)}


def quality(
    store: Store, asked: Mapping[str, str], titles: Mapping[str, str]
) -> tuple[dict[str, dict[str, float]], float]:
    """What each way of looking makes of queries, and the share of made-up words that are found to mean nothing.

    Args:
        store: where the products are.
        asked: product -> words of its title.
        titles: of all products.
    """
    ids = list(titles)
    place = {key: row for row, key in enumerate(ids)}
    vectors = store.features("Product", "text", ids)
    axes = main_axes(vectors, np.random.default_rng(SEED))
    kept = along(vectors, axes).astype(np.float32)
    encoder = load_text_encoder().for_queries()
    queries = encoder.encode(list(asked.values()))
    least = bound(reached(kept, encoder.encode(made_up()) @ axes))
    same: dict[str, list[int]] = {}
    for key, title in titles.items():
        same.setdefault(title, []).append(place[key])
    ranks: dict[str, list[float]] = {}
    for (key, words), query in zip(asked.items(), queries, strict=True):
        lexical = np.zeros(len(ids))
        for every in (True, False):
            found = store.find_texts(words.split(), every=every)["Product"]
            lexical[[place[hit] for hit in found if hit in place]] = [v for hit, v in found.items() if hit in place]
            if found:
                break
        whole, short = (vectors @ query).clip(0.0), (kept @ (query @ axes)).clip(0.0)
        near = nearest(short, np.ones(len(ids), bool))
        target, others = place[key], [row for row in same[titles[key]] if row != place[key]]
        for name, scores in (
            ("lexical", lexical),
            ("vectors", whole),
            (f"vectors along {axes.shape[1]} directions", short),
            ("fused", fused([lexical, near])),
            ("fused, where the words mean something", fused([lexical, near * (short.max() >= least)])),
        ):
            ranks.setdefault(name, []).append(rank_of(scores, target, others))
    other = encoder.encode(made_up(MADE_UP, SEED + 1)) @ axes
    found_nothing = float(np.mean([cosine < least for cosine in reached(kept, other)]))
    return {name: measures(values) for name, values in ranks.items()}, found_nothing


def reached(kept: Vectors, words: Vectors) -> list[float]:
    """Cosine of some words, (Q, w) along the main directions, with the product nearest to each.

    Args:
        kept: (N, w) texts of products.
        words: (Q, w).
    """
    return [float((kept @ row).max()) for row in words]


def titles_of(store: Store) -> dict[str, str]:
    """Product -> title, of those that have one."""
    rows = store.read(Query("MATCH (p:Product) WHERE p.title IS NOT NULL RETURN p.id AS id, p.title AS title"))
    return {row["id"]: row["title"] for row in rows}


def questions(titles: Mapping[str, str], count: int) -> dict[str, str]:
    """Product -> two words of its title, for some products."""
    generator = random.Random(SEED)
    drawn = ((key, two_words(titles[key], generator)) for key in generator.sample(sorted(titles), len(titles)))
    found = {key: words for key, words in drawn if words is not None}
    return dict(list(found.items())[:count])


def speed(home: Path, words: Sequence[str], requests: int) -> dict[str, Any]:
    """Latencies over HTTP by what is asked for and by the number of clients."""
    users, _ = shop_of(home)
    with serving(home, 1) as (url, _, _):
        probe = Client(url)
        while probe.ask(QUERIES["bare ids"], q="words", u=None)["search"]["lexicalOnly"]:
            time.sleep(0.5)
        report = {}
        for name, query in QUERIES.items():
            measured(url, query, users, words, 2, 100)  # the engine compiles its queries
            report[name] = {clients: measured(url, query, users, words, clients, requests) for clients in CLIENTS}
        return report


def measured(
    url: str, query: str, users: Sequence[str], words: Sequence[str], clients: int, requests: int
) -> dict[str, float]:
    """Milliseconds and rate of some searches by some clients at the same time, each for another user."""
    milliseconds: list[float] = []
    found: list[int] = []

    def client(first: int) -> None:
        connection = Client(url)
        for number in range(first, requests, clients):
            began = time.perf_counter()
            answer = connection.ask(query, q=words[number % len(words)], u=users[number % len(users)])
            milliseconds.append(1000 * (time.perf_counter() - began))
            found.append(answer["search"]["totalCount"])

    own, began = time.process_time(), time.perf_counter()
    with ThreadPoolExecutor(clients) as pool:
        list(pool.map(client, range(clients)))
    seconds = time.perf_counter() - began
    p50, p90, p99 = np.percentile(milliseconds, [50, 90, 99])
    return {
        "p50_ms": round(float(p50), 2),
        "p90_ms": round(float(p90), 2),
        "p99_ms": round(float(p99), 2),
        "per_second": round(requests / seconds, 1),
        "found": round(float(np.mean(found)), 1),
        "client_cpu_share": round((time.process_time() - own) / seconds, 2),
    }


def show(report: Mapping[str, Any], console: Console) -> None:
    """The report as tables."""
    table = Table("found by", "MRR", f"among the first {FIRST}")
    for name, found in report["quality"].items():
        table.add_row(name, str(found["mrr"]), str(found[f"first_{FIRST}"]))
    console.print(table)
    console.print(f"of {MADE_UP} made-up words, found to mean nothing: {report['meaningless']:.3f}")
    if "speed" in report:
        table = Table("search(first: 20)", "clients", "p50 ms", "p90 ms", "p99 ms", "per second", "found", "client CPU")
        for name, by_clients in report["speed"].items():
            for clients, row in by_clients.items():
                table.add_row(name, str(clients), *map(str, row.values()))
        console.print(table)


def main() -> None:
    """Measures and reports."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--home", type=Path, default=Path(".pathrec"))
    parser.add_argument("--titles", type=int, default=500, help="how many products are looked up")
    parser.add_argument("--requests", type=int, default=400, help="for each number of clients and query")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    report: dict[str, Any] = {"machine": machine()}
    with connect(load_settings(home=options.home).store_url) as store:
        store.prepare()
        titles = titles_of(store)
        asked = questions(titles, options.titles)
        figures, meaningless = quality(store, asked, titles)
        report |= {"products": len(titles), "looked_up": len(asked), "quality": figures, "meaningless": meaningless}
    if registry.served(options.home) is not None:
        report["speed"] = speed(options.home, list(asked.values()), options.requests)
    show(report, Console())
    if options.json:
        write_json(report, options.json)


if __name__ == "__main__":
    main()
