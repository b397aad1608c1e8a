"""Cypher at the terminal: once, in a shell, and as table, JSON, CSV and drawings."""

import csv
import io
import json
import stat
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from prompt_toolkit.application import create_app_session
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output import DummyOutput

from api import answers, drawing
from api.cli.cypher import parameters
from api.cypher_shell import Shell, Words
from graph import Query, Store, Table
from tests.graph.shop_tables import fill
from tests.support.commands import pathrec

PATH = "MATCH path = (:Product {id: 'mug'})-[:COMPLEMENTS]->(:Product {id: 'tea'}) RETURN path"


@pytest.fixture
def shop(embedded_store: Store) -> Store:
    fill(embedded_store)
    return embedded_store


@pytest.fixture
def command(shop: Store, tmp_path: Path) -> Callable[..., str]:
    """Runs `pathrec cypher` on the shop's store; gives what it says."""

    def run(*arguments: str, code: int = 0) -> str:
        done = pathrec("cypher", *arguments, "--store", shop.url, "--home", tmp_path)
        assert done.returncode == code, done.stderr
        return done.stderr if code else done.stdout

    return run


def test_a_query_gives_a_table(command: Callable[..., str]) -> None:
    said = command("MATCH (p:Product) RETURN p.id AS product, p.price AS price ORDER BY product")
    assert "product" in said
    assert "tea" in said
    assert "4 rows" in said


def test_a_query_gives_json(command: Callable[..., str]) -> None:
    said = command("UNWIND range(1, 9) AS n RETURN n", "--format", "json", "--rows", "2")
    assert json.loads(said) == {"columns": ["n"], "rows": [[1], [2]], "complete": False}


def test_a_query_writes_its_answer_to_a_file_as_well(command: Callable[..., str], tmp_path: Path) -> None:
    assert "1 row" in command("RETURN 1 AS n", "--json", str(tmp_path / "answer.json"))
    assert json.loads((tmp_path / "answer.json").read_text())["rows"] == [[1]]
    assert json.loads(command("RETURN 1 AS n", "--json", "-"))["rows"] == [[1]]


def test_parameters_are_json_or_text(command: Callable[..., str]) -> None:
    query = "RETURN $text AS a, $number AS b, $list AS c"
    said = command(query, "--param", "text=tea", "--param", "number=3", "--param", 'list=["a"]', "--format", "json")
    assert json.loads(said)["rows"] == [["tea", 3, ["a"]]]
    assert parameters(["$a=b=c", 'n="1"']) == {"a": "b=c", "n": "1"}


def test_a_query_may_come_from_standard_input(command: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("RETURN 1 AS n;"))
    assert command("-", "--format", "csv") == "n\n1\n"


def test_a_plan_is_shown_and_nothing_run(command: Callable[..., str]) -> None:
    assert "Product" in command("MATCH (p:Product {id: 'tea'}) RETURN p", "--explain")


def test_what_does_not_read_is_refused_with_a_reason(command: Callable[..., str]) -> None:
    assert "only queries that read are run" in command("CREATE (:Product {id: 'new'})", code=1)


def test_values_in_words(shop: Store) -> None:
    (path,) = shop.explore(Query(PATH)).rows[0]
    assert answers.in_words(path).startswith('(:Product {id: "mug"')
    assert "]->(:Product" in answers.in_words(path)
    assert answers.in_words(path["relationships"][0]).startswith("[:COMPLEMENTS {weight: 2.0")
    assert [answers.in_words(value) for value in ("a", 1, None, True, [1, "b"], {"a": 1})] == [
        *("a", "1", "null", "true"),
        '[1, "b"]',
        "{a: 1}",
    ]


def test_csv_keeps_every_value() -> None:
    found = Table(("a", "b", "c"), (("x, y", None, [1, {"z": 'q"'}]), (1.5, True, "\n")), True)
    rows = list(csv.reader(io.StringIO(answers.as_csv(found))))
    assert rows == [["a", "b", "c"], ["x, y", "", '[1, {"z": "q\\""}]'], ["1.5", "true", "\n"]]


