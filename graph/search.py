"""Full-text search: nodes whose texts have some words, by the engines' own analysers.

A node is as good as the analyser that understands it best says: its score is the largest of them (BM25 on both).
"""

from collections.abc import Iterable, Sequence

from graph.connection import Connection
from graph.cypher import Query
from graph.dialect import ANALYSERS, Dialect
from schema.ontology import Ontology

MOST = 5_000
"""Nodes of a type that an analyser finds at most, the best of them."""

# What stands between the pieces of one word, as an analyser cuts it, may be as much as this: on the embedded engine
# it may be anything.
_APART = 100
_OPERATORS = str.maketrans({character: f"\\{character}" for character in '+-&|!(){}[]^"~*?:\\/'})


def find_texts(
    connection: Connection, dialect: Dialect, ontology: Ontology, words: Sequence[str], *, every: bool
) -> dict[str, dict[str, float]]:
    """Node type -> id -> score of products, and of what they are linked to, whose texts have the words; in one query.

    Args:
        connection, dialect, ontology: of the store.
        words: as somebody wrote them; what is an operator for the engines is taken as it stands.
        every: whether all have to be there, in any order, in one of the node's texts or over several.
    """
    linked = {relation.target for relation in ontology.relations.values() if relation.source == "Product"}
    asked = [
        [label, dialect.text_index(label, node.searchable, analyser)]
        for label, node in ontology.nodes.items()
        if node.searchable and label in {"Product", *linked}
        for analyser in ANALYSERS
    ]
    found: dict[str, dict[str, float]] = {label: {} for label, _ in asked}
    if not words:
        return found
    query = Query(
        "UNWIND $asked AS a CALL db.index.fulltext.queryNodes(a[1], $text, {limit: $most}) YIELD node, score "
        "RETURN a[0], collect(node.id), collect(score)",
        {"asked": asked, "text": all_of(words) if every else any_of_them(words), "most": MOST},
    )
    for label, ids, scores in connection.rows(query):
        best = found[label]
        for key, score in zip(ids, scores, strict=True):
            best[key] = max(score, best.get(key, 0.0))
    return found


def all_of(words: Iterable[str]) -> str:
    """Every word, each with all pieces that an analyser cuts it into, as Lucene's query parser reads it."""
    return " ".join(f'+"{_plain(word)}"~{_APART}' for word in words)


def any_of_them(words: Iterable[str]) -> str:
    """Any piece of any word."""
    return " ".join(_plain(word) for word in words)


def _plain(word: str) -> str:
    # Small letters: AND, OR and NOT are words then.
    return word.lower().translate(_OPERATORS)
