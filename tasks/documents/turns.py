"""Documents in turn from each group, so that a limit cuts all groups alike."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import zip_longest
from typing import Any

from bias_inherit.tasks.packaged import Row


def interleave(rows: Iterable[Row], key: str) -> list[Row]:
    """Return the rows in turn from each value of `key`, so that `--limit` cuts all alike."""
    parts: dict[Any, list[Row]] = {}
    for row in rows:
        parts.setdefault(row[key], []).append(row)
    return [row for turn in zip_longest(*parts.values()) for row in turn if row is not None]
