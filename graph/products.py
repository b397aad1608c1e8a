"""Writing products one by one, as a shop's back office does: all of a call or nothing."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from graph import changes, features
from graph.changes import Kind
from graph.connection import Connection, Transaction
from graph.cypher import Query, any_of
from graph.dialect import Dialect
from graph.errors import StoreError
from graph.load import Values, write_nodes, write_relations
from graph.records import Link, ProductRecord
from graph.times import to_ms
from schema.errors import RecordError, suggestion
from schema.ontology import MOVED_FROM, Ontology, PropertyType

_PYTHON: dict[PropertyType, type | tuple[type, ...]] = {
    "string": str,
    "integer": int,
    "float": (int, float),
    "boolean": bool,
    "datetime": datetime,
}


def upsert_products(
    connection: Connection, dialect: Dialect, ontology: Ontology, products: Sequence[ProductRecord]
) -> int:
    """Writes products with everything around them in one transaction, with its entry in the change log.

    Raises:
        RecordError: a property or relation that the ontology does not have, or of another type; an id twice.
        StoreError: an end that does not exist; nothing was written.
    """
    seen: set[str] = set()
    for position, product in enumerate(products):
        if product.id in seen:
            raise RecordError(f"products[{position}]: {product.id} is in this call twice; write it once")
        seen.add(product.id)
        _check(ontology, product, f"products[{position}]")
    for modality, width in {(m, len(e.vector)) for p in products for m, e in p.features.items()}:
        features.use_width(connection, dialect, "Product", modality, width)
    if products:
        connection.write(lambda tx: _write(tx, ontology, products))
    return len(products)


def _write(transaction: Transaction, ontology: Ontology, products: Sequence[ProductRecord]) -> None:
    number = changes.reserve(transaction)
    touched = {product.id for product in products}
    names = ["id", *ontology.nodes["Product"].properties]
    write_nodes(transaction, "Product", names, [_row(product, names) for product in products])
    _drop_replaced(transaction, products)
    for relation, rows in _relations(products).items():
        touched |= _write_relation(transaction, ontology, relation, rows)
    _write_features(transaction, products)
    changes.append(transaction, Kind.PRODUCTS_WRITTEN, touched, number)


def _write_relation(
    transaction: Transaction, ontology: Ontology, relation: str, rows: Sequence[tuple[str, Link]]
) -> set[str]:
    target = ontology.relations[relation].target
    named = {link.target: link.name for _, link in rows if link.name is not None and target != "Product"}
    if named:
        known = "name" in ontology.nodes[target].properties
        values: list[Values] = [[key, name] if known else [key] for key, name in named.items()]
        write_nodes(transaction, target, ["id", "name"] if known else ["id"], values)
    loaded = write_relations(
        transaction, ontology, relation, [[source, link.target, link.weight, None] for source, link in rows]
    )
    if loaded.missing:
        raise StoreError(
            f"{relation}: no {target} with the id {', '.join(loaded.missing)}; nothing was written. "
            + (f"Write the {target} first" if target == "Product" else f"Give its name to create the {target}")
        )
    return {link.target for _, link in rows} if target == "Product" else set()


def _relations(products: Iterable[ProductRecord]) -> dict[str, list[tuple[str, Link]]]:
    found: dict[tuple[str, str, str], Link] = {}
    for product in products:
        links = [Link("IN_CATEGORY", c.id, name=c.name) for c in product.categories or ()]
        links += [Link("MADE_BY", product.brand.id, name=product.brand.name)] if product.brand else []
        for link in (*links, *product.links):
            found[link.relation, product.id, link.target] = link
    by_relation: dict[str, list[tuple[str, Link]]] = {}
    for (relation, source, _), link in found.items():
        by_relation.setdefault(relation, []).append((source, link))
    return by_relation


def _drop_replaced(transaction: Transaction, products: Sequence[ProductRecord]) -> None:
    """Deletes the categories and brands that products no longer have: a question a relation, however many products."""
    kept = {
        "IN_CATEGORY": [[p.id, [c.id for c in p.categories]] for p in products if p.categories is not None],
        "MADE_BY": [[p.id, [p.brand.id]] for p in products if p.brand is not None],
    }
    for relation, rows in kept.items():
        if rows:
            either = f"MATCH (:Product {{id: row[0]}})-[r:{any_of([relation, MOVED_FROM])}]->(n) "
            # What a rule has put there stays until it is undone; what it has moved is no longer known of.
            own = f"r.rule IS NULL AND (type(r) = '{relation}' OR r.moved = '{relation}')"
            text = f"{either}WHERE NOT n.id IN row[1] AND {own} DELETE r"
            transaction.run(Query(f"UNWIND $rows AS row {text}", {"rows": rows}))
            claimed = f"{either}WHERE NOT n.id IN row[1] AND r.given SET r.given = false REMOVE r.given_weight"
            transaction.run(Query(f"UNWIND $rows AS row {claimed}", {"rows": rows}))


def _write_features(transaction: Transaction, products: Sequence[ProductRecord]) -> None:
    by_modality: dict[str, list[Values]] = {}
    for product in products:
        for modality, made in product.features.items():
            by_modality.setdefault(modality, []).append([product.id, made.vector.tolist(), made.hash])
    for modality, rows in by_modality.items():
        features.set_features(transaction, "Product", modality, rows)


def _row(product: ProductRecord, names: Sequence[str]) -> Values:
    values = {"id": product.id, **product.properties}
    return [to_ms(v) if isinstance(v := values.get(name), datetime) else v for name in names]


def _check(ontology: Ontology, product: ProductRecord, where: str) -> None:
    known = ontology.nodes["Product"].properties
    for name, value in product.properties.items():
        if name not in known:
            raise RecordError(f"{where}.{name}: no such property of Product; {suggestion(name, known)}")
        wanted = known[name].type
        if value is not None and not _fits(value, wanted):
            raise RecordError(f"{where}.{name}: must be of type {wanted}, not {type(value).__name__}")
    for modality in product.features:
        features.check_feature(ontology, "Product", modality)
    from_product = [name for name, relation in ontology.relations.items() if relation.source == "Product"]
    for link in product.links:
        if link.relation not in from_product:
            raise RecordError(
                f"{where}: no relation {link.relation} from Product; {suggestion(link.relation, from_product)}"
            )


def _fits(value: object, wanted: PropertyType) -> bool:
    if isinstance(value, bool):
        return wanted == "boolean"
    if isinstance(value, datetime):
        return wanted == "datetime" and value.tzinfo is not None
    return isinstance(value, _PYTHON[wanted])
