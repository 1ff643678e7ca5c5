"""Anybody's rows, each read for itself by a column map: group, label and texts, or why not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from bias_inherit.bias_augment.axes.axis import Axis
from bias_inherit.bias_augment.data.cells import as_name, as_text, is_empty
from bias_inherit.bias_augment.data.column_map import ColumnMap, by_value, name_of
from bias_inherit.bias_augment.data.messages import completion_of, prompt_of, split
from bias_inherit.errors import InputError, RowError, shown
from bias_inherit.tasks.public.tables import Read, Row, read_loosely

SPLIT = "train"
"""The split that is read where a data set has several and one is called so."""

_VALUES = 5
"""So many unknown values of a column are counted one by one."""


class Found(NamedTuple):
    """What a row says, each as text; `prompt` and `completion` are None where it has none."""

    where: str
    id: str
    group: str
    label: str
    text: str
    question: str
    prompt: str | None
    completion: str | None


@dataclass(frozen=True)
class Rows:
    """Rows that were read each for itself, and how many the map leaves out or cannot be used."""

    rows: list[Found]
    left_out: Counter[str] = field(default_factory=Counter)
    unread: Counter[str] = field(default_factory=Counter)


def read_rows(axis: Axis, source: str, columns: ColumnMap, stem: str, skips: bool = False) -> Rows:
    """Return each row as its cells say.

    Args:
        axis: whose groups the rows are of.
        source: a file, a folder or a hub id.
        columns: which column holds what.
        stem: begins the ids of rows that have none.
        skips: leave out and count rows that cannot be used, which else are errors.

    Raises:
        InputError: the source is absent or broken, a row cannot be used, or none is left.
    """
    read, first = Rows([]), None
    reader = _Reader(axis, columns, stem)
    for where, row in _located(source, columns.needed):
        try:
            found = reader.read(where, row)
        except RowError as error:
            if not skips:
                raise
            first = first or error
            _count(read.unread, error.kind, error.kind.partition(" (")[0])
            continue
        if isinstance(found, Found):
            read.rows.append(found)
        else:
            column, value = found
            _count(read.left_out, f"{column} {value}", column)

    if read.rows:
        return read
    kinds = {**read.unread, **read.left_out}
    if not kinds:
        raise InputError(f"{source}: has no rows")
    named = ", ".join(f"{n} with {kind}" for kind, n in sorted(kinds.items()))
    because = f"; the first: {first}" if first else ""
    raise InputError(f"{source}: no rows are left (left out: {named}){because}")


def _located(source: str, needed: Sequence[str]) -> Iterator[Read]:
    splits = read_loosely(source, needed, "LabHC/bias_in_bios")
    for split_name, rows in splits.items():
        if SPLIT not in splits or split_name == SPLIT:
            yield from rows


def _count(counter: Counter[str], kind: str, stem: str) -> None:
    """Count a kind; of those that begin with the same stem, only the first few for themselves."""
    if kind not in counter and sum(known.startswith(stem) for known in counter) >= _VALUES:
        kind = f"{stem} (other values)"
    counter[kind] += 1


class _Reader:
    """Reads the cells of one row after the other, and knows the ids so far."""

    def __init__(self, axis: Axis, columns: ColumnMap, stem: str) -> None:
        self.axis, self.columns, self.stem = axis, columns, stem
        self.groups = {name.casefold(): name for name in axis.groups}
        self.group_names, self.label_names = by_value(columns.groups), by_value(columns.labels)
        self.seen: dict[str, str] = {}

    def read(self, where: str, row: Row | RowError) -> Found | tuple[str, str]:
        """Return what the row says, or the column and value by which the map leaves it out.

        Raises:
            RowError: the row cannot be used.
        """
        if isinstance(row, RowError):
            raise row
        self._check(where, row)

        group = self._group(where, row)
        if group is None:
            return self.columns.group, shown(as_text(row[self.columns.group], "", where), 20)
        prompt, completion = self._prompt(where, row)
        label = self._label(where, row, completion)
        if label is None:
            named = self.columns.label or self.columns.completion or self.columns.messages or ""
            return named, shown(completion if self.columns.label is None else row[named], 20)

        text = self._cell(where, row, self.columns.text)
        question = self._cell(where, row, self.columns.question).strip()
        identity = self._identity(where, row)
        return Found(
            where, identity, group, label, " ".join(text.split()), question, prompt, completion
        )

    def _check(self, where: str, row: Row) -> None:
        needed = self.columns.needed
        if all(row[column] == column for column in needed):
            raise RowError("the header once more", f"{where}: holds the header once more")
        empty = [column for column in needed if is_empty(row[column])]
        if empty:
            named = ", ".join(empty)
            raise RowError(f"an empty {empty[0]}", f"{where}: column {named} is empty")

    def _cell(self, where: str, row: Row, column: str | None) -> str:
        return "" if column is None else as_text(row[column], column, where)

    def _group(self, where: str, row: Row) -> str | None:
        """Return the group, None where the map lists groups and not this one."""
        column = self.columns.group
        value = as_name(row[column], column, where)
        renamed = name_of(value, self.group_names) if self.group_names else value
        if renamed is None:
            return None
        group = self.groups.get(renamed.casefold())
        if group is None:
            raise RowError(
                f"an unknown {column} ({shown(value, 20)})",
                f"{where}: '{shown(value)}' is not a group of the axis '{self.axis.axis}' "
                f"({', '.join(self.axis.groups)}): name it under `groups:` of a column map",
            )
        return group

    def _label(self, where: str, row: Row, completion: str | None) -> str | None:
        """Return the label ("" where none is named), None where the map lists others alone."""
        column = self.columns.label
        if column is None and (completion is None or not self.label_names):
            return ""
        value = completion if column is None else row[column]
        value = as_name(value, column or "completion", where)
        return name_of(value, self.label_names) if self.label_names else value

    def _prompt(self, where: str, row: Row) -> tuple[str | None, str | None]:
        columns = self.columns
        if columns.messages is not None:
            named = columns.messages
            prompt, completion = split(row[named], named, where)
        elif columns.prompt is not None and columns.completion is not None:
            named = columns.completion
            prompt = prompt_of(row[columns.prompt], columns.prompt, where)
            completion = completion_of(row[named], named, where)
        else:
            return None, None
        if not completion.strip():
            raise RowError(f"an empty {named}", f"{where}: column {named} has no reply")
        return prompt, completion

    def _identity(self, where: str, row: Row) -> str:
        column = self.columns.id
        if column is None:
            identity = f"{self.stem}-{len(self.seen):07d}"
        else:
            identity = as_name(row[column], column, where)
        if identity in self.seen:
            raise RowError(
                "a repeated id",
                f"{where}: id '{shown(identity)}' occurs twice (first at {self.seen[identity]})",
            )
        self.seen[identity] = where
        return identity
