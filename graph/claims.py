"""Links that rules put into the graph, over what the shop's own data say of the same ends.

A link is one relationship, whoever says it. `rules` are the ids of the rules that do, in the order in which they were
applied, and `rule_weights` what each gives it; `rule` is the last of them, whose weight counts. `time` is when the
first of them was, unless the shop's own data said it before. `given` is true where these say it too, with
`given_weight`. A link that no rule says any more is the shop's own again, as its data have it by then, or it is gone.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from graph.connection import Transaction
from graph.cypher import Query, quoted
from graph.load import batches
from graph.times import to_ms
from schema.ontology import Ontology

CLAIM_BATCH = 4000

Pair = tuple[str, str]
Weights = Mapping[Pair, float]
"""Ids at both ends -> weight."""
_Row = list[object]


@dataclass(frozen=True)
class Settled:
    """What became of the links of a rule: those that are new, have another weight, or were taken back."""

    put: tuple[Pair, ...] = ()
    changed: tuple[Pair, ...] = ()
    taken: tuple[Pair, ...] = ()

    @property
    def touched(self) -> tuple[Pair, ...]:
        return (*self.put, *self.changed, *self.taken)


def settle(
    transaction: Transaction,
    ontology: Ontology,
    relation: str,
    rule: str,
    wanted: Weights,
    moment: datetime | None = None,
) -> Settled:
    """Makes the links that a rule says those that are wanted; what others say stays.

    Args:
        transaction: one that has a change number, so that nobody else does the same.
        ontology: where the relation is from.
        relation: its name.
        rule: id of the rule.
        wanted: what it says now; nothing to take all back. Both ends exist.
        moment: from when on what is new holds; None if it is not said.
    """
    links = _Links.of(ontology, relation)
    said = _said(transaction, links, rule)
    put = tuple(pair for pair in wanted if pair not in said)
    changed = tuple(pair for pair in wanted if pair in said and said[pair] != wanted[pair])
    taken = tuple(pair for pair in said if pair not in wanted)
    for _, batch in batches([*put, *changed], CLAIM_BATCH):
        _put(transaction, links, rule, {pair: wanted[pair] for pair in batch}, moment)
    left: Sequence[Pair] = taken
    if taken and not wanted:
        # In one pass: to look for each by its ends takes as long as these have links.
        alone = f"{links.all}WHERE r.rule = $rule AND size(r.rules) = 1 AND NOT r.given DELETE r"
        transaction.run(Query(alone, {"rule": rule}))
        left = list(_said(transaction, links, rule))
    for _, batch in batches(left, CLAIM_BATCH):
        _take(transaction, links, rule, batch)
    return Settled(put, changed, taken)


@dataclass(frozen=True)
class _Links:
    """The beginning of queries about links of one relation."""

    relation: str
    source: str
    target: str

    @classmethod
    def of(cls, ontology: Ontology, relation: str) -> "_Links":
        known = ontology.relations[relation]
        return cls(quoted(relation), quoted(known.source), quoted(known.target))

    @property
    def all(self) -> str:
        """All links."""
        return f"MATCH (a:{self.source})-[r:{self.relation}]->(b:{self.target}) "

    @property
    def ends(self) -> str:
        """The nodes of each row."""
        return f"UNWIND $rows AS row MATCH (a:{self.source} {{id: row[0]}}) MATCH (b:{self.target} {{id: row[1]}}) "

    @property
    def there(self) -> str:
        """The link of each row, if there is one."""
        return f"{self.ends}MATCH (a)-[r:{self.relation}]->(b) "


@dataclass
class _Claims:
    """Who says a link: rules in the order in which they were applied, and perhaps the shop's own data."""

    rules: dict[str, float] = field(default_factory=dict)
    given: bool = False
    weight: float | None = None

    def as_row(self, ends: Pair) -> _Row:
        said, weights = list(self.rules), list(self.rules.values())
        return [*ends, weights[-1], said[-1], said, weights, self.given, self.weight]


def _said(transaction: Transaction, links: _Links, rule: str) -> dict[Pair, float]:
    """What a rule says of the relation now."""
    text = f"{links.all}WHERE r.rule IS NOT NULL AND $rule IN r.rules RETURN a.id, b.id, r.rules, r.rule_weights"
    rows = transaction.rows(Query(text, {"rule": rule}))
    return {(source, target): weights[rules.index(rule)] for source, target, rules, weights in rows}


def _put(transaction: Transaction, links: _Links, rule: str, wanted: Weights, moment: datetime | None) -> None:
    known = _claims(transaction, links, list(wanted))
    there = set(known)
    for pair, weight in wanted.items():
        known.setdefault(pair, _Claims()).rules[rule] = weight
    _write(transaction, links, known, there, moment)


def _take(transaction: Transaction, links: _Links, rule: str, pairs: Sequence[Pair]) -> None:
    known = _claims(transaction, links, pairs)
    for claims in known.values():
        claims.rules.pop(rule, None)
    _write(transaction, links, {pair: claims for pair, claims in known.items() if claims.rules}, set(known))
    bare = [(pair, claims) for pair, claims in known.items() if not claims.rules]
    own = [[*pair, claims.weight] for pair, claims in bare if claims.given]
    if own:
        text = "SET r.weight = row[2] REMOVE r.rule, r.rules, r.rule_weights, r.given, r.given_weight"
        transaction.run(Query(links.there + text, {"rows": own}))
    gone = [list(pair) for pair, claims in bare if not claims.given]
    if gone:
        transaction.run(Query(f"{links.there}DELETE r", {"rows": gone}))


def _claims(transaction: Transaction, links: _Links, pairs: Iterable[Pair]) -> dict[Pair, _Claims]:
    """Who says each of some links, of those that there are."""
    text = f"{links.there}RETURN a.id, b.id, r.weight, r.rule, r.rules, r.rule_weights, r.given, r.given_weight"
    rows = transaction.rows(Query(text, {"rows": [list(pair) for pair in pairs]}))
    return {
        (source, target): _Claims({}, True, weight)
        if rule is None
        else _Claims(dict(zip(rules, weights, strict=True)), bool(given), own)
        for source, target, weight, rule, rules, weights, given, own in rows
    }


def _write(
    transaction: Transaction,
    links: _Links,
    claims: Mapping[Pair, _Claims],
    there: set[Pair],
    moment: datetime | None = None,
) -> None:
    """Writes links that rules say, as new ones of a moment or over those that are there."""
    fresh = [known.as_row(pair) for pair, known in claims.items() if pair not in there]
    changed = [known.as_row(pair) for pair, known in claims.items() if pair in there]
    if fresh:
        values = "weight: row[2], rule: row[3], rules: row[4], rule_weights: row[5], given: row[6], time: $time"
        parameters = {"rows": fresh, "time": None if moment is None else to_ms(moment)}
        transaction.run(Query(f"{links.ends}CREATE (a)-[:{links.relation} {{{values}}}]->(b)", parameters))
    if changed:
        values = (
            "r.weight = row[2], r.rule = row[3], r.rules = row[4], r.rule_weights = row[5], "
            "r.given = row[6], r.given_weight = row[7]"
        )
        transaction.run(Query(f"{links.there}SET {values}", {"rows": changed}))
