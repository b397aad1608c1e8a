"""A shell for Cypher: history, completion, and answers as tables."""

import os
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, get_args

from prompt_toolkit import PromptSession
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.filters import Condition
from prompt_toolkit.history import FileHistory
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.lexers import PygmentsLexer
from pygments.lexers.graph import CypherLexer

from api import answers, console
from api.cli.cypher import as_value
from api.forms import Form
from graph import ExplorationError, Query, Store, StoreUnavailable

KEYWORDS = (
    "MATCH OPTIONAL WHERE RETURN DISTINCT WITH UNWIND UNION ALL CALL YIELD ORDER BY ASC DESC SKIP LIMIT AS AND OR NOT "
    "XOR IN IS NULL STARTS ENDS CONTAINS EXISTS COUNT COLLECT CASE WHEN THEN ELSE END shortestPath( allShortestPaths( "
    "count( collect( sum( avg( min( max( size( labels( type( id( keys( properties( nodes( relationships( length( "
    "coalesce( range( toUpper( toLower( toString( toInteger( toFloat( round("
)
PROCEDURES = (
    "index.fulltext.queryNodes(",
    "index.vector.queryNodes(",
    "labels(",
    "propertyKeys(",
    "relationshipTypes(",
)
FORMS: tuple[Form, ...] = get_args(Form)
_WORD = re.compile(r"[A-Za-z_]\w*\Z")
HELP = """A query ends with ; and may have several lines. Nothing that it says can change the graph.
  :param NAME VALUE   gives $NAME a value: JSON, or a text
  :params             shows the parameters
  :format FORM        table, json, csv, graph (SVG) or dot
  :rows NUMBER        shows at most so many rows
  :seconds NUMBER     ends a query that takes longer
  :explain QUERY;     shows the plan and runs nothing
  :exit               or Ctrl-D
Tab completes labels, relations, properties, $parameters and words of Cypher. Ctrl-C drops what is typed."""


class Words(Completer):
    """Completes what the graph has and what Cypher knows."""

    def __init__(self, store: Store, parameters: dict[str, Any]) -> None:
        self._parameters = parameters
        self._labels = _names(store, "CALL db.labels()")
        self._relations = _names(store, "CALL db.relationshipTypes()")
        self._properties = _names(store, "CALL db.propertyKeys()")

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:
        """Words that begin as the one before the cursor does, by what stands before that."""
        text = document.text_before_cursor
        found = _WORD.search(text)
        word = found[0] if found else ""
        before = text.removesuffix(word)
        for each in self._candidates(before, word):
            if each.lower().startswith(word.lower()):
                yield Completion(each, start_position=-len(word))

    def _candidates(self, before: str, word: str) -> Iterable[str]:
        if before.strip() == ":" or word.startswith(":"):
            return ("param", "params", "format", "rows", "seconds", "explain", "help", "exit")
        if before.endswith("$"):
            return sorted(self._parameters)
        if before.endswith("db."):
            return PROCEDURES
        if before.endswith("."):
            return self._properties
        if before.endswith((":", "|", "&")):
            inside = before.rfind("[") > before.rfind("]")
            return self._relations if inside else self._labels
        return sorted(KEYWORDS.split()) if word else ()


class Shell:
    """Reads queries and shows their answers until whoever types has had enough.

    Args:
        store: what is asked.
        history: file of what was typed, for its owner only.
        parameters: values by name, to begin with.
        form, rows, seconds: how answers are shown and limited, to begin with.
    """

    def __init__(
        self, store: Store, history: Path, parameters: dict[str, Any], form: Form, rows: int, seconds: float
    ) -> None:
        self._store = store
        self._parameters = dict(parameters)
        self._form = form
        self._rows = rows
        self._seconds = seconds
        self._session = _session(history, Words(store, self._parameters))
        self._commands: dict[str, Callable[[str], None]] = {
            "param": self._set_parameter,
            "params": lambda _: self._show_parameters(),
            "format": self._set_form,
            "rows": self._set_rows,
            "seconds": self._set_seconds,
            "explain": lambda text: self._output.say(self._store.explain(self._query(text))),
            "help": lambda _: self._output.say(HELP),
        }
        self._output = console.Output()

    def run(self) -> None:
        """Returns at :exit or the end of the input."""
        self._output.say(f"{self._store.url}, for reading only. :help helps, :exit ends.")
        while True:
            try:
                text = self._session.prompt("cypher> ").strip()
            except KeyboardInterrupt:
                continue
            except EOFError:
                return
            if text in {":exit", ":quit"}:
                return
            if text.strip(";"):
                self._answer(text)

    def _answer(self, text: str) -> None:
        try:
            if text.startswith(":"):
                name, _, rest = text[1:].partition(" ")
                self._command(name.rstrip(";"), rest.strip())
            else:
                found = self._store.explore(self._query(text), self._rows, seconds=self._seconds)
                answers.write(found, self._form)
        except (ExplorationError, StoreUnavailable) as failure:
            console.error(str(failure))
        except KeyboardInterrupt:
            console.error("stopped")

    def _command(self, name: str, rest: str) -> None:
        if name not in self._commands:
            console.error(f":{name} is no command; :help shows them")
            return
        self._commands[name](rest)

    def _query(self, text: str) -> Query:
        return Query(text.rstrip().rstrip(";"), self._parameters)

    def _set_parameter(self, text: str) -> None:
        name, _, value = text.rstrip(";").partition(" ")
        if not name or not value.strip():
            console.error("say :param NAME VALUE, as in :param id tea")
            return
        self._parameters[name.removeprefix("$")] = as_value(value.strip())

    def _show_parameters(self) -> None:
        self._output.say(
            "\n".join(f"${name} = {value!r}" for name, value in sorted(self._parameters.items())) or "none"
        )

    def _set_form(self, text: str) -> None:
        wanted = text.rstrip(";")
        for form in FORMS:
            if form == wanted:
                self._form = form
                return
        console.error(f"{wanted or 'nothing'} is no format; there are {', '.join(FORMS)}")

    def _set_rows(self, text: str) -> None:
        rows = text.rstrip(";")
        if not rows.isdigit() or int(rows) < 1:
            console.error("say :rows NUMBER, from 1 on")
            return
        self._rows = int(rows)

    def _set_seconds(self, text: str) -> None:
        seconds = as_value(text.rstrip(";"))
        if not isinstance(seconds, int | float) or seconds <= 0:
            console.error("say :seconds NUMBER, above 0")
            return
        self._seconds = float(seconds)


def _session(history: Path, words: Words) -> "PromptSession[str]":
    history.parent.mkdir(parents=True, exist_ok=True)
    os.close(os.open(history, os.O_CREAT | os.O_APPEND, 0o600))
    history.chmod(0o600)
    keys = KeyBindings()
    session: PromptSession[str]

    def complete() -> bool:
        text = session.default_buffer.text.strip()
        return not text or text.startswith(":") or text.endswith(";")

    @keys.add("enter", filter=Condition(complete))
    def _(event: KeyPressEvent) -> None:
        event.current_buffer.validate_and_handle()

    session = PromptSession(
        history=FileHistory(str(history)),
        completer=words,
        complete_while_typing=False,
        lexer=PygmentsLexer(CypherLexer),
        key_bindings=keys,
        multiline=True,
        prompt_continuation="     -> ",
    )
    return session


def _names(store: Store, text: str) -> list[str]:
    return sorted(str(row[0]) for row in store.explore(Query(text)).rows)
