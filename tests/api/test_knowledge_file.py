"""Rules of knowledge as files: read whole, or refused with every mistake at its line."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from api.knowledge_file import read_rule
from graph.errors import KnowledgeError
from graph.knowledge import Knowledge, KnowledgeKind
from graph.moves import Move
from schema.ontology import default_ontology

NOW = datetime(2026, 1, 2, tzinfo=UTC)
PAGE = Path(__file__).parents[2] / "docs" / "knowledge.md"


def read(folder: Path, text: str) -> Knowledge:
    path = folder / "rule.yaml"
    path.write_text(text, encoding="utf-8")
    return read_rule(path, default_ontology(), NOW)


def test_pairs_come_from_a_file_beside_the_rule(tmp_path: Path) -> None:
    (tmp_path / "pairs.csv").write_text("source,target,weight\n17,p2,0.5\np1,p3,\n", encoding="utf-8")
    rule = read(tmp_path, "{id: fits, kind: RELATE, relation: COMPLEMENTS, weight: 2, pairs: pairs.csv, note: why}")
    expected = {("17", "p2"): 0.5, ("p1", "p3"): 2.0}
    assert rule == Knowledge(
        "fits", KnowledgeKind.RELATE, NOW, NOW, note="why", relation="COMPLEMENTS", weight=2.0, pairs=expected
    )


def test_a_move_names_categories(tmp_path: Path) -> None:
    rule = read(tmp_path, "{id: m, kind: MOVE, from: lamps, to: lights, products: [17, p2]}")
    assert rule.move == Move("lights", source="lamps", products=("17", "p2"))


def mistakes(folder: Path, text: str) -> list[str]:
    with pytest.raises(KnowledgeError) as found:
        read(folder, text)
    return str(found.value).replace(str(folder / "rule.yaml"), "rule.yaml").splitlines()


def test_every_mistake_is_told_with_its_line(tmp_path: Path) -> None:
    text = "id: fits\nkind: RELATED\nrelaton: FITS_WITH\nweight: much\n"
    unknown, kind, weight = sorted(mistakes(tmp_path, text), key=lambda line: line.split(": ")[1] != "relaton")
    assert re.fullmatch(r"rule.yaml:3: relaton: unknown; there is .* Did you mean relation\?", unknown)
    assert kind.startswith("rule.yaml:2: kind: ")
    assert weight.startswith("rule.yaml:4: weight: ")
    text = "id: fits\nkind: RELATE\nrelation: FITS_WITH\npairs: [[p1, p2], [p1], [p1, p2, 3], [p3, p4, x]]\n"
    assert mistakes(tmp_path, text) == [
        "rule.yaml:4: pairs[1]: must be the ids of two products, and a weight if wanted",
        "rule.yaml:4: pairs[2]: p1, p2 is there before with another weight; keep one",
        "rule.yaml:4: pairs[3]: the weight x is no number",
    ]
    (line,) = mistakes(tmp_path, "id: fits\nkind: RELATE\nrelation: FITS_WITH\npairs: [[p1, p2]]\n")
    assert line.startswith("rule.yaml:3: relation: FITS_WITH is new")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a,b\np1,p2\n", r"pairs.csv:1: the columns are a, b; let them be source,target"),
        ("source,target\np1\n", r"pairs.csv:2: must be the ids of two products"),
        ("source,target,weight\np1,p2,1\np1,p2,2\n", r"pairs.csv:3: p1, p2 is there before"),
        (None, r"pairs.csv: cannot be read"),
    ],
)
def test_a_file_of_pairs_is_checked_line_by_line(tmp_path: Path, content: str | None, message: str) -> None:
    if content is not None:
        (tmp_path / "pairs.csv").write_text(content, encoding="utf-8")
    (line,) = mistakes(tmp_path, "{id: fits, kind: RELATE, relation: COMPLEMENTS, pairs: pairs.csv}")
    assert re.search(message, line)


@pytest.mark.parametrize("text", ["- no mapping", "a: [", "id: a\nid: b\nkind: MOVE\ncategory: x\nto: y\n"])
def test_what_is_no_rule_is_refused(tmp_path: Path, text: str) -> None:
    assert mistakes(tmp_path, text)


def test_every_rule_of_the_page_can_be_read(tmp_path: Path) -> None:
    found = re.findall(r"^```yaml\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    (tmp_path / "pairs.csv").write_text("source,target\np1,p2\n", encoding="utf-8")
    kinds = {read(tmp_path, text).kind for text in found}
    assert kinds == set(KnowledgeKind)
    assert len({yaml.safe_load(text)["id"] for text in found}) == len(found)
