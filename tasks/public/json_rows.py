"""JSON rows: an array of objects, or an object a line; the content decides, not the name."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from bias_inherit import store
from bias_inherit.errors import InputError, RowError
from bias_inherit.tasks.public.decode import is_plain, read_text

Read = Iterator[tuple[str, dict[str, Any] | RowError]]
"""(file and line or number, row), or why there is none."""

_EXPECTED = "expected one object a line, or an array of objects (pandas: orient='records'; jq: -c)"


def read_json(path: Path, columns: Sequence[str]) -> Read:
    """Yield the rows of a file; one that is broken or lacks a column is a RowError.

    Raises:
        InputError: the file is not UTF-8, the array is broken, or it is one object over several
            lines.
    """
    first = _first_line(path)
    if first.lstrip().startswith("["):
        yield from _read_array(path, columns)
        return
    if first.lstrip().startswith("{"):
        _check_one_line(path, first)
    yield from _read_lines(path, columns)


def _lines(path: Path) -> Iterator[str]:
    """Yield the lines; a plain file is read as they come, for it may be large.

    A line ends with a line feed alone: a text may hold other characters that break a line.
    """
    if not is_plain(path):
        yield from read_text(path).split("\n")
        return
    with path.open("rb") as stream:
        for number, line in enumerate(stream, start=1):
            try:
                yield line.decode("utf-8-sig")
            except UnicodeDecodeError:
                raise InputError(f"{path}:{number}: is not UTF-8; {store.CONVERT}") from None


def _first_line(path: Path) -> str:
    return next((line for line in _lines(path) if line.strip()), "")


def _check_one_line(path: Path, first: str) -> None:
    """Check that an object that begins on the first line does not go on over the next ones.

    Raises:
        InputError: it does.
    """
    try:
        json.loads(first)
    except (ValueError, RecursionError):
        text = read_text(path).lstrip()
        try:
            _, end = json.JSONDecoder().raw_decode(text)
        except (ValueError, RecursionError):
            return  # the line is broken, and will be told as such
        if "\n" in text[:end]:
            raise InputError(f"{path}: an object goes over several lines: {_EXPECTED}") from None


def _read_lines(path: Path, columns: Sequence[str]) -> Read:
    for number, line in enumerate(_lines(path), start=1):
        if not line.strip():
            continue
        where = f"{path}:{number}"
        try:
            row = store.parse_row(line.encode(), where, ())
        except InputError as error:
            yield where, RowError("a broken line", str(error))
            continue
        yield where, _complete(row, where, columns)


def _read_array(path: Path, columns: Sequence[str]) -> Read:
    try:
        rows = json.loads(read_text(path))
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: is not valid JSON ({error})") from None

    for i, row in enumerate(rows):
        where = f"{path}[{i}]"
        if not isinstance(row, dict):
            message = f"{where}: expected an object with columns, found {store.kind_of(row)}"
            yield where, RowError("a broken line", message)
            continue
        yield where, _complete(row, where, columns)


def _complete(row: dict[str, Any], where: str, columns: Sequence[str]) -> dict[str, Any] | RowError:
    missing = [column for column in columns if column not in row]
    if not missing:
        return row
    try:
        store.check_columns(row, where, columns)
    except InputError as error:
        return RowError(f"no {missing[0]}", str(error))
    return row
