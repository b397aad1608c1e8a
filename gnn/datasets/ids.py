"""Ids of a data set, whatever they look like, as positions."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gnn.data import Int32


@dataclass(frozen=True)
class Ids:
    """Distinct ids of one type; an id's position is its place in `values`."""

    values: pa.Array

    def __len__(self) -> int:
        return len(self.values)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The ids as text, by position."""
        return tuple(self.values.cast(pa.string()).to_pylist())

    def find(self, column: pa.ChunkedArray) -> Int32:
        """(E,) positions of the ids in a column; -1 where there is no such id."""
        places = pc.fill_null(pc.index_in(column, value_set=self.values), -1)
        return np.asarray(places.to_numpy(zero_copy_only=False), np.int32)

    @classmethod
    def of(cls, *columns: pa.ChunkedArray) -> "Ids":
        """The ids that occur in any of the columns, which are of one type, in ascending order."""
        chunks = [chunk for column in columns for chunk in column.chunks]
        found = pc.drop_null(pc.unique(pa.chunked_array(chunks, columns[0].type)))
        return cls(found.take(pc.sort_indices(found)))
