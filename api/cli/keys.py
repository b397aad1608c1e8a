"""The command about API keys: key."""

import getpass
from typing import Annotated, Literal

import typer

from api.cli.options import HomeOption, JsonOption, settings_of
from api.console import Output


def register(app: typer.Typer) -> None:
    """Adds the command of this group."""
    app.command(epilog="Example: pathrec key create --role storefront --note website")(key)


def key(
    action: Annotated[Literal["create", "list", "revoke"], typer.Argument(help="What to do.")],
    identity: Annotated[str | None, typer.Argument(metavar="[ID]", help="The key to revoke, as list shows it.")] = None,
    role: Annotated[
        list[str] | None,
        typer.Option("--role", help="storefront, server, expert or admin; may be repeated. For create."),
    ] = None,
    note: Annotated[str, typer.Option("--note", help="What the key is for. For create.")] = "",
    home: HomeOption = None,
    json: JsonOption = None,
) -> None:
    """Make, list and revoke API keys. From the first one on the server asks for a key.

    A key is shown once, when it is made; only its hash is kept. A revoked key is refused from the next request on.
    """
    from api import keys
    from api.audit import AuditLog
    from api.services.callers import Caller, Role

    folder, output = settings_of(home).home, Output(json)
    log, caller = AuditLog(folder), Caller(frozenset(), key=f"command line, {getpass.getuser()}")
    known = {each.value: each for each in Role}
    if action == "create":
        if not role or not set(role) <= known.keys():
            raise typer.BadParameter(f"give one or several of {', '.join(known)}", param_hint="--role")
        made, secret = keys.create_key(folder, [known[name] for name in role], note)
        log.write("key created", caller, id=made.id, given=role, note=note)
        output.say(f"{secret}\nKey {made.id} is kept as a hash; this is the only time that it is shown.")
        output.document({"id": made.id, "roles": role, "key": secret})
    elif action == "revoke":
        if identity is None:
            raise typer.BadParameter("say which key; `pathrec key list` shows them", param_hint="ID")
        keys.revoke_key(folder, identity)
        log.write("key revoked", caller, id=identity)
        output.say(f"Key {identity} is refused from now on.")
        output.document({"revoked": identity})
    else:
        found = [each.model_dump(mode="json", exclude={"sha256"}) for each in keys.read_keys(folder)]
        rows = [(each["id"], ", ".join(each["roles"]), each["created"] or "", each["note"]) for each in found]
        output.table("Keys", ("id", "roles", "made", "note"), rows)
        output.document({"keys": found})
