"""Anybody's rows as examples: a file, a folder or a hub data set, by a column map.

`own_rows` reads each row for itself; here they become examples together, for which labels there
are is known only then. A row that cannot be used is an error, or, where the data are looked at or
brought in, left out and counted by kind.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from string import ascii_uppercase

from bias_inherit.bias_augment.axes.axis import Axis
from bias_inherit.bias_augment.data.column_map import ColumnMap, parse_columns
from bias_inherit.bias_augment.data.examples import to_example
from bias_inherit.bias_augment.data.own_rows import Found, read_rows
from bias_inherit.errors import InputError, shown
from bias_inherit.rows import ORIGINAL, Example, Origin

__all__ = ["ANSWER", "ColumnMap", "Own", "parse_columns", "read_own"]

ANSWER = 5
"""A completion of more words than this is a text of its own and no answer."""


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
    # so that D_o and D_a of files of one name can be mixed
    stem = Path(source).stem if origin == ORIGINAL else f"{origin}-{Path(source).stem}"
    read = read_rows(axis, source, columns, stem, skips)
    rows, answers = read.rows, _are_answers(read.rows)
    if columns.label is None and columns.has_prompts and answers:
        rows = [
            row._replace(label=row.label or " ".join((row.completion or "").split()))
            for row in rows
        ]
    rows, respelt = _one_spelling(rows, list(labels))

    options = sorted({*labels, *(row.label for row in rows if row.label)})
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
    return {**example, "options": list(options) if row.label else []}
