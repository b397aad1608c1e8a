"""`make neo4j`, or `python -m tools.neo4j_server [--version 5|2026] [--port 7687] [--data FOLDER]`."""

import argparse
import sys
from contextlib import suppress
from pathlib import Path

from tools.neo4j_server import RELEASES, MissingNeo4jError, fetched, running_server
from tools.neo4j_server.releases import SERVERS


def main() -> int:
    """Runs the server until Ctrl-C."""
    options = _parse()
    release = RELEASES[options.version]
    data = options.data or SERVERS / f"data-{options.version}"
    try:
        print(f"Neo4j {release.version}: fetching if need be, then starting …")
        with running_server(fetched(release), data, port=options.port, gds=True) as server, suppress(KeyboardInterrupt):
            print(f"{server.url}  (no password, this machine only; data in {data}; Ctrl-C ends it)")
            print(f"Try: pathrec ingest MAPPING.yaml --store {server.url}")
            server.process.wait()
            print("The server has ended by itself.", file=sys.stderr)
            return 1
    except MissingNeo4jError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tools.neo4j_server", description=__doc__)
    parser.add_argument("--version", choices=list(RELEASES), default="5", help="which release (default: %(default)s)")
    parser.add_argument("--port", type=int, default=7687, help="where to listen on loopback (default: %(default)s)")
    parser.add_argument("--data", type=Path, help="folder of the database (default: beside the program)")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
