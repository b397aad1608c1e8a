"""Ids for events that have none in their file: the same in every run, different for every row.

An id is a hash of what the row says in its mapped columns and of how often the file said the same
before. A file that has grown keeps the ids of its old rows.
"""

from hashlib import blake2b

import polars as pl

from ingestion.rules import Source

IDENTITY = "#identity"
_FIELD, _ABSENT = "\x1f", "\x00"


def with_identity(raw: pl.DataFrame, source: Source) -> pl.DataFrame:
    """Raw rows with a column `IDENTITY`, a text that no other row of the source has."""
    columns = sorted({source.of_file(name) for name in source.columns})
    texts = [_text(raw, column) for column in columns]
    said = raw.with_columns(pl.concat_str(texts, separator=_FIELD).alias(IDENTITY))
    before = pl.int_range(pl.len()).over(IDENTITY).cast(pl.String)
    return said.with_columns(pl.concat_str(pl.lit(source.name), IDENTITY, before, separator=_FIELD).alias(IDENTITY))


def event_ids(identities: pl.Series, rule: int) -> pl.Series:
    """Ids of the events that the rule of this number makes of rows."""
    mark = f"{_FIELD}{rule}".encode()
    ids = [blake2b(identity.encode() + mark, digest_size=12).hexdigest() for identity in identities]
    return pl.Series("id", ids, dtype=pl.String)


def _text(raw: pl.DataFrame, column: str) -> pl.Expr:
    if isinstance(raw.schema[column], pl.List | pl.Array):
        return pl.col(column).cast(pl.List(pl.String)).list.join(_FIELD, ignore_nulls=True).fill_null(_ABSENT)
    return pl.col(column).cast(pl.String).fill_null(_ABSENT)
