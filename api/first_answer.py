"""The first question that a person asks a new shop, its answer over HTTP, and whether it adds up."""

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from schema.errors import PathrecError
from schema.snapshot import Snapshot, open_snapshot

_QUERY = """{
  recommendations(audience: {userId: %s}, first: 3) {
    strategy
    edges {
      rank
      score
      node { productId title }
      explanation {
        prior
        contributions(first: 3) { kind value text }
        remainder { count value }
      }
    }
  }
}"""
_ENOUGH = 5
_TOLERANCE = 1e-5
_SECONDS = 30.0


class AnswerError(PathrecError):
    """A server answered nothing, an error, or a score that is not the sum of its parts."""


@dataclass(frozen=True)
class FirstAnswer:
    """A query that can be pasted into GraphiQL, and what the server said to it."""

    user: str
    query: str
    answer: dict[str, Any]

    def as_dict(self) -> dict[str, Any]:
        """JSON form."""
        return {"user": self.user, "query": self.query, "answer": self.answer}


def ask_first(url: str, user: str) -> FirstAnswer:
    """Asks a server for a user's recommendations and checks that each score is the sum of its parts.

    Raises:
        AnswerError: no answer, errors in it, nothing recommended, or a sum that is not right.
    """
    query = _QUERY % json.dumps(user)
    answer = _post(url, query)
    if answer.get("errors"):
        raise AnswerError(f"{url}: the first query failed: {answer['errors'][0]['message']}")
    edges = answer["data"]["recommendations"]["edges"]
    if not edges:
        raise AnswerError(f"{url}: nothing was recommended to {user}; evaluate the model and look at its figures")
    for edge in edges:
        check_sum(edge)
    return FirstAnswer(user, query, answer)


def typical_user(snapshot: Path) -> str:
    """Somebody whose history says something: the first by id with a handful of target events."""
    opened = open_snapshot(snapshot, verify=False)
    ids = opened.nodes("User").column("id").to_pylist()
    counts = _target_events(opened)
    if not counts:
        raise AnswerError(f"{snapshot}: no known user has a {opened.ontology.target_behaviour}; ingest some events")
    rich = [position for position, count in counts.items() if count >= _ENOUGH]
    return str(min(ids[position] for position in rich) if rich else ids[counts.most_common(1)[0][0]])


def _target_events(snapshot: Snapshot) -> Counter[int]:
    events = snapshot.events()
    users, behaviours = events.column("user").to_pylist(), events.column("behaviour").to_pylist()
    target = snapshot.ontology.target_behaviour
    return Counter(
        user for user, behaviour in zip(users, behaviours, strict=True) if user is not None and behaviour == target
    )


def _post(url: str, query: str) -> dict[str, Any]:
    try:
        response = httpx.post(f"{url}/graphql", json={"query": query}, timeout=_SECONDS, trust_env=False)
        response.raise_for_status()
        return dict(response.json())
    except (httpx.HTTPError, ValueError) as error:
        raise AnswerError(f"{url}/graphql: no answer to the first query ({error})") from error


def check_sum(edge: dict[str, Any]) -> None:
    """Raises `AnswerError` if a recommendation's score is not prior + contributions + remainder."""
    explanation = edge["explanation"]
    parts = [part["value"] for part in explanation["contributions"]] + [explanation["remainder"]["value"]]
    total = explanation["prior"] + sum(parts)
    allowed = _TOLERANCE * max(abs(explanation["prior"]) + sum(map(abs, parts)), 1e-9)
    if abs(total - edge["score"]) > allowed:
        product = edge["node"]["productId"]
        raise AnswerError(f"{product}: its score is {edge['score']}, but its parts sum to {total}; report this")
