"""The shop's own node: the ontology the store was made with, the clock, the counter of changes."""

import json
from datetime import datetime, timedelta
from typing import Any

from pydantic import ValidationError

from graph import changes
from graph.changes import Kind
from graph.connection import Connection, Transaction
from graph.cypher import Query, quoted
from graph.dialect import Dialect, index
from graph.errors import StoreError
from graph.times import now_ms, to_ms
from schema.ontology import EVENT_NODE, RULE_NODE, Ontology, with_relation

_INDEXED = {
    EVENT_NODE: ("basket", "session", "second", "recommendation"),
    "Feedback": ("session", "second"),
    "Impression": ("session",),
}
_ASKED_FROM_ON = {EVENT_NODE: "recorded", "Impression": "recorded"}
"""Moments of which others are asked for than one alone."""
_OWN_NODES = (EVENT_NODE, RULE_NODE, "Feedback", "Impression", "Shop")
_ONTOLOGY = Query("MATCH (s:Shop {id: 'shop'}) RETURN s.ontology, s.added_relations, s.ontology_hash")


def prepare(connection: Connection, dialect: Dialect, ontology: Ontology) -> Ontology:
    """Constraints, indexes and the shop's node; nothing happens where they are there.

    Returns:
        The ontology with the relations that experts have added to the store's.

    Raises:
        StoreError: the store was made with an ontology that does not fit into this one.
    """
    rows = connection.rows(_ONTOLOGY)
    if rows:
        text, added, _ = rows[0]
        ontology = _joined(connection.name, text, added, ontology)
    for query in _schema(ontology):
        connection.rows(query, write=True)
    for label, name in _ASKED_FROM_ON.items():
        dialect.make_range_index(connection, label, name)
    for label, node in ontology.nodes.items():
        if node.searchable:
            dialect.make_text_index(connection, label, node.searchable)
    dialect.settle(connection)
    return connection.write(lambda transaction: _store_ontology(transaction, connection.name, ontology))


def stored_ontology(connection: Connection) -> Ontology | None:
    """What the store was made with; None for a new store."""
    rows = connection.rows(Query("MATCH (s:Shop {id: 'shop'}) RETURN s.ontology"))
    return _parse(connection.name, rows[0][0]) if rows else None


def ontology_in(transaction: Transaction, store: str) -> Ontology:
    """What the store is made with by now, in a transaction that has a change number."""
    return _parse(store, transaction.rows(_ONTOLOGY)[0][0])


def grow(transaction: Transaction, store: str, relation: str, says: str | None) -> Ontology:
    """What the store is made with, with a relation between products that may be new.

    Raises:
        OntologyError: the name cannot be that of a new relation.
    """
    text, added, _ = transaction.rows(_ONTOLOGY)[0]
    ontology = _parse(store, text)
    if relation in ontology.relations or says is None:
        return ontology
    grown = with_relation(ontology, relation, says)
    _keep(transaction, grown, [*(added or []), relation])
    changes.append(transaction, Kind.ONTOLOGY_GROWN, [relation])
    return grown


def clock_offset(connection: Connection) -> timedelta:
    """How far the shop's clock is from the wall clock."""
    rows = connection.rows(Query("MATCH (s:Shop {id: 'shop'}) RETURN s.clock_offset"))
    return timedelta(milliseconds=(rows[0][0] or 0) if rows else 0)


def set_clock(connection: Connection, now: datetime) -> None:
    """Lets the shop's clock show this moment now; a clock that was set before stays."""
    query = Query(
        "MATCH (s:Shop {id: 'shop'}) WHERE s.clock_offset IS NULL SET s.clock_offset = $offset",
        {"offset": to_ms(now) - now_ms()},
    )
    connection.rows(query, write=True)


def widths(connection: Connection) -> dict[str, int]:
    """Width of the embeddings in use, by their key (`width_key`)."""
    return {name: int(value) for name, value in _kept(connection, "width_").items()}


def width_key(label: str, modality: str) -> str:
    """Name of the shop's property that holds the width of an embedding."""
    return f"width_{label}_{modality}"


def set_width(connection: Connection, key: str, width: int) -> None:
    """Remembers the width that a vector index was made for."""
    connection.rows(Query(f"MATCH (s:Shop {{id: 'shop'}}) SET s.{quoted(key)} = $width", {"width": width}), write=True)


def encoders(connection: Connection) -> dict[str, str]:
    """Versions of the encoders whose vectors are kept, by their key (`encoder_key`)."""
    return {name: str(value) for name, value in _kept(connection, "encoder_").items()}


