"""What the terms and nodes of a graph are called in RDF: stable IRIs under a base that the shop can set.

`<base>ontology#Product`, `…#Product.title`, `…#MADE_BY` are terms, `<base>Product/p1` is a node and
`<base>link/MADE_BY/p1/b1` what is said of one link. Ids are percent-encoded, so that every text can be an id.
"""

import re
from dataclasses import dataclass
from urllib.parse import quote, unquote

from schema.errors import PathrecError

DEFAULT_BASE = "urn:pathrec:shop:"
META = "urn:pathrec:vocabulary#"
"""Our own annotation properties: what OWL has no word for, and a node's `id`. The same for every shop."""

_BASE = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:[^\s<>\"{}|\\^`#?\x00-\x20]*[/:]")


class RdfError(PathrecError):
    """RDF that cannot be written or understood: a base that is no IRI, OWL or SHACL that means nothing here."""


@dataclass(frozen=True)
class Names:
    """IRIs of one shop.

    Raises:
        RdfError: the base is no absolute IRI that ends in / or :.
    """

    base: str = DEFAULT_BASE

    def __post_init__(self) -> None:
        if not _BASE.fullmatch(self.base):
            raise RdfError(f"{self.base}: is no base of IRIs; write it as https://shop.example/ or urn:example:shop:")

    @property
    def ontology(self) -> str:
        return f"{self.base}ontology"

    @property
    def terms(self) -> str:
        """What the IRIs of all terms begin with."""
        return f"{self.base}ontology#"

    def term(self, name: str) -> str:
        """A node type, or a relation."""
        return self.terms + name

    def property(self, node_type: str, name: str) -> str:
        """A property; two types may each have one of the same name, of different kinds."""
        return f"{self.terms}{node_type}.{name}"

    def feature(self, node_type: str, name: str) -> str:
        """An embedding of a node type."""
        return f"{self.terms}{node_type}.feature.{name}"

    def behaviour(self, name: str) -> str:
        return f"{self.terms}behaviour.{name}"

    def meeting(self, name: str) -> str:
        return f"{self.terms}meeting.{name}"

    def nodes(self, node_type: str) -> str:
        """What the IRIs of the nodes of a type begin with; the encoded id follows."""
        return f"{self.base}{node_type}/"

    def node(self, node_type: str, key: str) -> str:
        return self.nodes(node_type) + encoded(key)

    def link(self, relation: str, source: str, target: str) -> str:
        """The statement about a link, which carries its weight and time."""
        return f"{self.base}link/{relation}/{encoded(source)}/{encoded(target)}"


def encoded(key: str) -> str:
    """An id as the last part of an IRI; `decoded` gives it back."""
    text = quote(key, safe="")
    # A part that is only dots would be taken for "this folder" or "the one above".
    return text.replace(".", "%2E") if text in (".", "..") else text


def decoded(part: str) -> str:
    """The id that was encoded."""
    return unquote(part, errors="strict")
