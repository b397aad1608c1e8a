"""Why a product has its score: contributions with their paths, what is left, what would change it.

The numbers are those of `gnn.explain`. Here they get names, and whoever stands in the middle of a
path stays unnamed: people and baskets appear as groups, the small ones without a number. Somebody who took
the same step several times is one person of the group.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from api.services.catalogue import BoolArray
from api.services.interests import Liking, Told, Words
from api.services.viewing import Extra, Unit, Viewing
from api.services.wording import Reason
from gnn.explain import Explained, Part, counterfactual, explain
from graph import Store, as_text
from schema.ontology import Ontology, Term

PATHS_SHOWN = 100
MIDDLES_NAMED = 10
_GROUP_TYPES = {"user": "User", "basket": "Basket", "session": "Session"}
_NAME_PROPERTIES = ("name", "title", "value")


@dataclass(frozen=True)
class Contribution:
    """A part of a score that comes from one unit of the history, from something that the viewer said, or from neither.

    `unit` is None for what is put on the model's score (`viewing.Extra`), where `rule` may name a business rule; of
    paths by links between products it is the rule of knowledge that says one of these links.
    `resembles` is the known product through which a product that nobody has met gets it, `by_paths` or by the rest.
    """

    kind: str
    value: float
    share: float
    unit: Unit | Told | None
    target: str
    term: Term | None
    middles: tuple[str, ...]
    group: int
    resembles: str | None = None
    by_paths: bool = False
    rule: str | None = None


@dataclass(frozen=True)
class Explanation:
    """A score taken apart: score = prior + Σ contributions + remainder_value.

    `lifts` are the parts of the prior that come from what is known of the viewer, by property.
    """

    score: float
    prior: float
    lifts: Mapping[str, float]
    contributions: tuple[Contribution, ...]
    remainder_count: int
    remainder_value: float
    readable_share: float


@dataclass(frozen=True)
class Without:
    """Units without which a product leaves a list, and the rank it would then have."""

    units: tuple[Unit | Told, ...]
    minimal: bool
    rank: int


@dataclass(frozen=True)
class PathNode:
    """One place of a path. Several nodes in the middle share a place.

    `keys` are the shop's own ids, none for people and baskets; `count` is how many nodes stand here,
    None where a number would say too much.
    """

    type: str
    keys: tuple[str, ...]
    names: tuple[str, ...]
    count: int | None


@dataclass(frozen=True)
class Path:
    """How a contribution runs through the graph, and the query that shows it (experts only)."""

    nodes: tuple[PathNode, ...]
    cypher: str | None


def explanations(viewing: Viewing, positions: Sequence[int], first: int) -> list[Explanation]:
    """The scores of some products taken apart, each with its `first` largest contributions."""
    taken_apart = explain(
        viewing.state.scorer,
        viewing.history,
        positions,
        viewing.as_of,
        viewing.audience.user_id,
        viewing.heard.stated,
        first=first,
    )
    units = (*viewing.units, *viewing.heard.told)
    ids = viewing.state.scorer.product_ids
    lifts = viewing.state.scorer.lifts(viewing.context, np.asarray(positions, np.intp))
    return [
        _with_extras(
            Explanation(
                score=float(viewing.scores[found.product]),
                prior=viewing.prior(found.product),
                lifts={name: float(lift[place]) for name, lift in lifts.items()},
                contributions=tuple(
                    _said(_contribution(part, found, units, ids), viewing.state.said) for part in found.parts
                ),
                remainder_count=found.remainder_count,
                remainder_value=found.remainder_value,
                readable_share=found.readable_share,
            ),
            found.mass,
            _put_on(viewing.extras, found.product, ids[found.product]),
            first,
        )
        for place, found in enumerate(taken_apart)
    ]


def _said(contribution: Contribution, said: Mapping[tuple[str, str, str], str]) -> Contribution:
    """A contribution with the rule of knowledge that says a link of its paths, if that is one rule and no more."""
    rules = {said[link] for link in _links(contribution) if link in said} if said else set()
    return replace(contribution, rule=rules.pop()) if len(rules) == 1 else contribution


def _links(contribution: Contribution) -> Iterator[tuple[str, str, str]]:
    """Links between products that the paths of a contribution go by: (relation, source, target)."""
    term, unit = contribution.term, contribution.unit
    if term is None or not isinstance(unit, Unit):
        return
    # A product that nobody has met takes part in the paths of one that it resembles.
    ends = unit.product, contribution.resembles or contribution.target
    match term.kind:
        case "forward":
            yield (term.relation, *ends)
        case "reverse":
            yield (term.relation, *ends[::-1])
        case "shared" if term.through_products:
            yield from ((term.relation, end, middle) for middle in contribution.middles for end in ends)
        case "common":
            yield from ((term.relation, middle, end) for middle in contribution.middles for end in ends)


def _with_extras(explanation: Explanation, mass: float, extras: Sequence[Contribution], first: int) -> Explanation:
    """An explanation with what is put on the score among its `first` largest contributions.

    Args:
        explanation: of the model's score.
        mass: Σ |value| of all contributions to it.
        extras: what is put on it, with the share still to be worked out.
        first: how many contributions are listed.
    """
    if not extras:
        return explanation
    total = mass + sum(abs(extra.value) for extra in extras)
    parts = [replace(part, share=abs(part.value) / total) for part in (*explanation.contributions, *extras)]
    parts.sort(key=lambda part: -abs(part.value))
    rest = parts[first:]
    return replace(
        explanation,
        contributions=tuple(parts[:first]),
        remainder_count=explanation.remainder_count + len(rest),
        remainder_value=explanation.remainder_value + sum(part.value for part in rest),
        readable_share=explanation.readable_share * mass / total,
    )


def _put_on(extras: Sequence[Extra], position: int, product: str) -> list[Contribution]:
    """What is put on the score of one product."""
    return [
        Contribution(extra.kind, float(extra.values[position]), 0.0, None, product, None, (), 0, rule=extra.rule)
        for extra in extras
        if extra.values[position]
    ]


def without(viewing: Viewing, position: int, allowed: BoolArray, length: int, most: int) -> Without | None:
    """The smallest part of the history without which a product leaves the first `length`; None if there is none.

    What is put on the scores stays on them.
    """
    scorer = viewing.state.scorer
    if viewing.extras:
        scorer = replace(scorer, prior=scorer.prior + sum(extra.values for extra in viewing.extras))
    found = counterfactual(
        scorer,
        viewing.history,
        position,
        viewing.as_of,
        viewing.audience.user_id,
        viewing.heard.stated,
        k=length,
        allowed=allowed,
        max_units=most,
    )
    if found is None:
        return None
    units = (*viewing.units, *viewing.heard.told)
    return Without(tuple(units[unit] for unit in found.units), found.minimal, found.rank)


def reason(
    contribution: Contribution, title: str, nodes: Sequence[PathNode], minimum_group: int, resembles: str | None = None
) -> Reason:
    """What a sentence about a contribution has to say.

    Args:
        contribution: what it is about.
        title: of the product that it starts from, or the name of what the viewer likes.
        resembles: title of the known product that it comes through, where there is one.
        nodes: of its path.
        minimum_group: fewer people or baskets have no number.
    """
    people = contribution.term is not None and contribution.term.through_people
    return Reason(
        kind=contribution.kind,
        value=contribution.value,
        unit=contribution.unit,
        title=title,
        term=contribution.term,
        names=() if people or len(nodes) < 3 else nodes[1].names,
        group=contribution.group if people and contribution.group >= minimum_group else None,
        resembles=resembles,
        by_paths=contribution.by_paths,
        resembles_start=isinstance(contribution.unit, Unit) and contribution.unit.product == contribution.resembles,
    )


class PathWriter:
    """Paths of contributions as a role may see them."""

    def __init__(self, store: Store, minimum_group: int) -> None:
        self.minimum_group = minimum_group
        self._store = store
        self._names = NodeNames(store)

    def nodes(self, contribution: Contribution, ontology: Ontology, *, expert: bool) -> tuple[PathNode, ...]:
        """The places of a path, from the history's product, or from what the viewer likes, to the recommended one."""
        end = PathNode("Product", (contribution.target,), (), 1)
        term, unit = contribution.term, contribution.unit
        if term is None or unit is None or isinstance(unit, Words):
            return ()
        if isinstance(unit, Liking):
            return (*self._liked(unit, contribution.middles, ontology), end)
        start = PathNode("Product", (unit.product,), (), 1)
        if term.kind == "self":
            return (end,)
        if term.through_people:
            return (start, self._group(contribution, ontology, term, expert), end)
        if term.through_nodes:
            return (start, self._named(contribution, ontology, term), end)
        return (start, end) if term.kind == "forward" else (end, start)

    def path(self, contribution: Contribution, viewing: Viewing, *, expert: bool) -> Path | None:
        """A contribution's path; None for those that have none."""
        term, unit = contribution.term, contribution.unit
        if term is None or unit is None or isinstance(unit, Words):
            return None
        ontology = viewing.state.scorer.ontology
        cypher = None
        if expert:
            viewer = viewing.audience.user_id
            query = (
                self._store.liked_query(unit.relation, unit.node, contribution.target, limit=PATHS_SHOWN)
                if isinstance(unit, Liking)
                else self._store.path_query(term, unit.product, contribution.target, viewer=viewer, limit=PATHS_SHOWN)
            )
            cypher = as_text(query)
        return Path(self.nodes(contribution, ontology, expert=expert), cypher)

    def between(self, contributions: Sequence[Contribution], ontology: Ontology) -> dict[str, list[str]]:
        """Type of node -> ids of what stands in the middle of some contributions and is called by its name.

        All names are read here, in one query for each type, so that no path has to ask for its own.
        """
        found: dict[str, dict[str, None]] = {}
        for contribution in contributions:
            kind = _kind_between(contribution, ontology)
            if kind is not None:
                found.setdefault(kind, {}).update(dict.fromkeys(contribution.middles[:MIDDLES_NAMED]))
        for kind, keys in found.items():
            self._names.of(kind, tuple(keys))
        return {kind: list(keys) for kind, keys in found.items()}

    def name(self, node_type: str, key: str) -> str:
        """What a node is called."""
        return self._names.of(node_type, (key,))[key]

    def _liked(self, liking: Liking, linked: Sequence[str], ontology: Ontology) -> tuple[PathNode, ...]:
        """What the viewer likes and, where that is above what the product is linked to, this as well."""
        kind = ontology.relations[liking.relation].target
        start = PathNode(kind, (liking.node,), (self.name(kind, liking.node),), 1)
        below = [key for key in linked if key != liking.node]
        return (start, self._places(kind, below)) if below else (start,)

    def _places(self, kind: str, keys: Sequence[str]) -> PathNode:
        shown = tuple(keys[:MIDDLES_NAMED])
        names = self._names.of(kind, shown)
        return PathNode(kind, shown, tuple(names.get(key, key) for key in shown), len(keys))

    def _group(self, contribution: Contribution, ontology: Ontology, term: Term, expert: bool) -> PathNode:
        shown = expert or contribution.group >= self.minimum_group
        kind = "User" if term.kind == "next" else _GROUP_TYPES[ontology.meetings[term.name].by]
        return PathNode(kind, (), (), contribution.group if shown else None)

    def _named(self, contribution: Contribution, ontology: Ontology, term: Term) -> PathNode:
        return self._places(_kind_in_the_middle(term, ontology), contribution.middles)


