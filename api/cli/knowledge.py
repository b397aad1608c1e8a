"""The command for what experts know: knowledge."""

import getpass
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from api.cli.options import ArtifactOption, HomeOption, JsonOption, StoreOption, open_store, say_unfollowed, settings_of
from api.console import Output

if TYPE_CHECKING:
    from api.services.preview import Preview
    from api.settings import Settings
    from graph import Store
    from graph.knowledge import Knowledge

Action = Literal["preview", "add", "apply", "undo", "delete", "list", "show", "refresh"]
_ON_ALL = ("list", "refresh")
_ONLY_LOOK = ("preview", "list", "show")


def register(app: typer.Typer) -> None:
    """Adds the command of this group."""
    app.command(epilog="Example: pathrec knowledge preview accessories.yaml")(knowledge)


def knowledge(
    action: Annotated[Action, typer.Argument(help="What to do.")],
    rule: Annotated[
        str | None, typer.Argument(metavar="[RULE]", help="A YAML file (add, preview), or the id of a stored rule.")
    ] = None,
    people: Annotated[
        int, typer.Option("--people", min=1, max=1_000, help="How many users preview asks at most.")
    ] = 1_000,
    seed: Annotated[int, typer.Option("--seed", min=0, help="The same seed asks the same people. For preview.")] = 0,
    store: StoreOption = None,
    artifact: ArtifactOption = None,
    home: HomeOption = None,
    json: JsonOption = None,
) -> None:
    """Relations, derived relations and category moves that experts add and take back.

    add keeps a rule as a draft; preview says what it would change; apply puts it to work in every running server, undo
    takes back exactly what it put there. refresh lets all applied rules follow the graph as it is now, as ingest and
    export do.
    """
    if (rule is None) != (action in _ON_ALL):
        wanted = "say which rule" if rule is None else f"{action} takes no rule"
        raise typer.BadParameter(f"{wanted}; `pathrec knowledge list` shows them", param_hint="RULE")
    settings, output = settings_of(home, store, artifact), Output(json)
    with open_store(settings) as graph:
        if action == "preview":
            _preview(graph, settings, output, rule or "", people, seed)
        elif action in ("list", "show"):
            _look(graph, output, rule)
        else:
            _do(graph, settings, output, action, rule)


def _preview(graph: "Store", settings: "Settings", output: Output, rule: str, people: int, seed: int) -> None:
    from api.offline import live_model
    from api.services.preview import Previewer
    from graph.errors import KnowledgeError
    from graph.knowledge import Status

    said = _from_file(graph, Path(rule)) if _is_file(rule) else graph.found_knowledge(rule)
    if said.status == Status.APPLIED:
        raise KnowledgeError(f"rule {said.id} is applied; undo it first, or preview what it would say by another id")
    with output.progress() as report:
        previewer = Previewer(graph, live_model(graph, settings))
        found = previewer.knowledge(said, people, seed, lambda done, total: report("preview", done, total))
    _say_preview(output, said, found)
    output.document({"rule": said.id, **asdict(found), "share": found.share})


def _say_preview(output: Output, said: "Knowledge", found: "Preview") -> None:
    output.say(f"{said.id} ({said.kind}): {found.links:,} links of {found.products:,} products")
    output.say(
        f"{found.changed:,} of {found.asked:,} lists would change ({found.share:.1%}); {found.entering:,} places get a "
        f"product that was not there. {found.shoppers:,} users have a history."
    )
    rows = [
        (each.user, each.product, _place(each.old_rank), _place(each.new_rank), f"{each.contribution:+.4f}")
        for each in found.examples
    ]
    if rows:
        output.table("Examples", ("user", "product", "rank", "with the rule", "by the rule"), rows)


def _place(rank: int | None) -> str:
    return "-" if rank is None else str(rank)


def _look(graph: "Store", output: Output, rule: str | None) -> None:
    if rule is not None:
        said = _document(graph.found_knowledge(rule))
        for name, value in said.items():
            if value not in (None, [], {}):
                output.say(f"{name}: {value}")
        output.document(said)
        return
    rules = graph.knowledge()
    rows = [(each.id, each.kind, each.status, each.relation or "", f"{each.links:,}") for each in rules]
    output.table("Knowledge", ("id", "kind", "status", "relation", "links"), rows)
    output.document({"rules": [_document(each) for each in rules]})


def _do(graph: "Store", settings: "Settings", output: Output, action: str, rule: str | None) -> None:
    from api.audit import AuditLog
    from api.services.callers import Caller

    log, caller = AuditLog(settings.home), Caller(frozenset(), key=f"command line, {getpass.getuser()}")
    log.write(f"knowledge {action}", caller, rule=rule)
    done = _refreshed(graph, output) if rule is None else _changed(graph, output, action, rule)
    output.document(done)


def _refreshed(graph: "Store", output: Output) -> dict[str, Any]:
    from api.services.refreshing import refresh

    done = refresh(graph)
    for key, effect in done.effects.items():
        output.say(f"{key}: {effect.put:,} links new, {effect.changed:,} changed, {effect.taken:,} taken back")
    say_unfollowed(output, done)
    return asdict(done)


def _changed(graph: "Store", output: Output, action: str, rule: str) -> dict[str, Any]:
    from api.services.refreshing import shop_time
    from graph.errors import NoSuchRule

    if action == "add":
        said = graph.save_knowledge(_from_file(graph, Path(rule)))
        output.say(f"{said.id} is kept as a draft; `pathrec knowledge apply {said.id}` puts it to work")
        return _document(said)
    if action == "delete":
        graph.found_knowledge(rule)
        if not graph.delete_rule(rule):
            raise NoSuchRule(f"there is no rule of knowledge {rule}")
        output.say(f"{rule} is gone")
        return {"deleted": rule}
    change = graph.apply_knowledge if action == "apply" else graph.undo_knowledge
    effect = change(rule, shop_time(graph))
    output.say(f"{rule}: {effect.put:,} links new, {effect.changed:,} changed, {effect.taken:,} taken back")
    return {"rule": rule, **asdict(effect)}


def _is_file(rule: str) -> bool:
    return rule.endswith((".yaml", ".yml")) or Path(rule).is_file()


def _from_file(graph: "Store", path: Path) -> "Knowledge":
    from api.knowledge_file import read_rule
    from api.services.refreshing import shop_time

    rule = read_rule(path, graph.renew_ontology(), shop_time(graph))
    return rule if rule.author else replace(rule, author=getpass.getuser())


def _document(rule: "Knowledge") -> dict[str, Any]:
    return {**asdict(rule), "pairs": [[*pair, weight] for pair, weight in rule.pairs.items()]}