def test_a_drawing_is_svg_without_scripts(shop: Store) -> None:
    found = shop.explore(Query("MATCH path = (:User)-->(:Event)-->(:Product) RETURN path"))
    picture = answers.as_picture(found)
    root = ET.fromstring(picture)  # noqa: S314 - our own text
    circles = [element for element in root.iter() if element.tag.endswith("circle")]
    assert len(circles) == len(drawing.drawn(found).nodes) == 3 + 8 + 3
    assert "script" not in picture
    assert picture == answers.as_picture(found)


def test_a_drawing_escapes_what_the_graph_says() -> None:
    node = {"kind": "node", "element": "1", "labels": ["A"], "properties": {"title": '</text><script>"'}}
    graph = drawing.drawn(Table(("n",), ((node,),), True))
    assert "<script" not in drawing.as_svg(graph)
    assert '\\"' in drawing.as_dot(graph)


def test_a_drawing_leaves_out_what_it_has_no_room_for() -> None:
    nodes = [
        {"kind": "node", "element": str(n), "labels": ["A"], "properties": {}} for n in range(drawing.MOST_NODES + 7)
    ]
    graph = drawing.drawn(Table(("n",), tuple((node,) for node in nodes), True))
    assert (len(graph.nodes), graph.left_out) == (drawing.MOST_NODES, 7)


def test_graphviz_gets_nodes_and_arrows(shop: Store) -> None:
    text = answers.as_graph(shop.explore(Query(PATH)))
    assert text.startswith("digraph {")
    assert text.count("label=") == 3
    assert 'label="COMPLEMENTS"' in text


def typed(shop: Store, folder: Path, keys: str, capsys: pytest.CaptureFixture[str]) -> tuple[str, str]:
    """What the shell says on standard output and standard error."""
    with create_pipe_input() as pipe, create_app_session(input=pipe, output=DummyOutput()):
        pipe.send_text(keys)
        Shell(shop, folder / "history", {}, "table", 1_000, 30.0).run()
    said = capsys.readouterr()
    return said.out, said.err


def test_the_shell_answers_queries_of_several_lines(
    shop: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    keys = "MATCH (p:Product)\rRETURN count(p)\rAS products;\r:exit\r"
    out, err = typed(shop, tmp_path, keys, capsys)
    assert "products" in out
    assert "1 row" in out
    assert err == ""
    history = tmp_path / "history"
    assert "RETURN count(p)" in history.read_text()
    assert stat.S_IMODE(history.stat().st_mode) == 0o600


def test_the_shell_goes_on_after_an_error(shop: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    keys = "CREATE (:Product);\rMATCH (n RETURN n;\r:nonsense\rRETURN 'still here' AS a;\r:exit\r"
    out, err = typed(shop, tmp_path, keys, capsys)
    assert "still here" in out
    assert "only queries that read are run" in err
    assert "the query is wrong" in err
    assert ":nonsense is no command" in err


def test_the_shell_has_parameters_formats_and_limits(
    shop: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    keys = ":param id tea\r:format csv\r:rows 1\rMATCH (p:Product) WHERE p.id = $id RETURN p.title AS t;\r:exit\r"
    out, _ = typed(shop, tmp_path, keys, capsys)
    assert out.endswith("t\ntitle of tea\n")


def test_the_shell_completes_what_the_graph_has(shop: Store) -> None:
    words = Words(shop, {"id": "tea"})

    def completed(text: str) -> list[str]:
        return [each.text for each in words.get_completions(Document(text), CompleteEvent())]

    assert completed("MATCH (p:Prod") == ["Product"]
    assert "COMPLEMENTS" in completed("MATCH (p)-[:COMP")
    assert "title" in completed("MATCH (p:Product) RETURN p.ti")
    assert completed("RETURN $") == ["id"]
    assert completed("CALL db.la") == ["labels("]
    assert "MATCH" in completed("mat")
    assert completed(":for") == ["format"]
