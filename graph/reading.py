"""What a query may be made of that only reads: steps of its plan, as each engine names them, procedures, functions.

Lists of what is allowed, not of what is forbidden: what an engine learns in its next release is refused until it is
put here. Both engines add walls of their own (see `graph.explore`).
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from graph.errors import ExplorationError

PROCEDURES = frozenset(
    {
        "db.index.fulltext.querynodes",
        "db.index.fulltext.queryrelationships",
        "db.index.vector.querynodes",
        "db.index.vector.queryrelationships",
        "db.labels",
        "db.propertykeys",
        "db.relationshiptypes",
        "db.schema.nodetypeproperties",
        "db.schema.reltypeproperties",
        "db.schema.visualization",
    }
)
"""What may be called, in small letters: each reads the graph or its schema and nothing else."""

_NEO4J_OPERATORS = """
AllNodesScan Anti AntiConditionalApply AntiSemiApply Apply Argument ArgumentTracker BFSPruningVarExpand(All)
CacheProperties CartesianProduct ConditionalApply DirectedAllRelationshipsScan DirectedRelationshipByElementIdSeek
DirectedRelationshipByIdSeek DirectedRelationshipIndexContainsScan DirectedRelationshipIndexEndsWithScan
DirectedRelationshipIndexScan DirectedRelationshipIndexSeek DirectedRelationshipIndexSeekByRange
DirectedRelationshipTypeScan DirectedRelationshipUniqueIndexSeek DirectedRelationshipUniqueIndexSeekByRange
DirectedUnionRelationshipTypesScan Distinct Eager EagerAggregation EmptyResult EmptyRow ExhaustiveLimit Expand(All)
Expand(Into) Filter IntersectionNodeByLabelsScan LeftOuterHashJoin LetAntiSemiApply LetSelectOrAntiSemiApply
LetSelectOrSemiApply LetSemiApply Limit MultiNodeIndexSeek NodeByElementIdSeek NodeByIdSeek NodeByLabelScan
NodeCountFromCountStore NodeHashJoin NodeIndexContainsScan NodeIndexEndsWithScan NodeIndexScan NodeIndexSeek
NodeIndexSeekByRange NodeUniqueIndexSeek NodeUniqueIndexSeekByRange NullifyMetadata Optional OptionalExpand(All)
OptionalExpand(Into) OrderedAggregation OrderedDistinct OrderedUnion PartialSort PartialTop PartitionedAllNodesScan
PartitionedDirectedAllRelationshipsScan PartitionedNodeByLabelScan PartitionedUnwind PathPropagatingBFS
PreserveOrder ProcedureCall ProduceResults ProjectEndpoints Projection PruningVarExpand
RelationshipCountFromCountStore RemoteBatchProperties Repeat(Acyclic) Repeat(Trail) Repeat(Walk) RightOuterHashJoin
RollUpApply SelectOrAntiSemiApply SelectOrSemiApply SemiApply ShortestPath Skip Sort StatefulShortestPath(All)
StatefulShortestPath(Into) SubtractionNodeByLabelsScan Top TriadicBuild TriadicFilter TriadicSelection
UndirectedAllRelationshipsScan UndirectedRelationshipByElementIdSeek UndirectedRelationshipByIdSeek
UndirectedRelationshipIndexContainsScan UndirectedRelationshipIndexEndsWithScan UndirectedRelationshipIndexScan
UndirectedRelationshipIndexSeek UndirectedRelationshipIndexSeekByRange UndirectedRelationshipTypeScan
UndirectedRelationshipUniqueIndexSeek UndirectedRelationshipUniqueIndexSeekByRange
UndirectedUnionRelationshipTypesScan Union UnionNodeByLabelsScan Unwind ValueHashJoin VarLengthExpand(All)
VarLengthExpand(Into) VarLengthExpand(Pruning) VarLengthExpand(Pruning,BFS,All) VarLengthExpand(Pruning,BFS,Into)
"""
NEO4J_OPERATORS = frozenset(_NEO4J_OPERATORS.split())
"""Operators of a plan of Neo4j. `LoadCSV`, `Foreach`, `TransactionApply` and all that writes or administers are not."""

CALLS = "ProcedureCall"

NEO4J_FUNCTIONS = frozenset({"date", "datetime", "duration", "localdatetime", "localtime", "point", "time", "vector"})
"""First parts of the names of Neo4j's own functions that have several; a plugin's always have several."""

# In an expression of a plan, as the server writes it: a text, or a name with what follows it.
_PART = r"(?:`(?:[^`]|``)*`|\w+)"
_TOKEN = re.compile(rf"""'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|(?P<name>{_PART}(?:\.{_PART})*)(?P<called>\()?""")

