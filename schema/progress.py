"""How long work tells how far it is, without knowing who listens."""

from typing import Protocol


class Report(Protocol):
    """Called with the name of a stage, what is done of it, and its total (0: not known)."""

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Takes the news; must be quick and never raise."""


def silent(stage: str, done: int, total: int) -> None:
    """Listens to nothing."""
