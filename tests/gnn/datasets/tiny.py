"""What tests of the formats share: rows of files, and contents of shops and questions by name."""


def tabs(*rows: str) -> str:
    """Rows of words as tab-separated lines."""
    return "".join("\t".join(row.split(" ")) + "\n" for row in rows)


def pairs(shop) -> set[tuple[str, str]]:
    """(user, product) of all events, by name."""
    users, products = shop.ids["User"], shop.ids["Product"]
    return {(users[u], products[p]) for u, p in zip(shop.events.user, shop.events.product, strict=True)}


def asked(shop, questions, *, candidates: bool = False) -> dict[str, list[str]]:
    """User -> answers or candidates, by name, sorted."""
    lists = questions.candidates if candidates else questions.answers
    users, products = shop.ids["User"], shop.ids["Product"]
    return {users[u]: sorted(products[p] for p in lists.of(row)) for row, u in enumerate(questions.user)}


def edges(shop, relation: str) -> set[tuple[str, str]]:
    """(source, target) of a relation, by name."""
    ends = shop.ontology.relations[relation]
    found = shop.edges[relation]
    sources, targets = shop.ids[ends.source], shop.ids[ends.target]
    return {(sources[s], targets[t]) for s, t in zip(found.source, found.target, strict=True)}
