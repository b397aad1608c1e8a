"""Returns, each taken off the purchase that it belongs to where that can be told."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

import polars as pl

from ingestion.step import LINE, Outcome, Refers, Step, rejections


class NetReturns(Step):
    """Takes each return off a purchase and keeps of the purchase what was not given back.

    A row is a return if its `document` matches `returns`. It belongs to a purchase if all of `same`
    are equal and known, the purchase is not later, and at least as much of it is left as comes back.
    Of several the one that fits exactly is taken, then the most recent. The return itself becomes
    nothing, nor does a purchase of which nothing is left; both go to quarantine.
    """

    document: Annotated[str, Refers()]
    returns: str
    same: Annotated[tuple[str, ...], Refers()]
    quantity: Annotated[str, Refers(("integer", "float"))]
    time: Annotated[str, Refers(("datetime",))]

    def apply(self, rows: pl.DataFrame) -> Outcome:
        is_return = pl.col(self.document).str.contains(self.returns).fill_null(value=False)
        returned, purchases = rows.filter(is_return), rows.filter(~is_return)
        tellable = pl.all_horizontal(*(pl.col(c).is_not_null() for c in (*self.same, self.quantity, self.time)))
        candidates = purchases.join(returned, on=self.same, how="semi", maintain_order="left").filter(tellable)
        pairs = pl.DataFrame(
            list(_match(self._lines(candidates), self._lines(returned.filter(tellable)))),
            schema={LINE: pl.Int64, "#purchase": pl.Int64, "#back": pl.Float64},
            orient="row",
        )
        kept, emptied = self._netted(purchases, pairs)
        rejected = [_netted_returns(returned, pairs), _unmatched(returned, pairs), emptied]
        return Outcome(kept.drop("#changed"), pl.concat(rejected), int(kept["#changed"].sum()))

    def _lines(self, rows: pl.DataFrame) -> dict[tuple[object, ...], list["_Line"]]:
        groups: dict[tuple[object, ...], list[_Line]] = defaultdict(list)
        for *key, line, quantity, time in rows.select(*self.same, LINE, self.quantity, self.time).iter_rows():
            groups[tuple(key)].append(_Line(line, abs(float(quantity)), time.timestamp()))
        return groups

    def _netted(self, purchases: pl.DataFrame, pairs: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
        back = pairs.group_by(pl.col("#purchase").alias(LINE)).agg(
            pl.col("#back").sum(), pl.col(LINE).sort().cast(pl.String).str.join(", ").alias("#by")
        )
        marked = purchases.join(back, on=LINE, how="left", maintain_order="left").with_columns(
            pl.col("#back").is_not_null().alias("#changed"),
            (pl.col(self.quantity) - pl.col("#back").fill_null(0.0)).cast(purchases.schema[self.quantity]),
        )
        gone = pl.col("#changed") & (pl.col(self.quantity) <= 0)
        explanation = pl.format("all of it came back, line {}", pl.col("#by"))
        emptied = rejections(marked.filter(gone), "returned_in_full", explanation)
        return marked.filter(~gone).drop("#back", "#by"), emptied


@dataclass
class _Line:
    line: int
    left: float
    time: float


def _match(
    purchases: dict[tuple[object, ...], list[_Line]], returned: dict[tuple[object, ...], list[_Line]]
) -> Iterator[tuple[int, int, float]]:
    """Line of a return, line of its purchase, and how much came back, in the order of the returns."""
    for key, group in returned.items():
        for back in sorted(group, key=lambda line: (line.time, line.line)):
            fitting = [p for p in purchases.get(key, ()) if p.time <= back.time and p.left >= back.left > 0]
            if fitting:
                best = max(fitting, key=lambda p: (p.left == back.left, p.time, p.line))
                best.left -= back.left
                yield back.line, best.line, back.left


def _netted_returns(returned: pl.DataFrame, pairs: pl.DataFrame) -> pl.DataFrame:
    netted = returned.join(pairs, on=LINE, maintain_order="left")
    return rejections(netted, "return_netted", pl.format("taken off the purchase in line {}", pl.col("#purchase")))


def _unmatched(returned: pl.DataFrame, pairs: pl.DataFrame) -> pl.DataFrame:
    alone = returned.join(pairs, on=LINE, how="anti", maintain_order="left")
    return rejections(alone, "return_unmatched", "a return for which no earlier purchase with that much left is known")
