"""Reports that lie in the home: what an ingestion found in a shop's files, what an evaluation found of the model."""

import json
from pathlib import Path
from typing import Any

import structlog

QUALITY, EVALUATION = "quality.json", "evaluation.json"
_log = structlog.get_logger()


class Reports:
    """The reports of one home, read when they are asked for."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def quality(self) -> dict[str, Any] | None:
        """What became of every row of the last ingestion; None if there was none."""
        return self._read(QUALITY)

    def evaluation(self) -> dict[str, Any] | None:
        """The figures of the last evaluation; None if there was none."""
        return self._read(EVALUATION)

    def _read(self, name: str) -> dict[str, Any] | None:
        file = self._folder / name
        try:
            return dict(json.loads(file.read_bytes()))
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            # As good as none: the next run of the command writes it anew.
            _log.warning("report_unreadable", file=str(file), problem=str(error))
            return None
