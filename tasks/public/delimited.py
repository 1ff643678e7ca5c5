"""CSV and TSV: rows as dicts, whatever separates the columns; nothing is cut or shifted.

A comma, semicolon, tab or bar separates: whichever makes the wanted columns stand in the header
(or what Excel's first line `sep=;` says). A quoted cell may hold line breaks and be of any length;
a quote in it is doubled, or has a backslash before it. Blank lines are skipped.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bias_inherit import store
from bias_inherit.errors import InputError, RowError

_DELIMITERS = (",", ";", "\t", "|")
_TOLD = re.compile(r"sep=(.)\r?\n")
"""The line by which Excel says what separates the columns."""


@dataclass(frozen=True)
class _Dialect:
    """What separates cells, whether a blank follows, and what stands before a quote in a cell."""

    delimiter: str
    spaced: bool = False
    escape: str | None = None

    def records(self, text: str) -> Iterator[tuple[int, list[str]]]:
        """Yield (line that it begins in, cells) of each record that is not blank.

        Raises:
            csv.Error: a quote is not closed, or stands in a quoted cell; the line is named.
        """
        reader = csv.reader(
            io.StringIO(text, newline=""),
            delimiter=self.delimiter,
            skipinitialspace=self.spaced,
            escapechar=self.escape,
            doublequote=self.escape is None,
            strict=True,
        )
        begin = 1
        try:
            for cells in reader:
                if any(cell.strip() for cell in cells):
                    yield begin, cells
                begin = reader.line_num + 1
        except csv.Error as error:
            raise csv.Error(f"line {begin}: {error}") from None


def read_delimited(
    path: Path, text: str, columns: Sequence[str], tabs: bool
) -> Iterator[tuple[str, dict[str, Any] | RowError]]:
    """Yield (file and line, row) of each row; a row that does not fit the header is a RowError.

    Args:
        path: names the file in messages.
        text: its content.
        columns: what the header must hold, each once.
        tabs: whether a tab is what separates them first of all.

    Raises:
        InputError: a column is missing or stands twice in the header, or a quote is not closed.
    """
    # csv refuses longer cells than this, and no cell is longer than its file
    csv.field_size_limit(max(csv.field_size_limit(), len(text)))
    told = _TOLD.match(text)
    first = 1 if told else 0
    text = text[told.end() :] if told else text

    dialect = _Dialect(told[1]) if told else _dialect(text, columns, tabs)
    records = dialect.records(text)
    try:
        _, names = next(records, (0, []))
        if names and all(name.startswith(" ") for name in names[1:]) and len(names) > 1:
            records = _Dialect(dialect.delimiter, spaced=True, escape=dialect.escape).records(text)
            _, names = next(records)
        header = [name.strip() for name in names]
        _check_header(header, path, columns)
        for line, cells in records:
            where = f"{path}:{line + first}"
            yield where, _row(header, cells, where, columns)
    except csv.Error as error:
        raise InputError(
            f"{path}: is not a readable CSV ({error}): close the quotes, and double one that "
            "stands in a quoted cell"
        ) from None


def _dialect(text: str, columns: Sequence[str], tabs: bool) -> _Dialect:
    """Return the dialect in which the wanted columns stand in the header."""
    tried = dict.fromkeys((*(("\t",) if tabs else ()), *_DELIMITERS))
    headers = {d: _header(text, d) for d in tried}
    fits = [d for d, header in headers.items() if all(column in header for column in columns)]
    widest: str = max(headers, key=lambda d: len(headers[d]))
    delimiter = fits[0] if fits else widest

    if '\\"' in text and not _is_whole(_Dialect(delimiter), text):
        escaped = _Dialect(delimiter, escape="\\")
        return escaped if _is_whole(escaped, text) else _Dialect(delimiter)
    return _Dialect(delimiter)


def _header(text: str, delimiter: str) -> list[str]:
    try:
        _, names = next(_Dialect(delimiter).records(text), (0, []))
    except csv.Error:
        return []
    return [name.strip() for name in names]


def _is_whole(dialect: _Dialect, text: str) -> bool:
    """Return whether the text can be read to its end."""
    try:
        for _ in dialect.records(text):
            pass
    except csv.Error:
        return False
    return True


def _check_header(header: Sequence[str], path: Path, columns: Sequence[str]) -> None:
    if not header:
        raise InputError(f"{path}: has no rows")
    store.check_columns(filter(None, header), path, columns)
    twice = [column for column in dict.fromkeys(columns) if header.count(column) > 1]
    if twice:
        raise InputError(
            f"{path}: column {', '.join(twice)} stands twice in the header: rename one"
        )


def _row(
    header: Sequence[str], cells: Sequence[str], where: str, columns: Sequence[str]
) -> dict[str, Any] | RowError:
    counted = f"{where}: has {len(cells)} cells, and the header {len(header)}"
    if any(cell.strip() for cell in cells[len(header) :]):
        kind = "more cells than the header"
        return RowError(kind, f"{counted}: put a text that holds the separator into quotes")
    row = dict(zip(header, cells, strict=False))
    if any(column not in row for column in columns):
        return RowError("fewer cells than the header", f"{counted}: is a separator missing?")
    return row