def encoder_key(label: str, modality: str) -> str:
    """Name of the shop's property that holds the version of an encoder."""
    return f"encoder_{label}_{modality}"


def set_encoder(connection: Connection, key: str, version: str) -> None:
    """Remembers which encoder's vectors are kept."""
    query = Query(f"MATCH (s:Shop {{id: 'shop'}}) SET s.{quoted(key)} = $version", {"version": version})
    connection.rows(query, write=True)


def _kept(connection: Connection, prefix: str) -> dict[str, Any]:
    """Properties of the shop's node whose names begin alike."""
    rows = connection.rows(Query("MATCH (s:Shop {id: 'shop'}) RETURN properties(s)"))
    return {name: value for name, value in (rows[0][0] if rows else {}).items() if name.startswith(prefix)}


def _schema(ontology: Ontology) -> list[Query]:
    unique = [(label, "id") for label in (*ontology.nodes, *_OWN_NODES)] + [("Change", "number")]
    queries = [
        f"CREATE CONSTRAINT {quoted(f'{label}_{name}')} IF NOT EXISTS "
        f"FOR (n:{quoted(label)}) REQUIRE n.{quoted(name)} IS UNIQUE"
        for label, name in unique
    ]
    queries += [index(label, name) for label, names in _INDEXED.items() for name in names]
    return [Query(text) for text in queries]


def _store_ontology(transaction: Transaction, store: str, ontology: Ontology) -> Ontology:
    transaction.run(Query("MERGE (s:Shop {id: 'shop'}) ON CREATE SET s.changes = 0"))
    text, added, known_hash = transaction.rows(_ONTOLOGY)[0]
    if text is not None:  # somebody else may have stored one since it was looked at
        ontology = _joined(store, text, added, ontology)
    if known_hash != ontology.hash:
        _keep(transaction, ontology, added or [])
        if text is not None:
            new = [name for name in ontology.relations if name not in _parse(store, text).relations]
            changes.append(transaction, Kind.ONTOLOGY_GROWN, new)
    return ontology


def _keep(transaction: Transaction, ontology: Ontology, added: list[str]) -> None:
    # In the order of the file: the order of the model's terms follows from it.
    parameters = {"text": json.dumps(ontology.as_dict()), "hash": ontology.hash, "added": added}
    text = "MATCH (s:Shop {id: 'shop'}) SET s.ontology = $text, s.ontology_hash = $hash, s.added_relations = $added"
    transaction.run(Query(text, parameters))


def _joined(store: str, text: str, added: list[str] | None, given: Ontology) -> Ontology:
    """A given ontology with the relations that experts have added to the stored one."""
    stored = _parse(store, text)
    for name in added or ():
        if name not in given.relations:
            given = with_relation(given, name, stored.relations[name].says)
    _check_fit(store, stored, given)
    return given


def _parse(store: str, text: str) -> Ontology:
    try:
        return Ontology.model_validate(json.loads(text))
    except (ValueError, TypeError, ValidationError) as error:
        raise StoreError(
            f"{store}: the ontology in the store cannot be read; it was made by another version of Pathrec"
        ) from error


def _check_fit(store: str, stored: Ontology, given: Ontology) -> None:
    mistakes = _losses(stored, given)
    if mistakes:
        raise StoreError(
            f"{store}: was made with another ontology: {'; '.join(mistakes)}. "
            "Use the file it was made with, extended as you like, or a new store"
        )


def _losses(stored: Ontology, given: Ontology) -> list[str]:
    """What the store has and the given ontology lacks or means differently."""
    lost = [
        f"the store has {section} {name}"
        for section in ("nodes", "relations", "behaviours", "meetings")
        for name in getattr(stored, section)
        if name not in getattr(given, section)
    ]
    for label, node in stored.nodes.items():
        for name, prop in node.properties.items() if label in given.nodes else ():
            now = given.nodes[label].properties.get(name)
            if now is None:
                lost.append(f"the store has nodes.{label}.properties.{name}")
            elif now.type != prop.type:
                lost.append(f"nodes.{label}.properties.{name} is {prop.type} in the store, not {now.type}")
    for name, relation in stored.relations.items():
        other = given.relations.get(name)
        if other is not None and (other.source, other.target) != (relation.source, relation.target):
            lost.append(
                f"relations.{name} goes from {relation.source} to {relation.target} in the store, "
                f"not from {other.source} to {other.target}"
            )
    return lost
