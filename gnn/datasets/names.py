"""Names in an ontology for whatever a data set calls its relations and types."""

import re
from collections.abc import Container
from itertools import chain, count

from schema.ontology import CORE_NODES, RESERVED_NODES, RESERVED_RELATIONS, default_ontology

_LONGEST = 50
"""Leaves room for the prefixes and suffixes under the ontology's 63."""
_TAKEN_NODES = RESERVED_NODES | set(CORE_NODES) - {"Category"}


def relation_name(raw: str, target: str, taken: Container[str] = (), *, prefix: str = "", suffix: str = "") -> str:
    """A name in capitals that no relation, meeting or other end of the commerce ontology has already."""
    word = re.sub(r"[^A-Z0-9]+", "_", raw.upper()).strip("_")[:_LONGEST]
    plain = f"{prefix}{word}{suffix}"
    options = [plain, f"KG_{plain}"] if re.match(r"[A-Z]", plain) else [f"KG_{plain}"]
    numbered = (f"KG_{word}_{number}{suffix}" for number in count(2))
    return next(name for name in chain(options, numbered) if name not in taken and _free(name, target))


def node_name(raw: str, taken: Container[str] = ()) -> str:
    """A node type in camel case; `Category` and `Brand` are those of the commerce ontology."""
    words = re.findall(r"[A-Za-z0-9]+", raw)
    name = "".join(word[0].upper() + word[1:] for word in words)[:_LONGEST]
    if not re.match(r"[A-Z]", name) or name in _TAKEN_NODES:
        name = f"Kg{name}"
    numbered = (f"{name}{number}" for number in count(2))
    return next(option for option in chain([name], numbered) if option not in taken)


def _free(name: str, target: str) -> bool:
    ontology = default_ontology()
    if name in RESERVED_RELATIONS or name in ontology.meetings:
        return False
    known = ontology.relations.get(name)
    return known is None or (known.source, known.target) == ("Product", target)
