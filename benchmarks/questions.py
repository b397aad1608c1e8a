"""What the benchmark of the API asks: bodies of requests by kind, each for the next user of a shop."""

import json
import random
from collections.abc import Callable, Sequence
from uuid import uuid4

from api.graphql.schema import executable
from benchmarks.serving import LIST, QUERIES, body_of
from graph import Query, Store

EXPLAINED = LIST % (
    "productId title price { amount currencyCode } image { url } brand { name } categories { name }",
    "explanation { prior remainder { count value } contributions(first: 3) { kind value text } }",
)
DIVERSE = LIST.replace("first: 20", "first: 20, options: {diversity: 0.3}") % ("productId", "")
RECORD = "mutation($events: [EventInput!]!) { recordEvents(events: $events) { accepted } }"
SEARCH = """query($q: String!, $u: String) {
    search(query: $q, audience: {userId: $u}, first: 20) { edges { node { productId title } } } }"""
MIXTURE = {"bare ids": 2, "with products": 3, "with products and reasons": 4, "recordEvents": 1, "search": 1}
"""How many of each kind are asked in a mixed load, in a random order."""


class Questions:
    """Bodies of requests by kind; each for the next user of a shop, with the next product where one is needed."""

    def __init__(self, users: Sequence[str], products: Sequence[tuple[str, str]]) -> None:
        """Args:
        users: whose turn it is in this order.
        products: id and title.
        """
        self._users, self.products = users, products
        self._turn = 0
        self.recorded: list[str] = []
        kinds: dict[str, Callable[[str], bytes]] = {
            "bare ids": lambda user: body_of(QUERIES["bare ids"], u=user),
            "bare ids, diversity 0.3": lambda user: body_of(DIVERSE, u=user),
            "with products": lambda user: body_of(QUERIES["with products"], u=user),
            "with products and reasons": lambda user: body_of(EXPLAINED, u=user),
            "recordEvents": self._event,
            "search": self._search,
        }
        fields = executable().query_type.fields  # type: ignore[union-attr]  # a schema without queries is none
        self.kinds = {name: kind for name, kind in kinds.items() if name != "search" or name in fields}

    def of(self, kind: str, count: int) -> list[bytes]:
        """Some bodies of one kind."""
        return [self._next(kind) for _ in range(count)]

    def mixed(self, count: int) -> list[bytes]:
        """Some bodies of all kinds."""
        kinds = [kind for kind, share in MIXTURE.items() if kind in self.kinds for _ in range(share)]
        return [self._next(kind) for kind in random.Random(self._turn).choices(kinds, k=count)]

    def bare(self, count: int) -> list[bytes]:
        """Bodies for the route that `benchmarks.floor` serves."""
        return [json.dumps({"user": self._user()}).encode() for _ in range(count)]

    def _user(self) -> str:
        self._turn += 1
        return self._users[self._turn % len(self._users)]

    def _next(self, kind: str) -> bytes:
        return self.kinds[kind](self._user())

    def _event(self, user: str) -> bytes:
        product, _ = self.products[self._turn % len(self.products)]
        self.recorded.append(f"benchmark-{uuid4().hex}")
        event = {"eventId": self.recorded[-1], "userId": user, "productId": product, "behaviour": "view"}
        return body_of(RECORD, events=[event])

    def _search(self, user: str) -> bytes:
        _, title = self.products[self._turn % len(self.products)]
        words = title.split()
        return body_of(SEARCH, q=" ".join(words[self._turn % len(words) :][:2]), u=user)


def shop_of(store: Store) -> Questions:
    """Questions about a shop's own users and products, in a random order."""
    users = [row["id"] for row in store.read(Query("MATCH (u:User) RETURN u.id AS id ORDER BY id"))]
    found = store.read(Query("MATCH (p:Product) RETURN p.id AS id, p.title AS title ORDER BY id LIMIT 2000"))
    products = [(row["id"], row["title"] or row["id"]) for row in found]
    for some in (users, products):
        random.Random(1).shuffle(some)
    return Questions(users, products)
