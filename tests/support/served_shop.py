"""A small shop for the real engine, and a client that asks servers over HTTP."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import numpy as np
import pyarrow as pa
import uvicorn

from api.app import create_app
from api.settings import Settings
from gnn.artifact import load_artifact, save_artifact
from graph import Store
from schema import Ontology
from schema.tables import EVENTS, RELATIONS, node_schema

NOW = datetime.now(UTC).replace(microsecond=0)
PRODUCTS, USERS = 40, 80
KINDS = ("mug", "lamp")
EXPERT = {"x-pathrec-role": "expert"}

RECOMMEND = """
query($audience: AudienceInput!, $first: Int, $after: String, $filter: ProductFilter, $shown: Int = 5) {
  recommendations(audience: $audience, first: $first, after: $after, filter: $filter) {
    recommendationId strategy asOf modelVersion
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    edges {
      cursor rank score placement
      node { id productId title available price { amount currencyCode } categories { categoryId name } brand { name } }
      explanation {
        score prior lifts { name value amount } readableShare
        remainder { count value }
        contributions(first: $shown) {
          kind relation value share text
          because { behaviour events lastAt product { productId title } }
          path { cypher nodes { type keys names count } }
        }
      }
    }
  }
}
"""


@dataclass(frozen=True)
class Client:
    """A client of one server."""

    url: str
    http: httpx.Client

    def post(self, query: str, headers: dict[str, str] | None = None, **variables: Any) -> dict[str, Any]:
        """The whole answer, errors included."""
        response = self.http.post(f"{self.url}/graphql", json={"query": query, "variables": variables}, headers=headers)
        return dict(response.json())

    def ask(self, query: str, headers: dict[str, str] | None = None, **variables: Any) -> dict[str, Any]:
        """The data of an answer without errors."""
        answer = self.post(query, headers, **variables)
        assert "errors" not in answer, answer["errors"]
        return dict(answer["data"])

    def recommend(
        self, audience: dict[str, Any], first: int = 10, headers: dict[str, str] | None = None, **variables: Any
    ) -> dict[str, Any]:
        return dict(self.ask(RECOMMEND, headers, audience=audience, first=first, **variables)["recommendations"])

    def ids(self, audience: dict[str, Any], first: int = 10, **variables: Any) -> list[str]:
        edges = self.recommend(audience, first, **variables)["edges"]
        return [edge["node"]["productId"] for edge in edges]

    def wait_for_a_minute(self, seconds: float) -> None:
        """Waits for a new minute of the shop's clock where the present one ends so soon.

        What products score for anybody is that of a minute: lists that are compared are asked for in one.
        """
        left = 60 - datetime.fromisoformat(self.recommend({}, 1)["asOf"]).second
        if left < seconds:
            time.sleep(left)

    def record(self, *events: dict[str, Any]) -> dict[str, Any]:
        query = """mutation($events: [EventInput!]!) { recordEvents(events: $events) {
            accepted duplicates rejected { index code message } userErrors { code field message } } }"""
        return dict(self.ask(query, events=list(events))["recordEvents"])

    def upsert(self, *products: dict[str, Any]) -> dict[str, Any]:
        query = """mutation($products: [ProductInput!]!) { upsertProducts(products: $products) {
            products { productId title } withoutText withoutImage { productId reason message }
            userErrors { code field message } } }"""
        return dict(self.ask(query, products=list(products))["upsertProducts"])


@contextmanager
def served_here(settings: Settings) -> Iterator[Client]:
    """A server in a thread of this process, which ends with the block."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        app = create_app(settings)
        server = uvicorn.Server(uvicorn.Config(app, log_config=None))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        while not server.started:
            time.sleep(0.05)
        try:
            with httpx.Client(timeout=60, trust_env=False) as http:
                yield Client(f"http://127.0.0.1:{listening.getsockname()[1]}", http)
        finally:
            server.should_exit = True
            thread.join()


