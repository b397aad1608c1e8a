"""A rule of knowledge as a YAML file, checked as a whole: each mistake with file, line and remedy."""

import csv
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from graph.errors import KnowledgeError
from graph.knowledge import Knowledge, KnowledgeKind
from graph.knowledge_checks import mistakes as of_rule
from graph.moves import Move
from ingestion.places import Mistake, lines_of_places, listed, place
from schema.errors import suggestion
from schema.ontology import Ontology

_COLUMNS = ("source", "target", "weight")
_WANTED = "source,target or source,target,weight"
_MOST_TOLD = 20


def _texts(value: object) -> object:
    """Ids that YAML takes for numbers."""
    return [str(key) if isinstance(key, int) else key for key in value] if isinstance(value, list) else value


class _Document(BaseModel):
    """What may stand in the file; unknown keys are mistakes."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    id: str
    kind: KnowledgeKind
    author: str | None = None
    note: str | None = None
    relation: str | None = None
    says: str | None = None
    weight: float = 1.0
    pairs: str | list[list[Any]] = []
    cypher: str | None = None
    category: str | None = None
    source: str | None = Field(None, alias="from")
    products: Annotated[list[str], BeforeValidator(_texts)] = []
    to: str | None = None


def read_rule(path: Path, ontology: Ontology, now: datetime) -> Knowledge:
    """The rule that a file says.

    Args:
        path: of the YAML file; a file of pairs that it names stands beside it.
        ontology: of the shop.
        now: by the shop's clock.

    Raises:
        KnowledgeError: the file cannot be read or has mistakes; the message lists them with line and remedy.
    """
    try:
        text = path.read_text(encoding="utf-8")
        content = yaml.safe_load(text)
        lines, wrong = lines_of_places(text)
    except (OSError, UnicodeDecodeError) as error:
        raise KnowledgeError(f"{path}: cannot be read ({error}); give the path of a UTF-8 YAML file") from error
    except yaml.YAMLError as error:
        raise KnowledgeError(f"{path}: is not YAML: {error}") from error
    if not isinstance(content, dict):
        raise KnowledgeError(f"{path}: must be a mapping with id, kind and what the rule says")
    document, more = _parsed(content)
    wrong += more
    if document is None:
        raise KnowledgeError(listed(str(path), wrong, lines))
    pairs, more = _pairs(document, path.parent)
    rule = _rule(document, pairs, now)
    wrong += more or [(_place_of(field, content), message) for field, message in of_rule(ontology, rule)]
    if wrong:
        raise KnowledgeError(listed(str(path), wrong[:_MOST_TOLD], lines))
    return rule


def _parsed(content: dict[Any, Any]) -> tuple[_Document | None, list[Mistake]]:
    names = [field.alias or name for name, field in _Document.model_fields.items()]
    try:
        return _Document.model_validate(content), []
    except ValidationError as error:
        return None, [_mistake(found, names) for found in error.errors()]


def _mistake(found: ErrorDetails, names: Iterable[str]) -> Mistake:
    if found["type"] == "extra_forbidden":
        return place(found["loc"]), f"unknown; {suggestion(str(found['loc'][-1]), names)}"
    return place(found["loc"]), found["msg"]


def _place_of(field: str, content: Mapping[str, Any]) -> str:
    """Where in the file a mistake stands; what is lacking, at what it belongs to."""
    if field == "says" and field not in content:
        return "relation"
    return "to" if field == "move" else field


def _rule(document: _Document, pairs: dict[tuple[str, str], float], now: datetime) -> Knowledge:
    move = None
    if document.kind == KnowledgeKind.MOVE or document.to is not None:
        move = Move(document.to or "", document.category, document.source, tuple(document.products))
    return Knowledge(
        id=document.id,
        kind=document.kind,
        created=now,
        changed=now,
        author=document.author,
        note=document.note,
        relation=document.relation,
        says=document.says,
        weight=document.weight,
        pairs=pairs,
        cypher=document.cypher,
        move=move,
    )


def _pairs(document: _Document, folder: Path) -> tuple[dict[tuple[str, str], float], list[Mistake]]:
    """The pairs of a rule, listed in it or in a file beside it, and what is wrong with them."""
    rows: Iterable[tuple[str, list[Any]]]
    if isinstance(document.pairs, str):
        try:
            rows = _rows(folder / document.pairs)
        except KnowledgeError as error:
            return {}, [("pairs", str(error))]
    else:
        rows = [(f"pairs[{number}]", list(pair)) for number, pair in enumerate(document.pairs)]
    found: dict[tuple[str, str], float] = {}
    wrong: list[Mistake] = []
    for where, row in rows:
        pair, weight, message = _pair(row, document.weight)
        if message is None and found.get(pair, weight) != weight:
            message = f"{pair[0]}, {pair[1]} is there before with another weight; keep one"
        if message is None:
            found[pair] = weight
        else:
            wrong.append((where, message) if where.startswith("pairs[") else ("pairs", f"{where}: {message}"))
    return found, wrong


def _pair(row: list[Any], usual: float) -> tuple[tuple[str, str], float, str | None]:
    """Ends and weight of a row, and what is wrong with it."""
    nothing = ("", "")
    if len(row) not in (2, 3) or not all(isinstance(end, str | int) and str(end).strip() for end in row[:2]):
        return nothing, usual, "must be the ids of two products, and a weight if wanted"
    try:
        weight = float(row[2]) if len(row) == 3 and row[2] not in ("", None) else usual
    except (TypeError, ValueError):
        return nothing, usual, f"the weight {row[2]} is no number"
    return (str(row[0]), str(row[1])), weight, None


def _rows(path: Path) -> list[tuple[str, list[Any]]]:
    """Rows of a CSV file, each with its file and line."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            header = [name.strip() for name in next(reader, [])]
            if header not in (list(_COLUMNS[:2]), list(_COLUMNS)):
                raise KnowledgeError(
                    f"{path}:1: the columns are {', '.join(header)}; let them be source,target[,weight]"
                )
            return [(f"{path}:{reader.line_num}", row) for row in reader if row]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise KnowledgeError(
            f"{path}: cannot be read ({error}); give a UTF-8 CSV file of source,target[,weight]"
        ) from error
