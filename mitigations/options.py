"""Options of a mitigation, and how they are read from what was written."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bias_inherit.errors import InputError


@dataclass(frozen=True)
class Option:
    """An option of a mitigation.

    Attributes:
        name: as written before the "=".
        default: its value where it is not given.
        help: what it does, on a line.
        parse: reads a value as written; a ValueError says what is expected.
    """

    name: str
    default: Any  # of any type that an option may have
    help: str
    parse: Callable[[str], Any] = str


def number(least: float) -> Callable[[str], float]:
    """Return a parser of finite numbers from `least` on."""

    def parse(value: str) -> float:
        try:
            found = float(value)
        except ValueError:
            found = math.nan
        if not (math.isfinite(found) and found >= least):
            raise ValueError(f"a number from {least:g} on")
        return found

    return parse


def integer(value: str) -> int:
    """Return a whole number; ValueError for anything else."""
    try:
        return int(value)
    except ValueError:
        raise ValueError("a whole number") from None


def yes_no(value: str) -> bool:
    """Return True for "true" and False for "false", in any case; ValueError for others."""
    known = {"true": True, "false": False}
    if value.strip().lower() not in known:
        raise ValueError("true or false")
    return known[value.strip().lower()]


def some_text(value: str) -> str:
    """Return a text that is not blank; ValueError for others."""
    if not value.strip():
        raise ValueError("a text that is not empty")
    return value


_NEXT = re.compile(r",(?=\s*[A-Za-z_][\w-]*\s*=)")
"""A comma before the next option; one inside a sentence is part of the value."""


def parse_options(text: str) -> dict[str, str]:
    """Return the options in a text such as "lambda=0.5,layer=-2", as written.

    A comma ends a value only where another `name=` follows. An empty text has no options.

    Raises:
        InputError: a part has no "=", or an option occurs twice.
    """
    options: dict[str, str] = {}
    for part in _NEXT.split(text) if text.strip() else ():
        name, equals, value = part.partition("=")
        if not equals or not name.strip():
            raise InputError(f"mitigation options '{text}': write name=value, not '{part.strip()}'")
        if name.strip() in options:
            raise InputError(f"mitigation options '{text}': '{name.strip()}' occurs twice")
        options[name.strip()] = value.strip()
    return options
