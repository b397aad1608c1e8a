"""Taking people out of an artifact on disk, as the law and `deleteUser` ask."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from gnn.artifact import load_artifact, save_artifact
from gnn.overlay import forget_meetings, forget_person


def erase(path: Path, people: Iterable[str] = (), meetings: Iterable[tuple[str, str, str]] = ()) -> bool:
    """Rewrites an artifact without some people and without single links of its incidence.

    Args:
        path: folder of the artifact; it is replaced as a whole or stays as it is.
        people: pseudonyms of users.
        meetings: (name of the meeting, pseudonym of the group, product id).

    Returns:
        Whether anything had to be taken out.

    Raises:
        ArtifactError: the artifact cannot be read.
        WriteError: it cannot be written.
    """
    artifact = load_artifact(path)
    scorer = artifact.scorer
    for key in people:
        scorer = forget_person(scorer, key)
    scorer = forget_meetings(scorer, meetings)
    if scorer.people == artifact.scorer.people and all(
        new.links.nnz == old.links.nnz for new, old in zip(scorer.terms, artifact.scorer.terms, strict=True)
    ):
        return False
    save_artifact(replace(artifact, scorer=scorer), path)
    return True
