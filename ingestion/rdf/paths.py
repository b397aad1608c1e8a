"""Paths through triples, written as in SPARQL: `schema:offers/schema:price`, `^schema:itemOffered`."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

_STEP = re.compile(r"\s*(\^?)\s*(<[^<>\s]+>|[^\s/^<>]+)\s*(?:/|$)")


@dataclass(frozen=True)
class Path:
    """Predicates to follow, one after the other; one that begins with ^ is followed backwards."""

    steps: tuple[str, ...]

    @property
    def name(self) -> str:
        """What stands for the whole path among predicates."""
        return " / ".join(self.steps)

    @property
    def start(self) -> "Path":
        """All but the last step."""
        return Path(self.steps[:-1])


def parse_path(text: str, expand: Callable[[str], str]) -> Path:
    """A path from its text.

    Args:
        text: steps with / between them.
        expand: makes a short name a full IRI.

    Raises:
        ValueError: it is no path, or a prefix is unknown.
    """
    steps, position = [], 0
    while position < len(text):
        found = _STEP.match(text, position)
        if found is None:
            raise ValueError(f"{text} is no path; write it as schema:offers/schema:price or ^schema:itemOffered")
        steps.append(found[1] + expand(found[2]))
        position = found.end()
    if not steps or text.rstrip().endswith("/"):
        raise ValueError(f"{text} is no path; write it as schema:offers/schema:price or ^schema:itemOffered")
    return Path(tuple(steps))


def predicates(paths: Iterable[Path]) -> set[str]:
    """All that is followed by some paths, forwards or backwards."""
    return {step for path in paths for step in path.steps}


def longer(paths: Iterable[Path]) -> list[Path]:
    """Paths of several steps and all that they begin with, the short ones first."""
    found = {Path(path.steps[:length]) for path in paths for length in range(2, len(path.steps) + 1)}
    return sorted(found, key=lambda path: (len(path.steps), path.name))
