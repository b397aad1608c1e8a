"""The embedded engine's own process: `python -m graph.engine FOLDER`, started by `graph.embedded`.

It goes into the background, opens the folder's database, listens on loopback with a fresh random
password, and ends when no client holds `clients.lock` any more.
"""

import fcntl
import os
import secrets
import socket
import sys
import time
from pathlib import Path

from graph.class_archive import ClassArchive, archive_for
from graph.embedded import CLIENTS, RUNNING, SERVER, Running, lock_file, try_lock

USER = "root"
WATCH_SECONDS = 0.25
HEAP = os.environ.get("PATHREC_ENGINE_HEAP", "2g")

# Below warnings the engine's log would name ids, which may be people's.
_LOGGING = """handlers=java.util.logging.ConsoleHandler
.level=WARNING
java.util.logging.ConsoleHandler.level=WARNING
java.util.logging.ConsoleHandler.formatter=java.util.logging.SimpleFormatter
java.util.logging.SimpleFormatter.format=%1$tFT%1$tT %4$s %3$s %5$s%n
"""


def main(folder: Path) -> int:
    """Returns once the engine is on its way in a process that is nobody's child; 3 if the folder has one."""
    with lock_file(folder / SERVER) as held:
        if not _lock_within(held, seconds=5.0):
            return 3
        if os.fork():  # the lock goes along
            return 0
        os.setsid()  # Ctrl-C in a client's terminal is not for the engine
        archive = _archive()
        server, running = _start(folder, archive.options() if archive else [])
        if archive:
            archive.drop_if_refused(_java_says("java.vm.info"))
        running.write(folder)
        with lock_file(folder / CLIENTS) as clients:
            while not try_lock(clients, fcntl.LOCK_EX):
                time.sleep(WATCH_SECONDS)
            # From here on new clients wait at clients.lock until this process has ended.
            (folder / RUNNING).unlink(missing_ok=True)
            server.stop()  # type: ignore[attr-defined]
            if archive:
                archive.make_from(_java_says("java.home"), _java_options(), _java_says("java.class.path"))
            sys.stdout.flush()
            # The Java machine's own way out takes seconds and has nothing left to save.
            os._exit(0)


def _archive() -> ClassArchive | None:
    import jpype
    from arcadedb_embedded.jvm import get_bundled_jre_lib_path, get_jar_path

    files = [Path(get_bundled_jre_lib_path()), Path(jpype.__file__), *Path(get_jar_path()).glob("*.jar")]
    return archive_for(files, [HEAP])


def _java_says(name: str) -> str:
    import jpype

    return str(jpype.java.lang.System.getProperty(name))


def _java_options() -> list[str]:
    import jpype

    bean = jpype.java.lang.management.ManagementFactory.getRuntimeMXBean()
    return [str(option) for option in bean.getInputArguments()]


def _start(folder: Path, java_options: list[str]) -> tuple[object, Running]:
    from arcadedb_embedded.server import ArcadeDBServer  # the import alone may start Java

    (folder / "config").mkdir(exist_ok=True)
    # The password in this file would win over the fresh one.
    for users in (folder / "config").glob("server-users.json*"):
        users.unlink()
    logging = folder / "config" / "logging.properties"
    logging.write_text(_LOGGING, encoding="utf-8")
    bolt, http = _free_ports(2)
    password = secrets.token_urlsafe(24)
    server = ArcadeDBServer(
        str(folder),
        password,
        {
            "host": "127.0.0.1",
            "http_port": http,
            "mode": "production",
            "server_plugins": "Bolt:com.arcadedb.bolt.BoltProtocolPlugin",
            "bolt_port": bolt,
            "server_defaultDatabases": f"neo4j[{USER}]",
        },
        {"heap_size": HEAP, "jvm_args": [f"-Djava.util.logging.config.file={logging}", *java_options]},
    )
    server.start()
    return server, Running(bolt=bolt, http=http, user=USER, password=password, pid=os.getpid())


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
