"""Asks a shop what it recommends and why, records an event, asks again and prints both lists.

    python examples/python_client.py http://127.0.0.1:8000 --user U00068

The client is the library gql: `pip install 'gql[httpx]'`.
"""

import argparse
from typing import Any
from uuid import uuid4

from gql import Client, GraphQLRequest, gql
from gql.transport.httpx import HTTPXTransport

RECOMMEND = gql("""
    query ($userId: String, $sessionId: String, $first: Int) {
      recommendations(audience: {userId: $userId, sessionId: $sessionId}, first: $first) {
        strategy
        edges {
          rank
          score
          node { productId title price { amount currencyCode } }
          explanation { prior contributions(first: 2) { value text } remainder { value } }
        }
      }
    }
""")
RECORD = gql("""
    mutation ($events: [EventInput!]!) {
      recordEvents(events: $events) {
        accepted
        rejected { code message }
        userErrors { code message }
      }
    }
""")


def recommend(client: Client, visitor: dict[str, str], first: int) -> dict[str, Any]:
    """What the shop recommends to a visitor, the best first.

    Raises:
        gql.transport.exceptions.TransportError: no answer, or one that says what is wrong.
    """
    asked = GraphQLRequest(RECOMMEND, variable_values={**visitor, "first": first})
    found: dict[str, Any] = client.execute(asked)["recommendations"]
    return found


def record_purchase(client: Client, visitor: dict[str, str], product: str) -> list[str]:
    """Tells the shop what a visitor bought, and returns the events that it took.

    An event with an id counts once, however often it is sent.
    """
    event = {**visitor, "eventId": uuid4().hex, "productId": product, "behaviour": "purchase"}
    asked = GraphQLRequest(RECORD, variable_values={"events": [event]})
    accepted: list[str] = client.execute(asked)["recordEvents"]["accepted"]
    return accepted


def show(title: str, found: dict[str, Any]) -> None:
    """A list with prices, scores and reasons."""
    print(f"\n{title} ({found['strategy']})")
    for edge in found["edges"]:
        product, why = edge["node"], edge["explanation"]
        price = product["price"]
        cost = f", {price['amount']:.2f} {price['currencyCode'] or ''}".rstrip() if price else ""
        print(f"{edge['rank']:3}. {product['title'] or product['productId']}{cost} (score {edge['score']:.3f})")
        for part in why["contributions"]:
            print(f"     {part['value']:+.3f}  {part['text']}")


def main() -> None:
    """Asks, records, asks again."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("url", help="address of the shop, such as http://127.0.0.1:8000")
    parser.add_argument("--user", help="a user by the shop's own key; by default somebody unknown")
    parser.add_argument("--key", help="key of the shop, where it wants one")
    parser.add_argument("--first", type=int, default=5, help="length of the lists (%(default)s)")
    options = parser.parse_args()
    visitor = {"sessionId": uuid4().hex} | ({"userId": options.user} if options.user else {})
    headers = {"Authorization": f"Bearer {options.key}"} if options.key else {}
    with Client(transport=HTTPXTransport(url=f"{options.url}/graphql", headers=headers)) as client:
        before = recommend(client, visitor, options.first)
        show("Before", before)
        if not before["edges"]:
            raise SystemExit("the shop recommends nothing; has a model been published?")
        bought = before["edges"][0]["node"]
        accepted = record_purchase(client, visitor, bought["productId"])
        print(f"\nRecorded that {bought['title'] or bought['productId']} was bought: {len(accepted)} event")
        show("After", recommend(client, visitor, options.first))


if __name__ == "__main__":
    main()
