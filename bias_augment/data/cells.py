"""Cells of anybody's tables as text: what is text, what is empty, and what is neither."""

from __future__ import annotations

import math

from bias_inherit.errors import RowError
from bias_inherit.rows import SEPARATORS
from bias_inherit.store import kind_of


def as_text(value: object, column: str, where: str) -> str:
    """Return a cell as text: numbers as they are written, `true` and `false`, a null as "".

    A whole number that a table keeps as a fraction (1.0) is written without one; NaN is how
    tables write a cell that is missing.

    Raises:
        RowError: it holds a list, an object, an infinite number, or half a character.
    """
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and math.isinf(value):
        raise RowError(f"Infinity in {column}", f"{where}: column {column} holds Infinity")
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, (str, int, float)):
        return whole(str(value), column, where)
    raise not_text(value, column, where)


def not_text(value: object, column: str, where: str) -> RowError:
    """Return the error of a cell that is no text and cannot be one."""
    kind, hint = kind_of(value), ""
    if isinstance(value, list) and value and isinstance(value[0], dict):
        hint = f"; if it is a conversation, name it messages={column}"
    message = f"{where}: column {column} holds {kind}, expected text{hint}"
    return RowError(f"{kind} in {column}", message)


def whole(text: str, column: str, where: str) -> str:
    """Return the text.

    Raises:
        RowError: it holds half a character, which no file can.
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        raise RowError(
            f"half a character in {column}",
            f"{where}: column {column} holds half a character (a lone surrogate such as \\ud800); "
            "write the whole one",
        ) from None
    return text


def as_name(value: object, column: str, where: str) -> str:
    """Return a cell as the name of a group, a label or a row: a text on one line, trimmed.

    Raises:
        RowError: as `as_text`; or it holds a character that separates cells in our keys.
    """
    name = as_text(value, column, where)
    if SEPARATORS & set(name):
        raise RowError(
            f"a control character in {column}",
            f"{where}: column {column} holds a control character (U+001E or U+001F): remove it",
        )
    return " ".join(name.split())


def is_empty(value: object) -> bool:
    """Return whether nothing is in a cell: null, NaN, blanks, or an empty list or object."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return True
    return not (value if isinstance(value, (list, dict)) else str(value).strip())
