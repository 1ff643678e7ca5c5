"""Read a public data set as its users have it: a file, a folder in hub layout, or a hub id."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from bias_inherit import store
from bias_inherit.errors import InputError

FILE_TYPES = (".jsonl", ".json", ".csv", ".parquet")

Located = tuple[str, Mapping[str, Any]]
"""(file and line, or split and number; row)."""


def read_splits(source: str, columns: Sequence[str], hub_id: str) -> dict[str, Iterator[Located]]:
    """Return the rows by split; a single file has the one split "all".

    Args:
        source: a .jsonl, .json, .csv or .parquet file, a folder, or a hub id.
        columns: what every row must have.
        hub_id: the data set's usual id, named where the source is nothing.

    Raises:
        InputError: the source is absent or broken, or (on reading on) a row lacks a column.
    """
    path = Path(source)
    if path.is_file():
        return {"all": _complete(_read_file(path, columns), columns)}
    if not path.is_dir() and (source.count("/") != 1 or path.suffix in FILE_TYPES):
        raise InputError(f"{source}: no such file or folder, and no hub id like {hub_id}")
    from datasets import load_dataset

    try:
        loaded = load_dataset(source)
    except Exception as error:  # the hub's client raises many unrelated types
        raise InputError(f"{source}: cannot be loaded ({str(error).splitlines()[0]})") from None
    return {
        split: _complete(_numbered(source, split, rows), columns) for split, rows in loaded.items()
    }


def _numbered(source: str, split: str, rows: Any) -> Iterator[Located]:
    for i, row in enumerate(rows):
        yield f"{source}[{split}]:{i}", row


def _complete(rows: Iterator[Located], columns: Sequence[str]) -> Iterator[Located]:
    for where, row in rows:
        missing = [column for column in columns if row.get(column) is None]
        if missing:
            raise InputError(f"{where}: column {', '.join(missing)} is missing or empty")
        yield where, row


def _read_file(path: Path, columns: Sequence[str]) -> Iterator[Located]:
    if path.suffix in {".jsonl", ".json"}:
        yield from store.iter_jsonl(path, columns)
    elif path.suffix == ".csv":
        with path.open(encoding="utf-8", newline="") as stream:
            reader = csv.DictReader(stream)
            try:
                absent = [c for c in columns if c not in (reader.fieldnames or ())]
                if absent:  # the file may have no row to find it missing in
                    raise InputError(f"{path}: column {', '.join(absent)} is missing")
                for row in reader:
                    yield f"{path}:{reader.line_num}", row
            except (UnicodeDecodeError, csv.Error) as error:
                raise InputError(f"{path}: is no CSV in UTF-8 ({error})") from None
    elif path.suffix == ".parquet":
        from datasets import Dataset

        try:
            rows = Dataset.from_parquet(str(path))
        except Exception as error:  # pyarrow's errors have no common root
            reason = str(error).splitlines()[0]
            raise InputError(f"{path}: is no readable parquet file ({reason})") from None
        for i, row in enumerate(rows):
            yield f"{path}: row {i}", dict(row)
    else:
        raise InputError(f"{path}: expected a file of type {', '.join(FILE_TYPES)}")
