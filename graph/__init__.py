"""The store: one graph over Bolt, on Neo4j or the embedded engine.

`connect` gives a `Store`, which loads, serves, changes and exports the graph. All Cypher is in this
room; what differs between the engines is in `graph.dialect`, the engine's own process in
`graph.embedded` and `graph.engine`.
"""

from graph.changes import meeting_of
from graph.connect import connect
from graph.cypher import Query, as_text
from graph.errors import ExplorationError, QueryRefused, StoreError, StoreReadOnly, StoreUnavailable
from graph.explore import Table
from graph.records import (
    ACCEPTED,
    Arrival,
    CategoryRow,
    Change,
    Embedding,
    Feedback,
    FeedbackKind,
    FeedbackRecord,
    HistoryRow,
    Impression,
    KnownUser,
    Label,
    LabelCounts,
    Link,
    Loaded,
    Met,
    Moment,
    Named,
    ProductCard,
    ProductLinks,
    ProductRecord,
    Recorded,
    Rule,
    ServedCount,
    Shown,
)
from graph.store import Store

__all__ = [
    "ACCEPTED",
    "Arrival",
    "CategoryRow",
    "Change",
    "Embedding",
    "ExplorationError",
    "Feedback",
    "FeedbackKind",
    "FeedbackRecord",
    "HistoryRow",
    "Impression",
    "KnownUser",
    "Label",
    "LabelCounts",
    "Link",
    "Loaded",
    "Met",
    "Moment",
    "Named",
    "ProductCard",
    "ProductLinks",
    "ProductRecord",
    "Query",
    "QueryRefused",
    "Recorded",
    "Rule",
    "ServedCount",
    "Shown",
    "Store",
    "StoreError",
    "StoreReadOnly",
    "StoreUnavailable",
    "Table",
    "as_text",
    "connect",
    "meeting_of",
]
