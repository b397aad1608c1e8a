"""The embedded engine's own process: `python -m graph.engine FOLDER`, started by `graph.embedded`.

It goes into the background, opens the folder's database, listens on loopback with two logins of fresh random
passwords, one that may do everything and one that may only read, and ends when no client holds `clients.lock` any
more. What nobody needs and a reader could misuse, it does not have: procedures that write, `LOAD CSV`, other languages.
"""

import fcntl
import gc
import json
import os
import secrets
import socket
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from graph.class_archive import ClassArchive, archive_for
from graph.connection import Endpoint
from graph.embedded import CLIENTS, RUNNING, SERVER, Running, lock_file, try_lock
from graph.engine_api import command_server
from graph.engine_guard import Guard
from graph.reading import PROCEDURES
from schema.memory import free_memory

USER = "root"
READER = "reader"
WATCH_SECONDS = 0.25
HEAP = 2 * 2**30
"""Bytes that Java may take for a small graph."""

# Below warnings the engine's log would name ids, which may be people's.
_LOGGING = """handlers=java.util.logging.ConsoleHandler
.level=WARNING
java.util.logging.ConsoleHandler.level=WARNING
java.util.logging.ConsoleHandler.formatter=java.util.logging.SimpleFormatter
java.util.logging.SimpleFormatter.format=%1$tFT%1$tT %4$s %3$s %5$s%n
"""

_GROUPS = {
    "version": 2,
    "databases": {
        "*": {
            "groups": {
                "admin": {
                    "access": ["updateSecurity", "updateSchema", "updateDatabaseSettings"],
                    "types": {"*": {"access": ["createRecord", "readRecord", "updateRecord", "deleteRecord"]}},
                },
                READER: {"access": [], "types": {"*": {"access": ["readRecord"]}}},
                "*": {"access": [], "types": {"*": {"access": []}}},
            }
        }
    },
}
"""Who may do what: the engine looks a login's groups up here."""

_SETTINGS = (
    "-Darcadedb.opencypher.loadCsv.allowFileUrls=false",
    "-Darcadedb.opencypher.loadCsv.allowRemoteUrls=false",
    "-Darcadedb.polyglotEngineEnabled=false",
)
"""For the whole Java machine: the server's own settings do not reach `LOAD CSV`."""

_SLEEP = "util.sleep"


def main(folder: Path) -> int:
    """Returns once the engine is on its way in a process that is nobody's child; 3 if the folder has one."""
    with lock_file(folder / SERVER) as held:
        if not _lock_within(held, seconds=5.0):
            return 3
        if os.fork():  # the lock goes along
            return 0
        os.setsid()  # Ctrl-C in a client's terminal is not for the engine
        heap = heap_for(folder)
        archive = _archive(heap)
        server, running = _start(folder, heap, archive.options() if archive else [])
        if archive:
            archive.drop_if_refused(_java_says("java.vm.info"))
        running.write(folder)
        # JPype collects Python's garbage after each collection of Java's; what is here by now stays.
        gc.freeze()
        guard = Guard(READER, _running_queries(server), _end_at_once)
        with lock_file(folder / CLIENTS) as clients:
            while not try_lock(clients, fcntl.LOCK_EX):
                time.sleep(WATCH_SECONDS)
                guard.look()
            # From here on new clients wait at clients.lock until this process has ended.
            (folder / RUNNING).unlink(missing_ok=True)
            server.stop()  # type: ignore[attr-defined]
            if archive:
                archive.make_from(_java_says("java.home"), _java_options(), _java_says("java.class.path"))
            sys.stdout.flush()
            # The Java machine's own way out takes seconds and has nothing left to save.
            os._exit(0)


def _running_queries(server: object) -> Callable[[], Iterable[Any]]:
    registry = server._java_server.getRunningQueries()  # type: ignore[attr-defined]
    return registry.getRunning  # type: ignore[no-any-return]


