"""A mapping held against the files themselves: are the columns there, and is in them what it expects?"""

import polars as pl

from ingestion.columns import LISTS
from ingestion.delimited import header
from ingestion.mapping import Mapping
from ingestion.places import Mistake
from ingestion.rules import Source
from ingestion.sources import columns_of
from ingestion.step import LINE
from schema.errors import suggestion

_DELIMITERS = (",", ";", "\t", "|")


def check_columns(mapping: Mapping) -> None:
    """Looks at the headers of all files before any is read as a whole.

    Raises:
        MappingError: columns or the folder of pictures are missing; all of them are listed.
        SourceError: a file cannot be read.
    """
    mistakes: list[Mistake] = []
    if mapping.images and not (mapping.images.is_dir() or mapping.images.is_file()):
        message = f"no folder or archive {mapping.images}; give its path relative to the mapping, or leave it out"
        mistakes.append(("images", message))
    for index, source in enumerate(mapping.sources):
        present = columns_of(source)
        if present is not None:
            mistakes += _absent(source, index, present)
    if mistakes:
        raise mapping.error(mistakes)


def misfits(source: Source, index: int, rows: pl.DataFrame) -> list[Mistake]:
    """What only the whole file tells: columns of JSON lines, and cells that are no single values.

    Args:
        index: of the source in its mapping.
        rows: `LINE` and the columns of the file.
    """
    mistakes = _absent(source, index, [column for column in rows.columns if column != LINE])
    for name, column in source.columns.items():
        kind = rows.schema.get(source.of_file(name))
        if column.split is None and isinstance(kind, LISTS):
            mistakes.append((f"sources[{index}].columns.{name}", 'holds lists; add split, as in split: "|"'))
        elif isinstance(kind, pl.Struct | pl.Binary | pl.Object) or (
            isinstance(kind, LISTS) and kind.inner.is_nested()
        ):
            mistakes.append((f"sources[{index}].columns.{name}", f"holds {kind}, not single values; flatten the file"))
    return mistakes


def _absent(source: Source, index: int, present: list[str]) -> list[Mistake]:
    if len(present) == 1 and (better := _better_delimiter(source, present[0])):
        message = f"the header of {source.path.name} is one column, {present[0]}; its delimiter seems to be {better!r}"
        return [(f"sources[{index}].delimiter", message)]
    found = []
    for name in source.columns:
        column = source.of_file(name)
        if column not in present:
            hint = suggestion(column, present).removeprefix("there is ")
            message = f'no column "{column}" in {source.path.name}; it has {hint}'
            found.append((f"sources[{index}].columns.{name}", message))
    return found


def _better_delimiter(source: Source, line: str) -> str | None:
    """What cuts a header into columns that the mapping names, where its own delimiter does not."""
    wanted = {source.of_file(name) for name in source.columns} - {line}
    return next((d for d in _DELIMITERS if wanted & set(header(line, d))), None)