_ENGINE_STEPS = """
AggregationStep CSRCountStep CallStep ConstantCountStep CountChainedEdgesStep CountEdgesReturnStep CountEdgesStep
DummyRowStep ExpandIntoStep ExpandPathStep FilterPropertiesStep FilterStep FinalProjectionStep GAVOneHopScanStep
GroupByAggregationStep IndexMinMaxStep IndexSeekStep LimitStep MatchEdgeByIndexStep MatchNodeStep
MatchRelationshipStep OptimizedMatchStep OptionalMatchStep OrderByStep ProductCountStep ProjectReturnStep
QuantifiedPathStep ShortestPathStep SkipStep SubqueryStep TypeCountStep UnionStep UnwindStep VariableProjectionStep
WithStep ZeroLengthPathStep
"""
ENGINE_STEPS = frozenset(_ENGINE_STEPS.split())
"""Steps of a plan of the embedded engine."""


def check_neo4j_plan(query_type: str | None, plan: Mapping[str, Any] | None) -> None:
    """Looks through a plan of Neo4j.

    Args:
        query_type: what the server says the query does; `r` is reading.
        plan: the root of the plan, as the driver gives it.

    Raises:
        ExplorationError: it holds something that is not on the lists.
    """
    if query_type != "r" or plan is None:
        raise ExplorationError.not_reading("it does more than read")
    for operator in _operators(plan):
        # The server adds to each name which of its runtimes and databases it is for: "Filter@neo4j".
        name = str(operator["operatorType"]).partition("@")[0]
        if name not in NEO4J_OPERATORS:
            raise ExplorationError.not_reading(f"its plan has the step {name}")
        expressions = str((operator.get("args") or {}).get("Details", ""))
        if name == CALLS:
            # `db.labels() :: (label :: STRING)`
            called, _, expressions = (part.strip() for part in expressions.partition("("))
            if called.lower() not in PROCEDURES:
                raise ExplorationError.not_reading(f"it calls {called}")
        for function in _functions(expressions):
            # What a plugin's function does nobody knows: it may keep something, or reach out of the database.
            if not function.isidentifier() and function.partition(".")[0].lower() not in NEO4J_FUNCTIONS:
                raise ExplorationError.not_reading(f"it asks the function {function}")


def check_engine_plan(steps: object) -> None:
    """Looks through a plan of the embedded engine, of which a statement that administers has no steps.

    Raises:
        ExplorationError: it holds something that is not on the list.
    """
    if not isinstance(steps, list) or not steps:
        raise ExplorationError.not_reading("it is a command to the engine")
    for step in steps:
        name = str(step.get("type"))
        if name not in ENGINE_STEPS:
            raise ExplorationError.not_reading(f"its plan has the step {name.removesuffix('Step')}")
        if step.get("subSteps"):
            check_engine_plan(step["subSteps"])


def _operators(plan: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield plan
    for child in plan.get("children") or ():
        yield from _operators(child)


def _functions(expressions: str) -> Iterator[str]:
    """Names of the functions that are asked in what the server says of an operator."""
    for token in _TOKEN.finditer(expressions):
        if token["called"]:
            yield token["name"]
