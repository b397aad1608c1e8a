"""What somebody may try who is only to read: to write, to delete, to change the schema, users or the server, to load
files and addresses, to call procedures, and to take all memory or time. And what must go on working.
"""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Attempt:
    """A query by what it tries. `$url` is an address where somebody listens."""

    name: str
    text: str
    exhausts: bool = False


_WRITE = {
    "create a node": "CREATE (:Product {id: 'new'})",
    "create a node of a new type": "CREATE (n:Stranger {id: 'new'}) RETURN n",
    "create a relation": "MATCH (a:Product {id: 'tea'}), (b:Product {id: 'cup'}) CREATE (a)-[:SUBSTITUTES]->(b)",
    "create after reading": "MATCH (p:Product) WITH count(p) AS n CREATE (:Product {id: toString(n)}) RETURN n",
    "create when there is nothing to create from": "MATCH (n:Nothing) CREATE (:Product {id: 'new'})",
    "merge what is there": "MERGE (p:Product {id: 'tea'}) RETURN p",
    "merge what is not there": "MERGE (p:Product {id: 'new'}) ON CREATE SET p.title = 'new' RETURN p",
    "merge and change": "MERGE (p:Product {id: 'tea'}) ON MATCH SET p.title = 'mine' RETURN p",
    "set a property": "MATCH (p:Product {id: 'tea'}) SET p.title = 'mine' RETURN p",
    "set a property by a key": "MATCH (p:Product {id: 'tea'}) SET p += {title: 'mine'}",
    "set all properties": "MATCH (p:Product {id: 'tea'}) SET p = {id: 'tea'}",
    "set a label": "MATCH (p:Product {id: 'tea'}) SET p:Brand",
    "remove a property": "MATCH (p:Product {id: 'tea'}) REMOVE p.title",
    "remove a label": "MATCH (p:Product {id: 'tea'}) REMOVE p:Product",
    "write for each of a list": "FOREACH (i IN range(1, 3) | CREATE (:Product {id: toString(i)}))",
    "write for each of an empty list": "FOREACH (i IN [] | CREATE (:Product {id: 'new'}))",
    "write in a subquery": "MATCH (p:Product) CALL (p) { SET p.title = 'mine' } RETURN p",
    "write in a subquery of a subquery": "CALL () { CALL () { CREATE (n:Product {id: 'new'}) RETURN n } RETURN "
    "n } RETURN n",
    "write in one half of a union": "MATCH (p:Product) RETURN p.id AS id UNION CREATE (p:Product {id: "
    "'new'}) RETURN p.id AS id",
    "write in transactions of its own": "MATCH (p:Product) CALL (p) { SET p.title = 'mine' } IN TRANSACTIONS OF 1 ROW",
    "write behind a comment": "/* MATCH (n) RETURN n */ CREATE (:Product {id: 'new'}) // RETURN 1",
    "write with odd letters": "cReAtE (:`Product` {id: 'new'})",
    "write with escaped letters": "\\u0043REATE (:Product {id: 'new'})",
    "write in a second statement": "MATCH (n) RETURN n LIMIT 1; CREATE (:Product {id: 'new'})",
    "write under a profile": "PROFILE CREATE (:Product {id: 'new'})",
    "ask for a plan and write after it": "EXPLAIN RETURN 1; CREATE (:Product {id: 'new'})",
    "write with an option before it": "CYPHER runtime=slotted CREATE (:Product {id: 'new'})",
    "begin a transaction": "START TRANSACTION",
    "commit what others do": "COMMIT",
}
_DELETE = {
    "delete a node": "MATCH (p:Product {id: 'tea'}) DETACH DELETE p",
    "delete everything": "MATCH (n) DETACH DELETE n",
    "delete relations": "MATCH (:Product)-[r]-() DELETE r",
    "delete what is not there": "MATCH (n:Nothing) DELETE n",
}
_SCHEMA = {
    "create an index": "CREATE INDEX mine FOR (p:Product) ON (p.title)",
    "create a full-text index": "CREATE FULLTEXT INDEX mine FOR (p:Product) ON EACH [p.title]",
    "create a constraint": "CREATE CONSTRAINT mine FOR (p:Product) REQUIRE p.title IS UNIQUE",
    "drop a constraint": "DROP CONSTRAINT Product_id IF EXISTS",
    "drop an index": "DROP INDEX Product_id IF EXISTS",
}
_SERVER = {
    "create a user": "CREATE USER mallory SET PASSWORD 'long enough'",
    "change a password": "ALTER USER neo4j SET PASSWORD 'long enough'",
    "change the own password": "ALTER CURRENT USER SET PASSWORD FROM 'a' TO 'long enough'",
    "drop a user": "DROP USER reader IF EXISTS",
    "list users": "SHOW USERS",
    "give oneself a role": "GRANT ROLE admin TO reader",
    "create a database": "CREATE DATABASE mine",
    "drop the database": "DROP DATABASE neo4j",
    "stop the database": "STOP DATABASE neo4j",
    "use the system's database": "USE system SHOW USERS",
    "see what others run": "SHOW TRANSACTIONS",
    "end what others run": "TERMINATE TRANSACTIONS 'neo4j-transaction-1'",
    "see the settings": "SHOW SETTINGS",
    "keep a value for others' queries": "SESSION SET VALUE $mine = 1",
}
_LOAD = {
    "load a file": "LOAD CSV FROM 'file:///etc/passwd' AS line RETURN line",
    "load an address": "LOAD CSV FROM $url AS line RETURN line",
    "load an address in a subquery": "CALL () { LOAD CSV FROM $url AS line RETURN line } RETURN line",
    "load an address for each product": "MATCH (p:Product) LOAD CSV FROM $url + p.id AS line RETURN line",
    "load what another library loads": "CALL apoc.load.json($url) YIELD value RETURN value",
    "send the graph away": "CALL apoc.export.json.all('/tmp/graph.json', {})",
}
_CALL = {
    "call a procedure that creates": "CALL merge.node(['Product'], {id: 'new'}, {}, {}) YIELD node RETURN node",
    "call a procedure that runs a text": "CALL do.when(true, 'CREATE (:Product {id: 1})', '', {}) YIELD value "
    "RETURN value",
    "call a procedure that merges nodes": "MATCH (p:Product) WITH collect(p) AS all CALL "
    "refactor.mergeNodes(all) RETURN 1",
    "call for the server's settings": "CALL dbms.listConfig()",
    "call for a new property": "CALL db.createProperty('mine')",
    "call for a new label": "CALL db.createLabel('Mine')",
    "call for statistics": "CALL db.stats.clear('QUERIES')",
    "call another language": "CALL sql('DELETE FROM Product')",
    "call a procedure in a subquery": "CALL () { CALL dbms.listConfig() YIELD name RETURN name } RETURN name",
    "run a text of another library": "CALL apoc.cypher.runWrite('CREATE (:Product)', {})",
    "run another language's function": "RETURN js.eval('1')",
    "write with a function": "RETURN apoc.create.setProperty(1, 'a', 2)",
}
_EXHAUST = {
    "collect a thousand million numbers": "UNWIND range(1, 1000000000) AS n RETURN collect(n)",
    "collect ten million texts": "UNWIND range(1, 10000000) AS n RETURN collect('a text of some length "
    "' + toString(n))",
    "sort what does not fit": "UNWIND range(1, 10000000) AS n WITH n ORDER BY n % 1000 DESC, n RETURN n",
    "count for ever": "UNWIND range(1, 1000000) AS a UNWIND range(1, 1000000) AS b WITH a, b "
    "WHERE a * b = 7 RETURN count(*)",
    "join everything with everything": "MATCH (a), (b), (c), (d), (e), (f), (g), (h), (i) "
    "WHERE a.id + b.id + c.id + d.id + e.id + f.id + g.id + h.id + i.id = 'x' RETURN count(*)",
    "a row that is too large": "RETURN [a IN range(1, 1500) | reduce(s = 'text', n IN range(1, 12) | s + s)]",
    "sleep": "RETURN util.sleep(600000)",
}

