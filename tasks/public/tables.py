"""Read a table of anybody's as they have it: a file, a folder in hub layout, or a hub id.

Files: JSON lines, a JSON array of objects, CSV with a comma, semicolon, tab or bar, TSV, and
parquet, each also gzipped; the text ones in UTF-8, or in UTF-16 or UTF-32 with a byte order mark.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from bias_inherit.errors import InputError, RowError
from bias_inherit.tasks.public.arrow_rows import load_splits, read_parquet
from bias_inherit.tasks.public.decode import read_text
from bias_inherit.tasks.public.delimited import read_delimited
from bias_inherit.tasks.public.json_rows import read_json

FILE_TYPES = (".jsonl", ".json", ".csv", ".tsv", ".parquet")
_LINES = (".jsonl", ".ndjson", ".json")

Row = Mapping[str, Any]  # a cell is whatever the file holds
Located = tuple[str, Row]
"""(file and line, or split and number; row)."""
Read = tuple[str, Row | RowError]
"""The same, or why the row cannot be used."""


def read_splits(
    source: str, columns: Sequence[str], hub_id: str, nulls: bool = False
) -> dict[str, Iterator[Located]]:
    """Return the rows by split; a single file has the one split "all".

    Args:
        source: a file, a folder, or a hub id.
        columns: what every row must have.
        hub_id: the data set's usual id, named where the source is nothing.
        nulls: whether a row may have null in them; else that is an error.

    Raises:
        InputError: the source is absent or broken, or (on reading on) a row cannot be used.
    """
    splits = read_loosely(source, columns, hub_id)
    return {split: _strict(rows, columns, nulls) for split, rows in splits.items()}


def read_loosely(source: str, columns: Sequence[str], hub_id: str) -> dict[str, Iterator[Read]]:
    """Return the rows by split, and in place of one that cannot be used why it cannot.

    Args:
        source: a file, a folder, or a hub id.
        columns: what every row must have; its cell may be null.
        hub_id: as for `read_splits`.

    Raises:
        InputError: the source is absent or broken as a whole, or no row can have a column.
    """
    path, wanted = Path(source), tuple(dict.fromkeys(columns))
    if path.is_file():
        return {"all": read_file(path, wanted)}
    if not path.is_dir() and (source.count("/") != 1 or file_type(path) in (*FILE_TYPES, *_LINES)):
        raise InputError(f"{source}: no such file or folder, and not a hub id like {hub_id}")
    return {split: iter(rows) for split, rows in load_splits(source, wanted).items()}


def file_type(path: Path) -> str:
    """Return a file's type by its name, in lower case: `.csv` of `ROWS.CSV.gz`."""
    name = path.name.lower().removesuffix(".gz")
    return Path(name).suffix


def _strict(rows: Iterator[Read], columns: Sequence[str], nulls: bool) -> Iterator[Located]:
    for where, row in rows:
        if isinstance(row, RowError):
            raise row
        empty = [column for column in dict.fromkeys(columns) if row[column] is None]
        if empty and not nulls:
            raise InputError(f"{where}: column {', '.join(empty)} is missing or empty")
        yield where, row


def read_file(path: Path, columns: Sequence[str]) -> Iterator[Read]:
    """Yield the rows of a file, and in place of one that cannot be used why it cannot.

    Raises:
        InputError: as `read_loosely`.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    kind = file_type(path)
    if kind == ".parquet":
        yield from read_parquet(path, columns)
    elif kind in {".csv", ".tsv"}:
        yield from read_delimited(path, read_text(path), columns, tabs=kind == ".tsv")
    elif kind in _LINES:
        yield from read_json(path, columns)
    else:
        raise InputError(f"{path}: expected a file of type {', '.join(FILE_TYPES)} (or one + .gz)")
