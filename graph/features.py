"""Embeddings as properties of nodes, with the hash of what they were made from and a vector index."""

from collections.abc import Sequence
from functools import partial

import numpy as np
import numpy.typing as npt

from graph import changes, shop
from graph.changes import Kind
from graph.connection import Connection, Transaction
from graph.cypher import Query, quoted
from graph.dialect import Dialect
from graph.load import Values, batches
from schema.errors import RecordError, suggestion
from schema.ontology import Ontology
from schema.progress import Report, silent

FEATURE_BATCH = 500


def embedding(modality: str) -> str:
    """Name of the property that holds the vector."""
    return f"embedding_{modality}"


def embedding_hash(modality: str) -> str:
    """Name of the property that holds the hash."""
    return f"embedding_{modality}_hash"


def load_features(
    connection: Connection,
    dialect: Dialect,
    ontology: Ontology,
    node_type: str,
    modality: str,
    ids: Sequence[str],
    matrix: npt.NDArray[np.floating],
    hashes: Sequence[str],
    report: Report = silent,
) -> int:
    """Vectors of some nodes, (n, d); those whose stored hash is the same are left as they are.

    Returns:
        How many were written; ids that do not exist are passed over.
    """
    check_feature(ontology, node_type, modality)
    if not len(ids) == len(matrix) == len(hashes) or np.ndim(matrix) != 2:
        raise RecordError(
            f"{node_type}.{modality}: {len(ids)} ids, a matrix of shape {np.shape(matrix)} and {len(hashes)} hashes "
            "do not go together; there must be one row and one hash for each id"
        )
    vectors = np.asarray(matrix, np.float32)
    broken = np.flatnonzero(~np.isfinite(vectors).all(axis=1))
    if len(broken):
        raise RecordError(
            f"{node_type}.{modality}: the vector of {ids[broken[0]]} is not of finite numbers; encode it again"
        )
    use_width(connection, dialect, node_type, modality, int(matrix.shape[1]))
    rows: list[Values] = [
        [key, position, digest] for position, (key, digest) in enumerate(zip(ids, hashes, strict=True))
    ]
    written = 0
    for start, batch in batches(rows, FEATURE_BATCH):
        full = [[key, vectors[position].tolist(), digest] for key, position, digest in batch]
        written += connection.write(partial(_features_batch, node_type=node_type, modality=modality, rows=full))
        report(f"features {node_type}.{modality}", start + len(batch), len(rows))
    return written


def encoders(connection: Connection, ontology: Ontology, node_type: str) -> dict[str, str]:
    """Modality -> version of the encoder whose vectors are kept; what was never encoded is absent."""
    known = shop.encoders(connection)
    keys = {modality: shop.encoder_key(node_type, modality) for modality in ontology.nodes[node_type].features}
    return {modality: known[key] for modality, key in keys.items() if key in known}


def use_encoder(connection: Connection, ontology: Ontology, node_type: str, modality: str, version: str) -> None:
    """Remembers whose vectors are kept from now on."""
    check_feature(ontology, node_type, modality)
    shop.set_encoder(connection, shop.encoder_key(node_type, modality), version)


def _features_batch(transaction: Transaction, node_type: str, modality: str, rows: Sequence[Values]) -> int:
    keys = set_features(transaction, node_type, modality, rows)
    if node_type == "Product":
        changes.append(transaction, Kind.PRODUCTS_WRITTEN, keys)
    return len(keys)


def set_features(transaction: Transaction, node_type: str, modality: str, rows: Sequence[Values]) -> list[str]:
    """Sets id, vector and hash where the hash differs; says of which nodes.

    A vector of zeros, of a node that says or shows nothing, is written only where one must go.
    """
    found = transaction.rows(_hashes_of(node_type, modality, [row[0] for row in rows]))
    stored: dict[str, str | None] = {row[0]: row[1] for row in found}
    there = [row for row in rows if row[0] in stored and (stored[row[0]] is not None or any(row[1]))]
    changed = [row for row in there if stored[row[0]] != row[2]]
    if changed:
        transaction.run(_set(node_type, modality, changed))
    return [row[0] for row in changed]


def feature_hashes(
    connection: Connection, ontology: Ontology, node_type: str, modality: str, ids: Sequence[str] | None = None
) -> dict[str, str]:
    """Id -> hash of the content that the stored vector was made from; of all nodes that have one, or of some."""
    check_feature(ontology, node_type, modality)
    name = quoted(embedding_hash(modality))
    if ids is None:
        query = Query(f"MATCH (n:{quoted(node_type)}) WHERE n.{name} IS NOT NULL RETURN n.id, n.{name}")
    else:
        query = _hashes_of(node_type, modality, ids)
    return {key: digest for key, digest in connection.rows(query) if digest is not None}


def feature_width(connection: Connection, ontology: Ontology, node_type: str, modality: str) -> int | None:
    """Length of the stored vectors; None where there are none yet."""
    check_feature(ontology, node_type, modality)
    return shop.widths(connection).get(shop.width_key(node_type, modality))


def read_features(
    connection: Connection, ontology: Ontology, node_type: str, modality: str, ids: Sequence[str]
) -> npt.NDArray[np.float32]:
    """Vectors of some nodes, (n, d) in the order of the ids; zero where there is none, d = 0 where nobody has one."""
    check_feature(ontology, node_type, modality)
    width = shop.widths(connection).get(shop.width_key(node_type, modality), 0)
    matrix = np.zeros((len(ids), width), np.float32)
    if not width:
        return matrix
    row_of = {key: row for row, key in enumerate(ids)}
    name = quoted(embedding(modality))
    for _, batch in batches([[key] for key in ids], FEATURE_BATCH):
        query = Query(
            f"UNWIND $ids AS id MATCH (n:{quoted(node_type)} {{id: id}}) WHERE n.{name} IS NOT NULL "
            f"RETURN n.id, n.{name}",
            {"ids": [key for (key,) in batch]},
        )
        for key, vector in connection.rows(query):
            if len(vector) == width:
                matrix[row_of[key]] = vector
    return matrix


def use_width(connection: Connection, dialect: Dialect, node_type: str, modality: str, width: int) -> None:
    """Makes the vector index for this width unless it is there."""
    key = shop.width_key(node_type, modality)
    if shop.widths(connection).get(key) != width:
        dialect.make_vector_index(connection, node_type, embedding(modality), width)
        shop.set_width(connection, key, width)


def check_feature(ontology: Ontology, node_type: str, modality: str) -> None:
    """Refuses embeddings that the ontology does not have."""
    known = ontology.nodes[node_type].features if node_type in ontology.nodes else {}
    if modality not in known:
        raise RecordError(f"{node_type} has no feature {modality} in the ontology; {suggestion(modality, known)}")


def _hashes_of(label: str, modality: str, ids: Sequence[str]) -> Query:
    name = quoted(embedding_hash(modality))
    return Query(f"UNWIND $ids AS id MATCH (n:{quoted(label)} {{id: id}}) RETURN n.id, n.{name}", {"ids": list(ids)})


def _set(label: str, modality: str, rows: Sequence[Values]) -> Query:
    return Query(
        f"UNWIND $rows AS row MATCH (n:{quoted(label)} {{id: row[0]}}) "
        f"SET n.{quoted(embedding(modality))} = row[1], n.{quoted(embedding_hash(modality))} = row[2]",
        {"rows": rows},
    )