class NodeNames:
    """Names of categories, brands and the like; looked up once, then kept for a minute."""

    _SECONDS = 60.0

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: dict[str, dict[str, str]] = {}
        self._since = time.monotonic()

    def of(self, node_type: str, ids: Sequence[str]) -> dict[str, str]:
        """id -> name; a node without a name goes by its id."""
        if time.monotonic() - self._since > self._SECONDS:
            self._known, self._since = {}, time.monotonic()
        known = self._known.setdefault(node_type, {})
        missing = [key for key in ids if key not in known]
        if missing:
            rows = self._store.nodes(node_type, missing).to_pylist()
            known.update((row["id"], _name(row)) for row in rows)
            known.update((key, key) for key in missing if key not in known)
        return {key: known[key] for key in ids}


def _kind_in_the_middle(term: Term, ontology: Ontology) -> str:
    relation = ontology.relations[term.relation]
    return relation.target if term.kind == "shared" else relation.source


def _kind_between(contribution: Contribution, ontology: Ontology) -> str | None:
    """Type of the nodes with names between a contribution's ends; None where there are none."""
    if isinstance(contribution.unit, Liking):
        return ontology.relations[contribution.unit.relation].target
    term = contribution.term
    return _kind_in_the_middle(term, ontology) if term is not None and term.through_nodes else None


def _name(row: dict[str, object]) -> str:
    return next((str(row[name]) for name in _NAME_PROPERTIES if row.get(name)), str(row["id"]))


def _contribution(part: Part, found: Explained, units: Sequence[Unit | Told], ids: Sequence[str]) -> Contribution:
    return Contribution(
        kind=part.kind,
        value=part.value,
        share=abs(part.value) / found.mass if found.mass else 0.0,
        unit=units[part.unit],
        target=ids[found.product],
        term=part.term,
        middles=part.middles,
        group=part.group,
        resembles=None if part.resembles is None else ids[part.resembles],
        by_paths=part.by_paths,
    )