def within(seconds: float, condition: Callable[[], bool]) -> bool:
    """Whether something comes to be in that time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.1)
    return False


def event(product: str, behaviour: str = "purchase", **more: Any) -> dict[str, Any]:
    """An event of a new id."""
    return {"eventId": uuid4().hex, "productId": product, "behaviour": behaviour, **more}


def renamed(artifact: Path, target: Path, ontology: Ontology | None = None) -> Path:
    """The same model under another version, and if wanted with another ontology."""
    loaded = load_artifact(artifact)
    version = f"{loaded.manifest.model_version}-{target.name}"
    changes: dict[str, Any] = {"model_version": version}
    if ontology is not None:
        changes |= {"ontology": ontology, "ontology_hash": ontology.hash}
    scorer = replace(loaded.scorer, model_version=version)
    save_artifact(replace(loaded, manifest=loaded.manifest.model_copy(update=changes), scorer=scorer), target)
    return target


def load(store: Store) -> None:
    """Mugs and lamps: even users, who are Austrians, like mugs (even products), odd ones, Belgians, lamps."""
    ontology = store.ontology
    numbers = range(PRODUCTS)
    products = pa.table(
        {
            "id": [f"p{n}" for n in numbers],
            "title": [f"{('Red', 'Blue', 'Tall', 'Small')[n % 4]} {KINDS[n % 2]} {n}" for n in numbers],
            "price": [float(n + 1) for n in numbers],
            "currency": ["EUR"] * PRODUCTS,
            "image": [f"{KINDS[n % 2]} {n}.png" for n in numbers],
        }
    )
    categories = pa.table({"id": ["home", *KINDS], "name": ["Home", "Mugs", "Lamps"]})
    store.load_nodes("Product", _full(products, node_schema(ontology, "Product")))
    store.load_nodes("Category", categories)
    store.load_nodes("Brand", pa.table({"id": ["b0", "b1"], "name": ["Brand 0", "Brand 1"]}))
    store.load_relations("CHILD_OF", _relations((kind, "home") for kind in KINDS))
    store.load_relations("IN_CATEGORY", _relations((f"p{n}", KINDS[n % 2]) for n in numbers))
    store.load_relations("MADE_BY", _relations((f"p{n}", f"b{n % 4 // 2}") for n in numbers))
    store.load_relations("COMPLEMENTS", _relations((f"p{n}", f"p{(n + 2) % PRODUCTS}") for n in range(0, PRODUCTS, 4)))
    users = pa.table({"id": [f"u{n}" for n in range(USERS)], "country": ["AT", "BE"] * (USERS // 2)})
    store.load_nodes("User", _full(users, node_schema(ontology, "User")))
    store.load_events(_events())


def _events() -> pa.Table:
    generator = np.random.default_rng(3)
    rows: list[dict[str, Any]] = []
    for user in range(USERS):
        own = np.arange(user % 2, PRODUCTS, 2)
        for n, product in enumerate(generator.permutation(own)[: 4 + generator.integers(6)]):
            time = NOW - timedelta(days=float(generator.uniform(1, 200)))
            common = {"user": f"u{user}", "product": f"p{product}"}
            rows.append({"id": f"v{user}-{n}", "behaviour": "view", "time": time - timedelta(hours=1), **common})
            rows.append(
                {"id": f"e{user}-{n}", "behaviour": "purchase", "time": time, "basket": f"{user}-{n // 2}"} | common
            )
    return pa.Table.from_pylist(rows, schema=EVENTS)


def _relations(pairs: Any) -> pa.Table:
    rows = [{"source": source, "target": target} for source, target in pairs]
    return pa.Table.from_pylist(rows, schema=RELATIONS)


def _full(table: pa.Table, schema: pa.Schema) -> pa.Table:
    missing = {
        field.name: pa.nulls(table.num_rows, field.type) for field in schema if field.name not in table.column_names
    }
    return pa.table({**{name: table.column(name) for name in table.column_names}, **missing})
