"""The store: everything that Pathrec does with a graph, over one connection and one ontology."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from graph import (
    arrivals,
    changes,
    deletion,
    events,
    explore,
    features,
    feedback,
    impressions,
    knowledge_nodes,
    labels,
    load,
    neighbours,
    paths,
    products,
    rules,
    search,
    serving,
    sessions,
    shop,
    snapshot,
    standing,
    users,
)
from graph.connection import Connection
from graph.cypher import Query, quoted
from graph.dialect import Dialect, Engine
from graph.knowledge import Effect, Knowledge
from graph.moves import Move
from graph.neighbours import Neighbour, Way
from graph.records import (
    Arrival,
    CategoryRow,
    Change,
    FeedbackRecord,
    Impression,
    KnownUser,
    Label,
    LabelCounts,
    Loaded,
    Met,
    Moment,
    ProductCard,
    ProductLinks,
    ProductRecord,
    Recorded,
    Rule,
    ServedCount,
)
from schema.ontology import Ontology, Term, default_ontology
from schema.progress import Report, silent
from schema.snapshot import Snapshot, SnapshotManifest

if TYPE_CHECKING:
    from graph.analytics import Tool


class Store:
    """A graph on Neo4j or the embedded engine; made by `graph.connect`.

    It may be shared by all threads of a process. Every method may raise `StoreUnavailable`; writing
    can be repeated after that, nothing is written twice.
    """

    def __init__(
        self, url: str, connection: Connection, dialect: Dialect, ontology: Ontology | None, resources: ExitStack
    ) -> None:
        self.url = url
        self._connection = connection
        self._dialect = dialect
        self._ontology = ontology
        self._resources = resources

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends the connections; the last client of an embedded engine ends the engine with it."""
        self._resources.close()

    @property
    def engine(self) -> Engine:
        """What the graph runs on."""
        return self._dialect.engine

    @property
    def ontology(self) -> Ontology:
        """The ontology given to `connect`, else the one the store was made with, else the default."""
        if self._ontology is None:
            self._ontology = self.stored_ontology()
        return self._ontology or default_ontology()

    def ping(self) -> None:
        """Returns if the store answers within five seconds, raises `StoreUnavailable` if not."""
        self._connection.ping()

    # --- the store as a whole

    def prepare(self) -> None:
        """Constraints, indexes and the shop's own node; may be repeated."""
        self._ontology = shop.prepare(self._connection, self._dialect, self.ontology)

    def renew_ontology(self) -> Ontology:
        """Takes up what has been added to the store's ontology since it was connected to."""
        self._ontology = self.stored_ontology() or self._ontology
        return self.ontology

    def stored_ontology(self) -> Ontology | None:
        """What the store was made with; None before `prepare`."""
        return shop.stored_ontology(self._connection)

    def clock(self) -> timedelta:
        """How far the shop's clock is from the wall clock."""
        return shop.clock_offset(self._connection)

    def set_clock(self, now: datetime) -> None:
        """Lets the shop's clock show this moment now; does nothing if it was set before."""
        shop.set_clock(self._connection, now)

    def counts(self) -> dict[str, int]:
        """Nodes by type, relations by name, and `Event`."""
        labels = [*self.ontology.nodes, "Event"]
        texts = [f"MATCH (n:{quoted(label)}) RETURN '{label}' AS name, count(n) AS n" for label in labels]
        texts += [
            f"MATCH (:{quoted(r.source)})-[r:{quoted(name)}]->(:{quoted(r.target)}) "
            f"RETURN '{name}' AS name, count(r) AS n"
            for name, r in self.ontology.relations.items()
        ]
        found = {row[0]: int(row[1]) for row in self._connection.rows(Query(" UNION ALL ".join(texts)))}
        return {name: found.get(name, 0) for name in (*labels, *self.ontology.relations)}

    def export(
        self, path: Path, report: Report = silent, *, until: datetime | None = None, since: Snapshot | None = None
    ) -> SnapshotManifest:
        """Writes a snapshot of the graph to a folder.

        Args:
            path: the folder.
            report: told how far it is.
            until: later events and dated relations are left out.
            since: an earlier snapshot, of which what still holds is not read again.
        """
        return snapshot.export(self._connection, self.ontology, path, report, until=until, since=since)

    def read(self, query: Query) -> list[dict[str, Any]]:
        """Rows of any query by column name."""
        return self._connection.dicts(query)

    # --- loading

    def load_nodes(self, node_type: str, table: pa.Table, report: Report = silent) -> int:
        """Nodes of one type by id; says how many were created or changed. A null changes nothing."""
        return load.load_nodes(self._connection, self.ontology, node_type, table, report)

    def load_relations(self, relation: str, table: pa.Table, report: Report = silent) -> Loaded:
        """Relations of one name by source and target; ends that do not exist are counted, not created."""
        return load.load_relations(self._connection, self.ontology, relation, table, report)

    def load_events(self, table: pa.Table, report: Report = silent) -> Loaded:
        """Events by id; users are created, products are not."""
        return events.load_events(self._connection, self.ontology, table, report)

    def load_features(
        self,
        node_type: str,
        modality: str,
        ids: Sequence[str],
        matrix: npt.NDArray[np.floating[Any]],
        hashes: Sequence[str],
        report: Report = silent,
    ) -> int:
        """Embeddings of nodes, (n, d); says how many were written because their hash was new."""
        return features.load_features(
            self._connection, self._dialect, self.ontology, node_type, modality, ids, matrix, hashes, report
        )

    def feature_hashes(self, node_type: str, modality: str, ids: Sequence[str] | None = None) -> dict[str, str]:
        """Id -> hash of the content that the stored embedding was made from; of all nodes, or of some."""
        return features.feature_hashes(self._connection, self.ontology, node_type, modality, ids)

    def feature_width(self, node_type: str, modality: str) -> int | None:
        """Length of the stored embeddings; None where there are none yet."""
        return features.feature_width(self._connection, self.ontology, node_type, modality)

    def node_ids(self, node_type: str) -> list[str]:
        """Ids of all nodes of a type, in order."""
        return snapshot.read_ids(self._connection, self.ontology, node_type)

    def encoders(self, node_type: str) -> dict[str, str]:
        """Modality -> version of the encoder whose vectors are kept; what was never encoded is absent."""
        return features.encoders(self._connection, self.ontology, node_type)

    def use_encoder(self, node_type: str, modality: str, version: str) -> None:
        """Remembers whose vectors are kept from now on."""
        features.use_encoder(self._connection, self.ontology, node_type, modality, version)

    def features(self, node_type: str, modality: str, ids: Sequence[str]) -> npt.NDArray[np.float32]:
        """Embeddings of some nodes, (n, d) in the order of the ids; zero where there is none."""
        return features.read_features(self._connection, self.ontology, node_type, modality, ids)

    def nodes(self, node_type: str, ids: Sequence[str] | None = None) -> pa.Table:
        """Nodes of a type, all or some, ordered by id."""
        return snapshot.read_nodes(self._connection, self.ontology, node_type, ids)

    # --- serving

    def history(self, *, user: str | None = None, session: str | None = None, as_of: datetime) -> Moment:
        """What a user and a session did until a moment, and the user's context; an event of both counts once."""
        return serving.history(self._connection, self.ontology, user=user, session=session, as_of=as_of)

    def users(self, start: str = "", first: int = 100) -> list[KnownUser]:
        """The first users by id whose id begins in some way."""
        return users.users(self._connection, start, first)

    def recorded_between(self, after: datetime, until: datetime) -> list[Met]:
        """What was met in the events that were written after one moment and until another, by the wall clock."""
        return serving.recorded_between(self._connection, after, until)

    def arrivals(self, after: datetime) -> list[Arrival]:
        """Events that were recorded and feedback that was given from the second of a moment on, by the wall clock."""
        return arrivals.arrivals(self._connection, after)

    def product_cards(self, ids: Sequence[str]) -> dict[str, ProductCard]:
        """Properties, categories and brand of the products that exist."""
        return serving.product_cards(self._connection, self.ontology, ids)

    def categories(self) -> list[CategoryRow]:
        """All categories with the one above them."""
        return serving.categories(self._connection, self.ontology)

    def category_products(self, ids: Sequence[str]) -> dict[str, list[str]]:
        """Category -> ids of the products in it or below it."""
        return serving.category_products(self._connection.rows, self.ontology, ids)

    def linked_products(self, relation: str, nodes: Sequence[str]) -> dict[str, list[str]]:
        """Node -> ids of the products that a relation links to it, of the nodes that exist."""
        return serving.linked_products(self._connection, self.ontology, relation, nodes)

    def rules(self) -> list[Rule]:
        """All business rules with the products that they reach now."""
        return rules.rules(self._connection, self.ontology)

    def after_move(self, rule: str, move: Move, categories: Sequence[str]) -> tuple[list[Rule], dict[str, list[str]]]:
        """All business rules, and the products of some categories, as a move of knowledge would leave them."""
        return rules.after_move(self._connection, self.ontology, rule, move, categories)

    def find_texts(self, words: Sequence[str], *, every: bool) -> dict[str, dict[str, float]]:
        """Node type -> id -> score of nodes whose texts have every word, or any of them."""
        return search.find_texts(self._connection, self._dialect, self.ontology, words, every=every)

    def neighbours(
        self,
        relation: str,
        way: Way,
        ids: Sequence[str],
        *,
        without: Collection[str] = (),
        after: Neighbour | None = None,
        limit: int,
    ) -> dict[str, list[Neighbour]]:
        """Available products beside each of some products along a relation, the strongest first."""
        return neighbours.neighbours(self._connection, relation, way, ids, without, after, limit)

    def product_links(self, ids: Sequence[str]) -> dict[str, ProductLinks]:
        """Neighbours and embeddings of products, as a live model needs them."""
        return paths.product_links(self._connection, self.ontology, ids)

    def path_query(self, term: Term, source: str, target: str, *, viewer: str | None = None, limit: int = 100) -> Query:
        """The Cypher that returns exactly the paths of a term between two products."""
        return paths.path_query(self.ontology, term, source, target, viewer=viewer, limit=limit)

    def liked_query(self, relation: str, node: str, target: str, *, limit: int = 100) -> Query:
        """The Cypher that returns exactly the paths from a node that somebody likes to a product."""
        return paths.liked_query(self.ontology, relation, node, target, limit=limit)

    # --- changing

    def record_events(self, table: pa.Table, recommendations: Mapping[str, str] | None = None) -> Recorded:
        """At most 1000 events in one transaction, committed when this returns.

        Args:
            table: the events.
            recommendations: event -> id of the answer that it follows from, of those that follow from one.
        """
        return events.record_events(self._connection, self.ontology, table, recommendations or {})

    def record_impressions(self, shown: Sequence[Impression]) -> None:
        """Keeps which answers were given to whom."""
        impressions.record_impressions(self._connection, shown)

    def answers_of_others(self, given: Sequence[str], user: str | None) -> list[str]:
        """Which of some answers somebody other than a user was given, or their session; None: any user at all."""
        return impressions.answers_of_others(self._connection, given, user)

    def delete_impressions(self, before: datetime) -> int:
        """Deletes the answers that were kept before a moment, by the wall clock; says how many."""
        return impressions.delete_impressions(self._connection, before)

    def served_counts(self, since: datetime) -> list[ServedCount]:
        """What came of the answers that were kept since a moment, by the wall clock."""
        return impressions.served_counts(self._connection, since, self.ontology.target_behaviour)

    def sessions_of_others(self, given: Sequence[str], user: str | None) -> list[str]:
        """Which of some sessions somebody other than a user did or said something in; None: any user at all."""
        return sessions.sessions_of_others(self._connection, given, user)

    def link_session(self, session: str, user: str) -> int:
        """Gives a user, who is created if need be, what a session did and said; says how many events."""
        return sessions.link_session(self._connection, session, user)

    def record_feedback(self, given: FeedbackRecord) -> bool:
        """Keeps what a viewer says of a product or category; False if it was kept before, or there is none."""
        return feedback.record_feedback(self._connection, given)

    def unwanted_categories(self) -> list[str]:
        """Categories of which somebody wants to see nothing."""
        return feedback.unwanted_categories(self._connection)

    def withdraw_feedback(self, given: FeedbackRecord) -> bool:
        """Takes back what a viewer said; False if they had not."""
        return feedback.withdraw_feedback(self._connection, given)

    def upsert_products(self, records: Sequence[ProductRecord]) -> int:
        """Products with all around them in one transaction; nothing is written if an end is missing."""
        return products.upsert_products(self._connection, self._dialect, self.ontology, records)

    def write_labels(
        self,
        relation: str,
        nodes: Iterable[str],
        products: Sequence[str],
        found: Iterable[Label],
        report: Report = silent,
    ) -> LabelCounts:
        """Makes predicted labels of products those that are given; what people said and rejected stays as it is."""
        return labels.write_labels(self._connection, self.ontology, relation, nodes, products, found, report)

    def accept_labels(self, relation: str, pairs: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
        """Makes predicted or rejected labels, (product, node), an expert's word; says which there were."""
        return labels.accept_labels(self._connection, self.ontology, relation, pairs)

    def reject_labels(self, relation: str, pairs: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
        """Takes predicted or accepted labels, (product, node), away for good; says which there were."""
        return labels.reject_labels(self._connection, self.ontology, relation, pairs)

    def upsert_rule(self, rule: Rule) -> list[tuple[str, str]]:
        """Writes a business rule; says which of its ends, (type, id), are not there: then nothing was written."""
        return rules.upsert_rule(self._connection, rule)

    def delete_rule(self, rule: str) -> bool:
        """Deletes a business rule; False if there is none of this id."""
        return rules.delete_rule(self._connection, rule)

    def save_knowledge(self, rule: Knowledge) -> Knowledge:
        """Keeps a rule of knowledge as a draft, in place of the one of its id."""
        return knowledge_nodes.save(self._connection, rule)

    def knowledge(self) -> list[Knowledge]:
        """All rules of knowledge, the oldest first."""
        return knowledge_nodes.all_rules(self._connection)

    def found_knowledge(self, rule: str) -> Knowledge:
        """A rule of knowledge by its id."""
        return knowledge_nodes.found(self._connection, rule)

    def wanted_links(self, rule: Knowledge) -> dict[tuple[str, str], float]:
        """The links between products that a rule would put into the graph, (source, target) -> weight."""
        return knowledge_nodes.wanted_links(self._connection, self.explore, rule)

    def wanted_moves(self, rule: Knowledge) -> list[tuple[str, str]]:
        """What a rule would move from where: (product or category, category)."""
        return knowledge_nodes.wanted_moves(self._connection, rule)

    def said_links(self) -> dict[tuple[str, str, str], str]:
        """(relation, source, target) -> rule, of the links between products that rules put there."""
        return knowledge_nodes.said_links(self._connection)

    def shoppers(self) -> list[str]:
        """Ids of all users who did anything, in order."""
        return users.shoppers(self._connection)

    def apply_knowledge(self, rule: str, moment: datetime) -> Effect:
        """Puts what a rule says into the graph; of one that is applied, what it says by now."""
        effect = knowledge_nodes.apply(self._connection, self.explore, rule, moment)
        self.renew_ontology()
        return effect

    def undo_knowledge(self, rule: str, moment: datetime) -> Effect:
        """Takes back exactly what a rule put into the graph."""
        return knowledge_nodes.undo(self._connection, rule, moment)

    def write_analysis(self, analysis: standing.Analysis) -> standing.AnalysisRun:
        """Writes what an analysis says of products in place of what the last one said."""
        return standing.write_analysis(self._connection, self.ontology, analysis)

    def gds(self) -> "Tool | None":
        """Neo4j's Graph Data Science library, if the server has it."""
        if self.engine != "neo4j":
            return None
        from graph import gds  # with networkx, which nothing else here needs

        return gds.tool_of(self._connection)

    def analysis_run(self) -> standing.AnalysisRun | None:
        """The analysis whose results are there; None if there is none."""
        return standing.analysis_run(self._connection)

    def delete_analysis(self) -> standing.AnalysisRun | None:
        """Takes the results of the last analysis away; says of which, None if there was none."""
        return standing.delete_analysis(self._connection)

    def delete_events(self, ids: Sequence[str]) -> list[str]:
        """Deletes events; says which there were."""
        return deletion.delete_events(self._connection, self.ontology, ids)

    def delete_products(self, ids: Sequence[str]) -> list[str]:
        """Deletes products and the events with them; says which there were."""
        return deletion.delete_products(self._connection, ids)

    def delete_user(self, user: str) -> bool:
        """Deletes a person and all they did; False if there is nobody of this id."""
        return deletion.delete_user(self._connection, self.ontology, user)

    def explore(
        self,
        query: Query,
        most_rows: int = explore.MOST_ROWS,
        *,
        seconds: float = explore.SECONDS,
        most_bytes: int = explore.MOST_BYTES,
        vectors: bool = False,
    ) -> explore.Table:
        """The first rows of a query that somebody wrote; what would change anything is refused.

        Raises:
            ExplorationError: it is wrong, does more than read, or takes too much.
        """
        limits = explore.Limits(most_rows, seconds, most_bytes)
        return explore.explore(self._connection, query, limits, vectors=vectors)

    def explain(self, query: Query) -> str:
        """What the engine would do for a query that somebody wrote, as a text; see `explore`."""
        return explore.explain(self._connection, query, explore.Limits()).text

    def changes(self, after: int) -> list[Change]:
        """Entries of the change log with a higher number."""
        return changes.changes(self._connection, after)

    def change_number(self) -> int:
        """Number of the last change."""
        return changes.change_number(self._connection)
