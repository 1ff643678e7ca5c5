"""What an audit reads: D_a and D_o from our own files or from anybody's.

Rows that cannot be used are counted by kind and left out; only where none is left it is an error.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bias_inherit import manifests
from bias_inherit.bias_augment.axes.axis import Axis, load_axis
from bias_inherit.bias_augment.data.examples import COLUMNS, check_example, data_file
from bias_inherit.bias_augment.data.own_data import parse_columns, read_own
from bias_inherit.errors import InputError, RowError, shown
from bias_inherit.manifests import Augmented
from bias_inherit.rows import AUGMENTED, Example, Origin
from bias_inherit.tasks.public.tables import read_file


@dataclass(frozen=True)
class Data:
    """Rows of one origin.

    Attributes:
        source: the file or hub id that they come from.
        rows: the examples.
        left_out: how many rows a column map left out, by the value that decided it.
        manifest: what the writer of the file wrote down beside it, where there is something.
        unread: how many rows could not be used, by kind.
        respelt: rows whose label was written otherwise, by "Nurse as nurse".
    """

    source: str
    rows: Sequence[Example]
    left_out: Mapping[str, int] = field(default_factory=dict)
    manifest: Augmented | None = None
    unread: Mapping[str, int] = field(default_factory=dict)
    respelt: Mapping[str, int] = field(default_factory=dict)


def read_data(
    source: str, origin: Origin, axis: str | None, columns: str | None
) -> tuple[Axis, Data]:
    """Return the rows of a source and their axis.

    Without a column map the source is a file of examples, whose rows name the axis where
    `axis` does not.

    Args:
        source: a file or folder; with a column map also a hub id.
        origin: what its rows must be: D_o or D_a.
        axis: its name or folder; needed with a column map.
        columns: a column map, as `parse_columns` reads it.

    Raises:
        InputError: the source is absent or broken as a whole, or no row of it can be used; a row
            is of the other origin; or the axis is not told.
    """
    if columns is None:
        return _read_ours(Path(source), source, origin, axis)
    if axis is None:
        raise InputError(f"{source}: a column map does not tell the axis: give --axis")
    social = load_axis(axis)
    own = read_own(social, source, parse_columns(columns), origin, skips=True, asks=False)
    return social, Data(source, own.rows, own.left_out, None, own.unread, own.respelt)


def _read_ours(path: Path, source: str, origin: Origin, axis: str | None) -> tuple[Axis, Data]:
    """Return the rows of a file or folder of ours that can be used, and their axis."""
    odd = _Odd(source)
    seen: dict[str, str] = {}
    read: list[Example] = []
    for where, row in read_file(data_file(path), COLUMNS):
        try:
            if isinstance(row, RowError):
                raise row
            read.append(check_example(where, row, seen))
        except RowError as error:
            odd.add(error)
    odd.check(read)

    social = load_axis(axis if axis is not None else _axis_of(source, read))
    rows = []
    for example in read:
        _check_origin(source, example, origin)
        try:
            _check(source, example, social)
        except RowError as error:
            odd.add(error)
        else:
            rows.append(example)
    odd.check(rows)
    written = manifests.read(path, Augmented)
    return social, Data(source, rows, unread=odd.kinds, manifest=written)


class _Odd:
    """Counts the rows of a source that cannot be used, by kind, and keeps the first error."""

    def __init__(self, source: str) -> None:
        self.source, self.kinds = source, Counter[str]()
        self.first: RowError | None = None

    def add(self, error: RowError) -> None:
        self.first = self.first or error
        self.kinds[error.kind] += 1

    def check(self, rows: Sequence[Example]) -> None:
        """Raise an InputError where no row is left."""
        if rows:
            return
        if self.first is None:
            raise InputError(f"{self.source}: has no rows")
        raise InputError(
            f"{self.source}: no row can be used as one of ours; the first: {self.first} (rows of "
            "others come in with --columns)"
        )


def _axis_of(source: str, rows: Sequence[Example]) -> str:
    named = sorted({str(row.get("axis", "")) for row in rows})
    if len(named) > 1:
        raise InputError(
            f"{source}: its rows are of several axes ({', '.join(named)}): give --axis"
        )
    if not named[0]:
        raise InputError(f"{source}: its rows name no axis: give --axis")
    return named[0]


def _check_origin(source: str, row: Example, origin: Origin) -> None:
    if row["origin"] != origin:
        use = "D_a" if row["origin"] == AUGMENTED else "D_o (--original)"
        raise InputError(
            f"{source}: row '{row['id']}' is {row['origin']}, not {origin}: give it as {use}"
        )


def _check(source: str, row: Example, axis: Axis) -> None:
    where = f"{source}: row '{row['id']}'"
    group = row["group"].get(axis.axis)
    if group not in axis.groups:
        raise RowError(
            f"an unknown group of {axis.axis}",
            f"{where}: '{shown(group)}' is not a group of the axis '{axis.axis}' "
            f"({', '.join(axis.groups)})",
        )
    text = row.get("text")
    if not isinstance(text, str):
        raise RowError("no text", f"{where} has no text: name its column with --columns (text=…)")
    if not text.strip():
        raise RowError("an empty text", f"{where} has an empty text")