ATTEMPTS = [
    Attempt(name, text, exhausts=group is _EXHAUST)
    for group in (_WRITE, _DELETE, _SCHEMA, _SERVER, _LOAD, _CALL, _EXHAUST)
    for name, text in group.items()
]
"""All that must be refused or ended, with nothing changed."""

READING: dict[str, tuple[str, list[list[Any]] | None]] = {
    "count": ("MATCH (p:Product) RETURN count(p) AS n", [[4]]),
    "filter and order": (
        "MATCH (p:Product) WHERE p.price > 2 AND p.id < 'n' RETURN p.id AS id ORDER BY id",
        [["hat"], ["mug"]],
    ),
    "a parameter": ("MATCH (p:Product {id: $id}) RETURN p.title AS title", [["title of tea"]]),
    "a list as parameter": ("MATCH (p:Product) WHERE p.id IN $ids RETURN count(p) AS n", [[2]]),
    "through events": (
        "MATCH (u:User)-[:PERFORMED]->(:Event)-[:ON]->(p:Product) RETURN u.id AS u, count(p) AS n ORDER BY u",
        [["ann", 3], ["bob", 2], ["cid", 3]],
    ),
    "bought together": (
        "MATCH (a:Product {id: 'tea'})<-[:ON]-(:Event)<-[:PERFORMED]-(u)-[:PERFORMED]->(:Event)-[:ON]->(b:Product) "
        "WHERE b <> a RETURN b.id AS id, count(DISTINCT u) AS n ORDER BY id",
        [["mug", 2], ["pot", 2]],
    ),
    "what may be missing": (
        "MATCH (p:Product {id: 'hat'}) OPTIONAL MATCH (p)<-[:ON]-(e:Event) RETURN p.id AS p, e.id AS e",
        [["hat", None]],
    ),
    "what has no event": ("MATCH (p:Product) WHERE NOT (p)<-[:ON]-(:Event) RETURN p.id AS id", [["hat"]]),
    "exists": (
        "MATCH (p:Product) WHERE EXISTS { (p)<-[:ON]-(:Event) } RETURN p.id AS id ORDER BY id",
        [["mug"], ["pot"], ["tea"]],
    ),
    "count of a pattern": (
        "MATCH (p:Product) RETURN p.id AS id, COUNT { (p)<-[:ON]-(:Event) } AS n ORDER BY id",
        [["hat", 0], ["mug", 2], ["pot", 3], ["tea", 4]],
    ),
    "collect a subquery": (
        "MATCH (u:User {id: 'bob'}) RETURN size(COLLECT { MATCH (u)-[:PERFORMED]->(e:Event) RETURN e.id }) AS n",
        [[2]],
    ),
    "subquery": (
        "MATCH (u:User) CALL (u) { MATCH (u)-[:PERFORMED]->(e:Event) RETURN count(e) AS n } "
        "RETURN u.id AS u, n ORDER BY u",
        [["ann", 3], ["bob", 2], ["cid", 3]],
    ),
    "union": ("MATCH (b:Brand) RETURN b.id AS id UNION MATCH (b:Brand) RETURN b.name AS id", None),
    "unwind, skip and limit": ("UNWIND [3, 1, 2] AS n WITH n ORDER BY n SKIP 1 LIMIT 1 RETURN n", [[2]]),
    "distinct": (
        "MATCH (:Event)-[:ON]->(p) RETURN DISTINCT p.id AS id ORDER BY id",
        [["mug"], ["pot"], ["tea"]],
    ),
    "aggregates": (
        "MATCH (p:Product) RETURN min(p.price) AS a, max(p.price) AS b, size(collect(p.id)) AS c",
        [[3.0, 3.0, 4]],
    ),
    "case and text functions": (
        "MATCH (p:Product {id: 'tea'}) RETURN CASE WHEN p.price > 1 THEN toUpper(p.id) ELSE 'cheap' END AS a",
        [["TEA"]],
    ),
    "list comprehension and reduce": (
        "RETURN [n IN range(1, 5) WHERE n % 2 = 1 | n * n] AS a, reduce(s = 0, n IN [1, 2, 3] | s + n) AS b",
        [[[1, 9, 25], 6]],
    ),
    "regular expression": ("MATCH (p:Product) WHERE p.title =~ '(?i).*TEA.*' RETURN count(p) AS n", [[1]]),
    "paths of several steps": (
        "MATCH p = (:Product {id: 'tea'})-[*1..3]-(:User {id: 'bob'}) RETURN count(p) > 0 AS found",
        [[True]],
    ),
    "shortest path": (
        "MATCH p = shortestPath((a:Product {id: 'mug'})-[*..6]-(b:User {id: 'bob'})) RETURN length(p) AS n",
        [[2]],
    ),
    "one label": ("CALL db.labels() YIELD label WHERE label = 'Product' RETURN label", [["Product"]]),
    "all labels": ("CALL db.labels()", None),
    "relation types": ("CALL db.relationshipTypes()", None),
    "property keys": ("CALL db.propertyKeys()", None),
    "words that would write, as text": (
        "RETURN 'CREATE (n) DELETE n; LOAD CSV' AS create",
        [["CREATE (n) DELETE n; LOAD CSV"]],
    ),
    "a last semicolon and comments": (
        "// what is there\nMATCH (p:Product) /* all */ RETURN count(p) AS n;",
        [[4]],
    ),
    "times": ("RETURN duration.between(date('2026-01-01'), date('2026-01-03')).days AS days", [[2]]),
}
"""Name -> query and its rows; None: at least one."""

PARAMETERS = {"id": "tea", "ids": ["tea", "pot", "none"]}
