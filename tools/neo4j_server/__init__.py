"""A real Neo4j Community server on this machine, without Docker: fetched with Maven, run with Java.

For tests and for people who want to look at a graph; not for production. The server listens on
loopback only and asks for no password.
"""

from tools.neo4j_server.releases import RELEASES, MissingNeo4jError, Release, fetched
from tools.neo4j_server.server import running_server

__all__ = ["RELEASES", "MissingNeo4jError", "Release", "fetched", "running_server"]
