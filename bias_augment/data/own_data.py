"""Anybody's rows as examples: a file, a folder or a hub data set, by a column map.

Two steps: `read_rows` reads each row for itself (group, label, texts), and `read_own` makes
examples of them all (which labels there are is known only then). A row that cannot be used is an
error, or, where the data are looked at or brought in, left out and counted by kind.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from string import ascii_uppercase
from typing import Any, NamedTuple

from bias_inherit.bias_augment.axes.axis import Axis
from bias_inherit.bias_augment.data.cells import as_name, as_text, is_empty
from bias_inherit.bias_augment.data.column_map import ColumnMap, by_value, name_of, parse_columns
from bias_inherit.bias_augment.data.examples import to_example
from bias_inherit.bias_augment.data.messages import completion_of, prompt_of, split
from bias_inherit.errors import InputError, RowError, shown
from bias_inherit.rows import ORIGINAL, Example, Origin
from bias_inherit.tasks.public.tables import Read, read_loosely

__all__ = ["ANSWER", "ColumnMap", "Found", "Own", "parse_columns", "read_own", "read_rows"]

SPLIT = "train"
"""The split that is read where a data set has several and one is called so."""

ANSWER = 5
"""A completion of more words than this is a text of its own and no answer."""

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
class Own:
    """Somebody's rows as examples.

    Attributes:
        rows: the examples.
        left_out: rows that the column map leaves out, by the value that decided it.
        unread: rows that could not be used, by kind.
        respelt: rows whose label was written otherwise, by "Nurse as nurse".
    """

    rows: list[Example]
    left_out: Mapping[str, int] = field(default_factory=dict)
    unread: Mapping[str, int] = field(default_factory=dict)
    respelt: Mapping[str, int] = field(default_factory=dict)

    @property
    def notes(self) -> tuple[str, ...]:
        """What a user should be told, a line each."""
        out = [f"left out: {n} rows with {value}" for value, n in sorted(self.left_out.items())]
        odd = [f"not used: {n} rows with {kind}" for kind, n in sorted(self.unread.items())]
        twins = [
            f"labels that differ in case alone are one: {n} rows with {named}"
            for named, n in sorted(self.respelt.items())
        ]
        return (*out, *odd, *twins)


@dataclass(frozen=True)
class Rows:
    """Rows that were read each for itself, with what was left out; see `Own`."""

    rows: list[Found]
    left_out: Counter[str] = field(default_factory=Counter)
    unread: Counter[str] = field(default_factory=Counter)


def read_own(
    axis: Axis,
    source: str,
    columns: ColumnMap,
    origin: Origin = ORIGINAL,
    skips: bool = False,
    *,
    labels: Iterable[str] = (),
    asks: bool = True,
) -> Own:
    """Return the rows as examples.

    Without prompts of their own, rows with a label are asked for it; a text without a label (or
    with the only one there is) is itself what is to be written, after an empty prompt. The options
    of every row are the labels that occur (and `labels`), sorted. Labels that differ in case alone
    are one label, written as most rows write it. Group values may differ from the axis's in case.
    Where there is no column of labels, the completions are the labels if all are answers (of
    `ANSWER` words or fewer), and else rows have none.

    Args:
        axis: whose groups the rows are of.
        source: a file, a folder or a hub id.
        columns: which column holds what.
        origin: of the rows.
        skips: leave out and count rows that cannot be used, which else are errors.
        labels: more labels, whose spelling is taken.
        asks: make prompts that ask for the label, where rows have none of their own; needless
            where they are only looked at.

    Raises:
        InputError: the source is absent or broken, a row cannot be used, there are no rows, or a
            prompt is to be made and there is but one label, or more than letters.
    """
    read = read_rows(axis, source, columns, skips)
    rows, answers = read.rows, _are_answers(read.rows)
    if columns.label is None and columns.has_prompts and answers:
        rows = [
            row._replace(label=row.label or " ".join((row.completion or "").split()))
            for row in rows
        ]
    rows, respelt = _one_spelling(rows, list(labels))

    options = sorted({*labels, *(row.label for row in rows)})
    is_asked = asks and columns.label is not None and not columns.has_prompts
    if is_asked and skips and len(options) == 1:
        is_asked = False  # there is nothing to choose from
    if is_asked:
        _check_options(source, options, respelt)
    elif len(options) > len(ascii_uppercase):
        options = []  # nobody chooses from them, and every row would hold them all

    examples: list[Example] = []
    for row in rows:
        example = _example(axis, row, options, is_asked, answers)
        examples.append({**example, "origin": origin})
    return Own(examples, read.left_out, read.unread, respelt)


def read_rows(axis: Axis, source: str, columns: ColumnMap, skips: bool = False) -> Rows:
    """Return each row as its cells say; see `read_own`.

    Args:
        axis: whose groups the rows are of.
        source: a file, a folder or a hub id.
        columns: which column holds what.
        skips: leave out and count rows that cannot be used.

    Raises:
        InputError: as `read_own`.
    """
    read, first = Rows([]), None
    reader = _Reader(axis, columns, Path(source).stem)
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

    def read(self, where: str, row: Mapping[str, Any] | RowError) -> Found | tuple[str, str]:
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

    def _check(self, where: str, row: Mapping[str, Any]) -> None:
        needed = self.columns.needed
        if all(row[column] == column for column in needed):
            raise RowError("the header once more", f"{where}: holds the header once more")
        empty = [column for column in needed if is_empty(row[column])]
        if empty:
            named = ", ".join(empty)
            raise RowError(f"an empty {empty[0]}", f"{where}: column {named} is empty")

    def _cell(self, where: str, row: Mapping[str, Any], column: str | None) -> str:
        return "" if column is None else as_text(row[column], column, where)

    def _group(self, where: str, row: Mapping[str, Any]) -> str | None:
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

    def _label(self, where: str, row: Mapping[str, Any], completion: str | None) -> str | None:
        """Return the label ("" where none is named), None where the map lists others alone."""
        column = self.columns.label
        if column is None and (completion is None or not self.label_names):
            return ""
        value = completion if column is None else row[column]
        value = as_name(value, column or "completion", where)
        return name_of(value, self.label_names) if self.label_names else value

    def _prompt(self, where: str, row: Mapping[str, Any]) -> tuple[str | None, str | None]:
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

    def _identity(self, where: str, row: Mapping[str, Any]) -> str:
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


def _are_answers(rows: Sequence[Found]) -> bool:
    """Return whether all completions are short enough to be answers to choose from."""
    return all(len((row.completion or "").split()) <= ANSWER for row in rows)


def _one_spelling(rows: Sequence[Found], given: Sequence[str]) -> tuple[list[Found], Counter[str]]:
    """Return the rows with labels that differ in case alone written alike, and how many changed.

    The spelling is that of `given`, else the commonest, of equals the first in the file.
    """
    written = Counter(row.label for row in rows)
    spelling = {label.casefold(): label for label, _ in reversed(written.most_common())}
    spelling |= {label.casefold(): label for label in given}

    changed: Counter[str] = Counter()
    told = []
    for row in rows:
        label = spelling[row.label.casefold()]
        if label != row.label:
            changed[f"{shown(row.label)} as {shown(label)}"] += 1
        told.append(row._replace(label=label))
    return told, changed


def _check_options(source: str, labels: Sequence[str], respelt: Mapping[str, int]) -> None:
    """Check that there is something to choose from, and a letter for each.

    Raises:
        InputError: there is one label, or there are more than letters.
    """
    if len(labels) == 1:
        twins = f" ({', '.join(respelt)}: they differ in case alone)" if respelt else ""
        raise InputError(
            f"{source}: all rows have the label '{shown(labels[0])}'{twins}, and a question needs "
            "two options: give prompt and completion columns, or rows of another label"
        )
    if len(labels) > len(ascii_uppercase):
        raise InputError(
            f"{source}: {len(labels)} labels are more than there are letters to choose one by: "
            "give prompt and completion columns, or list fewer under `labels:` of a column map"
        )


def _example(
    axis: Axis, row: Found, options: Sequence[str], is_asked: bool, answers: bool
) -> Example:
    """Return the example of a row.

    Args:
        axis: whose form a question has.
        row: what is known of it.
        options: the labels.
        is_asked: whether a prompt is made that asks for the label.
        answers: whether the rows' completions are answers; else they are text to look at too.
    """
    prompt, completion = row.prompt, row.completion
    text = row.text or " ".join(f"{prompt} {'' if answers else completion}".split())
    known = [row.label] if row.label not in options else options
    if is_asked:
        return to_example(axis, row.id, row.group, text, row.label, known, row.question)

    # a text without prompt and label is what is to be written
    given = {"prompt": prompt or "", "completion": completion or text}
    example = to_example(axis, row.id, row.group, text, row.label, known, row.question, **given)
    return {**example, "options": [option for option in options if option]}
