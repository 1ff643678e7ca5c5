"""What every document of a task has, and the row that lm-eval is given of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any, TypeVar

T = TypeVar("T")

Row = dict[str, Any]  # lm-eval's form: each task's document says which columns there are


@dataclass(frozen=True)
class Document:
    """A document: what a task asks once.

    Each task's own class adds its columns. All have `cluster`: documents of one cluster share a
    source, and are resampled together.

    Attributes:
        id: of its own.
    """

    id: str

    def to_row(self) -> Row:
        """Return the columns by name, in the order of the fields."""
        return dict(vars(self))


def interleave(items: Iterable[T], key: Callable[[T], object]) -> list[T]:
    """Return the items in turn from each value of `key`, so that `--limit` cuts all alike."""
    parts: dict[object, list[T]] = {}
    for item in items:
        parts.setdefault(key(item), []).append(item)
    return [item for turn in zip_longest(*parts.values()) for item in turn if item is not None]