def _end_at_once() -> None:
    """Ends the engine as a crash would: what was committed is kept, and whoever uses the folder starts another."""
    sys.stderr.write("A reader's query does not end when it is told to; the engine ends instead.\n")
    sys.stderr.flush()
    os._exit(4)


def heap_for(folder: Path) -> str:
    """How much Java may take, as it is told: what `PATHREC_ENGINE_HEAP` says, or enough for the graph.

    The engine keeps pages in a quarter of it. Where those in use do not fit, it reads them again and again: ten million
    events came out at a fifth of the speed. So it is twice what the records take on disk, in powers of two, as long as
    half of the free memory is left.
    """
    if said := os.environ.get("PATHREC_ENGINE_HEAP"):
        return said
    records = sum(file.stat().st_size for file in folder.glob("databases/*/*.bucket"))
    heap, most = HEAP, free_memory() // 2
    while heap < 2 * records and 2 * heap <= most:
        heap *= 2
    return f"{heap // 2**20}m"


def _archive(heap: str) -> ClassArchive | None:
    import jpype
    from arcadedb_embedded.jvm import get_bundled_jre_lib_path, get_jar_path

    files = [Path(get_bundled_jre_lib_path()), Path(jpype.__file__), *Path(get_jar_path()).glob("*.jar")]
    return archive_for(files, [heap])


def _java_says(name: str) -> str:
    import jpype

    return str(jpype.java.lang.System.getProperty(name))


def _java_options() -> list[str]:
    import jpype

    bean = jpype.java.lang.management.ManagementFactory.getRuntimeMXBean()
    return [str(option) for option in bean.getInputArguments()]


def _start(folder: Path, heap: str, java_options: list[str]) -> tuple[object, Running]:
    from arcadedb_embedded.server import ArcadeDBServer  # the import alone may start Java

    (folder / "config").mkdir(exist_ok=True)
    # The password in this file would win over the fresh one.
    for users in (folder / "config").glob("server-users.json*"):
        users.unlink()
    logging = folder / "config" / "logging.properties"
    logging.write_text(_LOGGING, encoding="utf-8")
    (folder / "config" / "server-groups.json").write_text(json.dumps(_GROUPS), encoding="utf-8")
    bolt, http = _free_ports(2)
    password, reading = secrets.token_urlsafe(24), secrets.token_urlsafe(24)
    server = ArcadeDBServer(
        str(folder),
        password,
        {
            "host": "127.0.0.1",
            "http_port": http,
            "mode": "development",  # in production it would not say what is wrong with a query
            "server_plugins": "Bolt:com.arcadedb.bolt.BoltProtocolPlugin",
            "bolt_port": bolt,
            "server_defaultDatabases": f"neo4j[{USER}]",
        },
        {"heap_size": heap, "jvm_args": [f"-Djava.util.logging.config.file={logging}", *_SETTINGS, *java_options]},
    )
    _forget_what_writes()
    server.start()
    root = Endpoint(f"bolt://127.0.0.1:{bolt}", (USER, password), http)
    login = json.dumps({"name": READER, "password": reading, "databases": {"neo4j": [READER]}})
    command_server(str(folder), root, f"create user {login}")
    return server, Running(bolt, http, USER, password, os.getpid(), READER, reading)


def _forget_what_writes() -> None:
    """Takes away what Cypher could call, of all that reads nothing or is not only for reading."""
    import jpype

    procedures = jpype.JClass("com.arcadedb.query.opencypher.procedures.CypherProcedureRegistry")
    for name in [str(each) for each in procedures.getProcedureNames()]:
        if name not in PROCEDURES:
            procedures.unregister(name)
    jpype.JClass("com.arcadedb.function.CypherFunctionRegistry").unregister(_SLEEP)


def _lock_within(file: object, seconds: float) -> bool:
    # A client that looks whether an engine runs holds this lock for a moment.
    deadline = time.monotonic() + seconds
    while not try_lock(file, fcntl.LOCK_EX):  # type: ignore[arg-type]
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
