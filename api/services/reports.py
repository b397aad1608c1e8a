"""Reports that lie in the home: what an ingestion found in a shop's files, what an evaluation found of the model."""

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import structlog

from gnn.artifact import ArtifactManifest
from graph.times import to_ms

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

    def metrics(self, manifest: ArtifactManifest) -> dict[str, Any]:
        """Figures of a model that was trained on an earlier part of the data of a published one and asked what came
        after; empty if the last evaluation was none of that."""
        found = self.evaluation() or {}
        asked = found.get("snapshot")
        if not isinstance(asked, dict) or not _made_of(manifest, asked):
            return {}
        return dict(found.get("metrics") or {})

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


def _made_of(manifest: ArtifactManifest, snapshot: Mapping[str, Any]) -> bool:
    """Whether a model was trained on a snapshot."""
    try:
        as_of_ms = to_ms(datetime.fromisoformat(str(snapshot.get("as_of"))))
    except ValueError:
        return False
    told = snapshot.get("ontology_hash"), snapshot.get("change_number"), as_of_ms
    return told == (manifest.ontology_hash, manifest.change_number, to_ms(manifest.as_of))
