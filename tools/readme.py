"""Brings the README's example up to date: its answer and the picture of it, from a demo that has run.

    pathrec demo --once --home HOME
    python -m tools.readme HOME [OTHER ...]

The question stays; whom it is asked for is the first shopper whose answer does not hang on the last digits, so
that another processor gives the same: the first product, and the first three reasons, lead by a fifth, and each
other home (a copy with a model of another seed published) names the same product and reasons.
"""

import argparse
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import httpx

from api.child_server import child_server
from api.settings import Settings
from schema.errors import PathrecError

ROOT = Path(__file__).resolve().parents[1]
README, PICTURE = ROOT / "README.md", ROOT / "docs" / "score.svg"
EXAMPLE = re.compile(r"(?P<query>```graphql\n.*?```)(?P<between>.*?)```json\n.*?```", re.DOTALL)
USER = re.compile(r'userId: "(?P<user>[^"]+)"')
DID = {"viewed": "viewed it", "put into your cart": "put it into your cart", "bought": "bought it", "rated": "rated it"}
LEAD = 1.2
MOST_USERS = 2_000
LEADS = """{ recommendations(audience: {userId: %s}, first: 2) { edges { score explanation {
  contributions(first: 4) { kind value } } } } }"""


def main() -> None:
    """Asks, and writes both files."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("home", type=Path, help="home of a demo that has run")
    parser.add_argument("others", type=Path, nargs="*", help="homes of the same shop with other models")
    given = parser.parse_args()
    text = README.read_text(encoding="utf-8")
    example = EXAMPLE.search(text)
    if example is None:
        raise PathrecError(f"{README.name}: there is no graphql block with a json block after it")
    with ExitStack() as stack:
        client, *others = [stack.enter_context(serving(home)) for home in (given.home, *given.others)]
        answer, query = clear_answer(example["query"], client, others)
    shown = json.dumps(answer, indent=2, ensure_ascii=False)
    block = f"{query}{example['between']}```json\n{shown}\n```"
    README.write_text(text[: example.start()] + block + text[example.end() :], encoding="utf-8")
    PICTURE.write_text(picture(answer["data"]["recommendations"]["edges"][0]), encoding="utf-8")


def asked(client: httpx.Client, query: str) -> Any:
    """The answer to a query.

    Raises:
        PathrecError: the server reports errors.
    """
    answer = client.post("/graphql", json={"query": query}, timeout=30).json()
    if answer.get("errors"):
        raise PathrecError(f"the server answers: {answer['errors'][0]['message']}")
    return answer


@contextmanager
def serving(home: Path) -> Iterator[httpx.Client]:
    """A client of a server of a home."""
    with child_server(Settings(home=home)) as server, httpx.Client(base_url=server.url, trust_env=False) as client:
        yield client


def clear_answer(query: str, client: httpx.Client, others: Sequence[httpx.Client]) -> tuple[Any, str]:
    """The answer for the first shopper for whom it is clear and everywhere the same, and the query that got it.

    Raises:
        PathrecError: there is nobody like that.
    """
    for number in range(1, MOST_USERS + 1):
        user = f"U{number:05}"
        edges = asked(client, LEADS % json.dumps(user))["data"]["recommendations"]["edges"]
        parts = edges[0]["explanation"]["contributions"]
        if all(part["kind"] == "PATH" for part in parts[:3]) and leads(
            [e["score"] for e in edges], [p["value"] for p in parts]
        ):
            block = USER.sub(f'userId: "{user}"', query)
            plain = block.removeprefix("```graphql\n").removesuffix("```")
            answer = asked(client, plain)
            if all(words(asked(other, plain)) == words(answer) for other in others):
                return answer, block
    raise PathrecError(f"none of the first {MOST_USERS} shoppers has a clear answer")


def words(answer: Any) -> list[str]:
    """All that an answer says but its numbers, in order."""
    if isinstance(answer, Mapping):
        return [word for value in answer.values() for word in words(value)]
    if isinstance(answer, list):
        return [word for value in answer for word in words(value)]
    return [answer] if isinstance(answer, str) else []


def leads(scores: Sequence[float], values: Sequence[float]) -> bool:
    """Whether each number is positive and a fifth more than the next."""
    return len(values) == 4 and all(a >= LEAD * b > 0 for numbers in (scores, values) for a, b in pairwise(numbers))


def picture(edge: Mapping[str, Any]) -> str:
    """The answer drawn: three paths that end in the product, and a bar of all that its score is the sum of."""
    explanation, score = edge["explanation"], edge["score"]
    parts = explanation["contributions"]
    rows = "\n".join(_row(number, part) for number, part in enumerate(parts))
    rest = explanation["remainder"]
    widths = [812 * value / score for value in (explanation["prior"], *(p["value"] for p in parts), rest["value"])]
    colours = ("#dfe3ea", "#e5cf95", "#e5cf95", "#e5cf95", "#cfe6d8")
    bars, at = [], 0.0
    for width, colour in zip(widths, colours, strict=True):
        bars.append(f'<rect x="{at:.1f}" y="0" width="{max(width - 2, 1):.1f}" height="34" fill="{colour}"/>')
        at += width
    paths = sum(part["value"] for part in parts)
    return f"""\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 860 390" font-family="system-ui, sans-serif" font-size="14"
     role="img" aria-label="Three paths from a shopper's history to a product, and all that its score is the sum of">
  <style>
    .card {{ fill: #ffffff; stroke: #c8ccd4; }}
    .you {{ fill: #eef3fb; stroke: #9db7e0; }}
    .mid {{ fill: #f6f1e7; stroke: #d6c08e; }}
    .end {{ fill: #e9f5ee; stroke: #8fc7a4; }}
    .t {{ fill: #1d2430; }} .s {{ fill: #5b6472; font-size: 12px; }} .v {{ fill: #1d2430; font-weight: 600; }}
    .e {{ stroke: #7d8796; stroke-width: 1.6; fill: none; }}
  </style>
  <rect class="card" x=".5" y=".5" width="859" height="389" rx="10"/>
{rows}
  <rect class="end" x="612" y="88" width="224" height="62" rx="8"/>
  <text class="t" x="626" y="114">{_short(edge["node"]["title"], 27)}</text>
  <text class="s" x="626" y="134">recommended first</text>
  <g transform="translate(24 262)">
    <text class="s" x="0" y="-12">The score is the sum, and nothing else:</text>
    {"".join(bars)}
    <text class="s" x="0" y="52">prior {explanation["prior"]:.4f}, three paths {paths:.4f}, \
{rest["count"]} more contributions {rest["value"]:.4f}</text>
    <path d="M0 66 H812 M0 61 V71 M812 61 V71" stroke="#7d8796" fill="none"/>
    <text class="v" x="406" y="92" text-anchor="middle">score {score:.4f}</text>
  </g>
</svg>
"""


def _row(number: int, part: Mapping[str, Any]) -> str:
    """One path: what the shopper did, the relation, and what it adds."""
    y = 22 + 68 * number
    title = re.search("“(?P<title>[^”]+)”", part["text"])
    relation = escape(part["relation"].replace("_", " ").lower())
    did = next((short for long, short in DID.items() if f"you {long}" in part["text"]), "met it")
    return f"""\
  <rect class="you" x="24" y="{y}" width="228" height="54" rx="8"/>
  <text class="t" x="38" y="{y + 23}">{_short(title["title"] if title else "", 28)}</text>\
<text class="s" x="38" y="{y + 42}">you {did}</text>
  <rect class="mid" x="318" y="{y + 6}" width="200" height="42" rx="21"/>\
<text class="t" x="418" y="{y + 32}" text-anchor="middle" font-size="12">{relation}</text>
  <path class="e" d="M252 {y + 27} H318 M518 {y + 27} C570 {y + 27} 570 119 612 119"/>
  <text class="v" x="526" y="{y + (20 if number < 2 else 45)}">{part["value"]:.4f}</text>"""


def _short(text: str, most: int) -> str:
    return escape(text if len(text) <= most else text[: most - 1].rstrip(" ,:") + "…")


if __name__ == "__main__":
    main()
