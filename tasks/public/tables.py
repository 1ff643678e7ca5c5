"""Read a table of anybody's as they have it: a file, a folder in hub layout, or a hub id.

Files: JSON lines, a JSON array of objects, CSV with a comma, semicolon, tab or bar, TSV, and
parquet; the text ones in UTF-8 or UTF-16, with a byte order mark or without, and gzipped.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from bias_inherit import store
from bias_inherit.errors import InputError

FILE_TYPES = (".jsonl", ".json", ".csv", ".tsv", ".parquet")
_DELIMITERS = (",", ";", "\t", "|")

Row = Mapping[str, Any]  # a cell is whatever the file holds
Located = tuple[str, Row]
"""(file and line, or split and number; row)."""


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
        InputError: the source is absent or broken, or (on reading on) a row lacks a column.
    """
    path = Path(source)
    if path.is_file():
        return {"all": _complete(_read_file(path, columns), columns, nulls)}
    if not path.is_dir() and (source.count("/") != 1 or file_type(path) in FILE_TYPES):
        raise InputError(f"{source}: no such file or folder, and not a hub id like {hub_id}")

    from datasets import load_dataset

    try:
        loaded = load_dataset(source)
    except Exception as error:  # the hub's client raises many unrelated types
        raise InputError(f"{source}: cannot be loaded ({str(error).splitlines()[0]})") from None
    return {
        split: _complete(_numbered(source, split, rows), columns, nulls)
        for split, rows in loaded.items()
    }


def file_type(path: Path) -> str:
    """Return a file's type by its name, in lower case: `.csv` of `ROWS.CSV.gz`."""
    name = path.name.lower().removesuffix(".gz")
    return Path(name).suffix


def _numbered(source: str, split: str, rows: Iterable[Row]) -> Iterator[Located]:
    for i, row in enumerate(rows):
        yield f"{source}[{split}]:{i}", row


def _complete(rows: Iterator[Located], columns: Sequence[str], nulls: bool) -> Iterator[Located]:
    wanted = tuple(dict.fromkeys(columns))
    for where, row in rows:
        missing = [
            column for column in wanted if column not in row or (row[column] is None and not nulls)
        ]
        if missing:
            raise InputError(f"{where}: column {', '.join(missing)} is missing or empty")
        yield where, row


def _read_file(path: Path, columns: Sequence[str]) -> Iterator[Located]:
    kind = file_type(path)
    if kind == ".parquet":
        yield from _read_parquet(path)
    elif kind in {".csv", ".tsv"}:
        yield from _read_csv(path, columns)
    elif kind == ".json" and _text(path).lstrip()[:1] == "[":
        yield from _read_array(path, columns)
    elif kind in {".jsonl", ".json"}:
        yield from _read_lines(path, columns)
    else:
        raise InputError(f"{path}: expected a file of type {', '.join(FILE_TYPES)} (or one + .gz)")


def _text(path: Path) -> str:
    """Return a file's text, whatever marks its encoding has.

    Raises:
        InputError: it is not UTF-8 or marked UTF-16, or its compression is broken.
    """
    content = path.read_bytes()
    try:
        if path.name.lower().endswith(".gz"):
            content = gzip.decompress(content)
    except (OSError, EOFError) as error:
        raise InputError(f"{path}: is not a whole gzip file ({error})") from None

    marked = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        return content.decode("utf-16" if marked else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path}: is not UTF-8 (byte {error.start}); if it is an older Windows file, convert "
            f"it first: iconv -f cp1252 -t utf-8"
        ) from None


def _read_lines(path: Path, columns: Sequence[str]) -> Iterator[Located]:
    with path.open("rb") as stream:
        begin = stream.read(2)
    packed = path.name.lower().endswith(".gz")
    if not packed and begin not in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        yield from store.iter_jsonl(path, columns)  # line by line: it may be large
        return
    for number, line in enumerate(_text(path).splitlines(), start=1):
        if line.strip():
            where = f"{path}:{number}"
            yield where, store.parse_row(line.encode(), where, tuple(columns))


def _read_array(path: Path, columns: Sequence[str]) -> Iterator[Located]:
    try:
        rows = json.loads(_text(path))
    except json.JSONDecodeError as error:
        raise InputError(f"{path}: is not valid JSON ({error})") from None
    for i, row in enumerate(rows):
        where = f"{path}[{i}]"
        if not isinstance(row, dict):
            raise InputError(
                f"{where}: expected an object with columns, found {store.kind_of(row)}"
            )
        store.check_columns(row, where, columns)
        yield where, row


def _read_csv(path: Path, columns: Sequence[str]) -> Iterator[Located]:
    text = _text(path)
    try:
        delimiter = _delimiter(path, text, columns)
        reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter)
        # the file may have no row to find it missing in
        store.check_columns(filter(None, reader.fieldnames or ()), path, columns)
        for row in reader:
            yield f"{path}:{reader.line_num}", row
    except csv.Error as error:
        raise InputError(f"{path}: is not a readable CSV ({error})") from None


def _delimiter(path: Path, text: str, columns: Sequence[str]) -> str:
    """Return what separates the columns: what makes the wanted ones stand in the header."""
    usual = ("\t",) if file_type(path) == ".tsv" else ()
    tried = dict.fromkeys((*usual, *_DELIMITERS))
    headers = {d: next(csv.reader(io.StringIO(text), delimiter=d), []) for d in tried}
    fits = [d for d, header in headers.items() if all(c in header for c in columns)]
    widest: str = max(headers, key=lambda d: len(headers[d]))
    return fits[0] if fits else widest


def _read_parquet(path: Path) -> Iterator[Located]:
    from datasets import Dataset

    try:
        rows = Dataset.from_parquet(str(path))
    except Exception as error:  # pyarrow's errors have no common root
        reason = str(error).splitlines()[0]
        raise InputError(f"{path}: is not a readable parquet file ({reason})") from None
    for i, row in enumerate(rows):
        yield f"{path}: row {i}", dict(row)
