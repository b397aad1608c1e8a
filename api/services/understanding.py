"""What a search asks for, as retrieval takes it. So far a query is only tidied up; its intent is nobody's guess yet."""

import unicodedata
from dataclasses import dataclass

QUERY_LIMIT = 200
"""Characters that are read. More says nothing new, and an index takes a thousand pieces of a query at most."""

_SYMBOL = "So"  # emoji and the like


@dataclass(frozen=True)
class Understood:
    """A query.

    Attributes:
        text: what is looked for; empty where nothing is.
        words: its words, each once; what has neither letters, digits nor symbols is none.
        cut: whether there was more than is read.
    """

    text: str
    words: tuple[str, ...] = ()
    cut: bool = False

    @property
    def readable(self) -> bool:
        """Whether there is anything to read, and not symbols alone."""
        return any(map(str.isalnum, self.text))


def understood(query: str) -> Understood:
    """A query in one form of each letter (NFKC), in small letters, without white space to spare, of bearable length."""
    asked = query.strip()
    text = _tidy(asked[:QUERY_LIMIT])[:QUERY_LIMIT].strip()
    words = tuple(dict.fromkeys(word for word in text.split() if _says_something(word)))
    return Understood(text if words else "", words, len(asked) > QUERY_LIMIT)


def _tidy(text: str) -> str:
    encodable = text.encode("utf-8", "ignore").decode()
    plain = unicodedata.normalize("NFKC", encodable).lower()
    return " ".join("".join(" " if unicodedata.category(c) == "Cc" else c for c in plain).split())


def _says_something(word: str) -> bool:
    return any(character.isalnum() or unicodedata.category(character) == _SYMBOL for character in word)
