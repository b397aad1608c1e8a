"""A mapping from a shop's files to the ontology, read from YAML and checked as a whole."""

from collections.abc import Mapping as Dictionary
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import ValidationError

from ingestion.checks import contradictions
from ingestion.clean import parse_step
from ingestion.errors import MappingError
from ingestion.places import Mistake, lines_of_places, listed, place
from ingestion.rules import CategoryRule, Document, Source, format_of, mistake
from schema.ontology import Ontology

SHIPPED = {"online-retail": "online_retail.yaml"}
"""Mappings that come with Pathrec, by the name that stands for them."""


@dataclass(frozen=True)
class Mapping:
    """How the files of a shop become nodes, relations and events of an ontology; paths are absolute."""

    name: str
    clock: Literal["wall", "data"]
    images: Path | None
    sources: tuple[Source, ...]
    categories: CategoryRule | None
    ontology: Ontology
    document: str
    lines: Dictionary[str, int] = field(repr=False)

    def error(self, mistakes: list[Mistake]) -> MappingError:
        """An error that lists mistakes with their places in this mapping's file."""
        return MappingError(listed(self.document, mistakes, self.lines))


def load_mapping(path_or_name: str | Path, *, ontology: Ontology, data: Path | None = None) -> Mapping:
    """A mapping from its file, or one that comes with Pathrec by its name.

    Args:
        path_or_name: path of a YAML file, or a name in `SHIPPED`.
        ontology: what the mapping may name.
        data: a file to read in place of the one that the mapping's only source names.

    Raises:
        MappingError: the file cannot be read or has mistakes; the message lists all of them.
    """
    shipped = SHIPPED.get(str(path_or_name))
    if shipped and data is None:
        raise MappingError(f"{path_or_name}: comes without its data; name the file, as in --path {shipped[:-5]}.csv.gz")
    document, text, folder = _text(Path(path_or_name), shipped)
    try:
        content = yaml.safe_load(text)
        lines, mistakes = lines_of_places(text)
    except yaml.YAMLError as error:
        raise MappingError(f"{document}: is not YAML: {error}") from error
    return parse_mapping(content, document, folder, ontology, data=data, lines=lines, mistakes=mistakes)


def parse_mapping(
    content: object,
    document: str,
    folder: Path,
    ontology: Ontology,
    *,
    data: Path | None = None,
    lines: Dictionary[str, int] | None = None,
    mistakes: list[Mistake] | None = None,
) -> Mapping:
    """A mapping from a parsed document; relative paths start at `folder`.

    Raises:
        MappingError: see `load_mapping`.
    """
    if not isinstance(content, dict):
        raise MappingError(f"{document}: must be a mapping with format, name and sources; see docs/ingestion.md")
    found = list(mistakes or ())
    content, step_mistakes = _with_steps(content)
    found += step_mistakes
    rules: Document | None = None
    try:
        rules = _located(Document.model_validate(content), folder, data)
        found += contradictions(rules, ontology, replaced=data is not None)
    except ValidationError as error:
        found += [mistake(problem) for problem in error.errors()]
    if found or rules is None:
        raise MappingError(listed(document, found, lines or {}))
    return Mapping(
        rules.name, rules.clock, rules.images, rules.sources, rules.categories, ontology, document, lines or {}
    )


def _text(path: Path, shipped: str | None) -> tuple[str, str, Path]:
    if shipped:
        text = files("ingestion").joinpath("mappings", shipped).read_text(encoding="utf-8")
        return shipped, text, Path()
    try:
        return str(path), path.read_text(encoding="utf-8"), path.absolute().parent
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise MappingError(
            f"{path}: cannot be read ({reason}); give the path of a UTF-8 YAML file or a name: {', '.join(SHIPPED)}"
        ) from error


def _located(rules: Document, folder: Path, data: Path | None) -> Document:
    """The same with absolute paths, formats and names filled in."""
    sources = []
    for source in rules.sources:
        path = data.absolute() if data else folder / source.path
        plain = path.name.removesuffix(".gz").rpartition(".")[0] or path.name
        update = {"path": path, "name": source.name or plain, "format": source.format or format_of(path)}
        sources.append(source.model_copy(update=update))
    images = folder / rules.images if rules.images else None
    return rules.model_copy(update={"sources": tuple(sources), "images": images})


def _with_steps(content: dict[str, Any]) -> tuple[dict[str, Any], list[Mistake]]:
    """The document with its cleaning steps made, and the mistakes in those."""
    mistakes: list[Mistake] = []
    sources = content.get("sources")
    if not isinstance(sources, list):
        return content, mistakes
    made = []
    for index, source in enumerate(sources):
        steps = source.get("clean") if isinstance(source, dict) else None
        if not isinstance(steps, list):
            made.append(source)
            continue
        parsed = [parse_step(entry) for entry in steps]
        for number, (_, wrong) in enumerate(parsed):
            here = place(("sources", index, "clean", number))
            mistakes += [(f"{here}.{where}" if where else here, message) for where, message in wrong]
        made.append(source | {"clean": [step for step, _ in parsed if step]})
    return content | {"sources": made}, mistakes
