"""Events, the ids of their products and users, and the account of them."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime

import polars as pl

from ingestion.account import QualityReport
from ingestion.columns import TIME
from ingestion.rdf.rows import Rows, together
from ingestion.rdf.rules import EventRule, Value
from ingestion.rdf.subjects import candidates, members, polars_type, values, with_ids
from ingestion.rdf.work import Work, with_id

_TEXTS = ("id", "user", "product", "behaviour", "basket", "session")
HAPPENED = pl.Schema([("n", pl.Int64), ("time", TIME), ("value", pl.Float64), *((name, pl.String) for name in _TEXTS)])


def happened_of(work: Work, rule: EventRule, rows: pl.DataFrame) -> pl.DataFrame:
    """Events with the IRIs of their products and users; what lacks something needed is rejected."""
    plan = work.plan
    found = with_ids(rows, plan, rule, members(rows, plan, rule))
    table = found.rename({"id": "#id"}).with_columns(pl.col("#id").alias("id")).drop("#id")
    literal = {
        "behaviour": (rule.behaviour, "string"),
        "time": (rule.time, "datetime"),
        "value": (rule.value, "float"),
        "basket": (rule.basket, "string"),
        "session": (rule.session, "string"),
    }
    for name, (given, kind) in literal.items():
        value = given if isinstance(given, Value) else Value(path=given) if given else None
        column = pl.DataFrame(schema={"s": pl.String, "v": polars_type(kind)})  # type: ignore[arg-type]
        if value is not None:
            column, _ = values(rows, plan, value, kind, found, work.rejected)  # type: ignore[arg-type]
        table = table.join(column.select("s", pl.col("v").alias(name)), on="s", how="left", maintain_order="left")
    for name, paths in (("product", rule.product), ("user", rule.user)):
        first = candidates(rows, plan, paths, found).unique("s", keep="first", maintain_order=True)
        table = table.join(first.select("s", pl.col("o").alias(name)), on="s", how="left", maintain_order="left")
    return _whole(work, table)


def _whole(work: Work, events: pl.DataFrame) -> pl.DataFrame:
    needed = ("id", "product", "behaviour", "time")
    for name in needed:
        lacking = events.filter(pl.col(name).is_null()).with_columns(o=pl.lit(name))
        work.rejected.add_rows(lacking, "missing_value", "the event {s} has no {o}")
        events = events.filter(pl.col(name).is_not_null())
    who = pl.any_horizontal(pl.col("user", "session", "basket").is_not_null())
    nobody = events.filter(~who).with_columns(o=pl.lit(""))
    work.rejected.add_rows(nobody, "nobody", "neither user nor session nor basket of {s} is known")
    return events.filter(who)


def events_of(work: Work, happened: Rows, ids: Rows, now: datetime) -> QualityReport:
    """Events with the ids of their ends, written to the staging table; the account of them."""
    rules = work.plan.mapping.rules_of
    by_user = work.room(HAPPENED, "user")
    nobody = work.room(HAPPENED, "id")
    for events, known in together(happened, ids):
        named = with_id(events.rename({"product": "o"}), known, rules("Product"), "Product", "o", "product")
        lost = named.filter(pl.col("product").is_null()).with_columns(s=pl.col("id"))
        work.rejected.add_rows(lost, "no_such_node", "{o} is no Product in this file, so its id is not known")
        named = named.filter(pl.col("product").is_not_null()).drop("o")
        by_user.add(named.filter(pl.col("user").is_not_null()))
        nobody.add(named.filter(pl.col("user").is_null()))
    by_id = work.room(HAPPENED, "id")
    for events, known in together(by_user, ids):
        named = with_id(events.rename({"user": "o"}), known, rules("User"), "User", "o", "user")
        lost = named.filter(pl.col("user").is_null()).with_columns(s=pl.col("id"))
        work.rejected.add_rows(lost, "no_such_node", "{o} is no User in this file, so its id is not known")
        by_id.add(named.filter(pl.col("user").is_not_null()).drop("o"))
    account = _EventAccount()
    for part in together(by_id, nobody):
        events = pl.concat(part).unique("id", keep="first", maintain_order=True)
        future = events.filter(pl.col("time") > now).with_columns(s=pl.col("id"), o=pl.col("time").cast(pl.String))
        work.rejected.add_rows(future, "future", "{o} is later than now")
        events = events.filter(pl.col("time") <= now).sort("time", "id")
        account.take(events)
        work.staging.add_events(events.drop("n"))
    return account.report(work.plan.mapping.name)


@dataclass
class _EventAccount:
    """Counts of events, taken part by part."""

    events: int = 0
    anonymous: int = 0
    behaviours: Counter[str] = field(default_factory=Counter)
    months: Counter[str] = field(default_factory=Counter)
    users: list[pl.Series] = field(default_factory=list)
    times: list[datetime] = field(default_factory=list)

    def take(self, events: pl.DataFrame) -> None:
        """Counts some more."""
        self.events += events.height
        self.anonymous += events["user"].null_count()
        self.behaviours.update(dict(events["behaviour"].value_counts().iter_rows()))
        months = events.select(pl.col("time").dt.strftime("%Y-%m")).to_series().value_counts()
        self.months.update(dict(months.iter_rows()))
        self.users.append(events["user"].drop_nulls().unique())
        self.times += [
            moment for moment in (events["time"].min(), events["time"].max()) if isinstance(moment, datetime)
        ]

    def report(self, mapping: str) -> QualityReport:
        """The account, in which sources, nodes and relations are still to be told."""
        return QualityReport(
            mapping=mapping,
            sources=(),
            nodes={},
            relations={},
            events=self.events,
            behaviours=dict(self.behaviours.most_common()),
            users=pl.concat(self.users).n_unique() if self.users else 0,
            anonymous_events=self.anonymous,
            first=min(self.times, default=None),
            last=max(self.times, default=None),
            clock=None,
            months=dict(sorted(self.months.items())),
            categories=(),
            notes=(),
        )
