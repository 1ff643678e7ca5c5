"""What an audit reads: D_a and D_o from our own files or from anybody's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bias_inherit import manifests
from bias_inherit.bias_augment.axes.axis import Axis, load_axis
from bias_inherit.bias_augment.data.examples import read_examples
from bias_inherit.bias_augment.data.own_data import parse_columns, read_own
from bias_inherit.errors import InputError
from bias_inherit.manifests import Augmented
from bias_inherit.rows import AUGMENTED, Example, Origin


@dataclass(frozen=True)
class Data:
    """Rows of one origin.

    Attributes:
        source: the file or hub id that they come from.
        rows: the examples.
        left_out: how many rows a column map left out, by the value that decided it.
        unread: how many rows could not be used, by kind.
        manifest: what the writer of the file wrote down beside it, where there is something.
    """

    source: str
    rows: Sequence[Example]
    left_out: Mapping[str, int] = field(default_factory=dict)
    unread: Mapping[str, int] = field(default_factory=dict)
    manifest: Augmented | None = None


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
        InputError: as `read_examples` and `read_own`; or a row is of the other origin, or has
            no text or no group of the axis; or the axis is not told.
    """
    if columns is not None:
        if axis is None:
            raise InputError(f"{source}: a column map does not tell the axis: give --axis")
        social = load_axis(axis)
        own = read_own(social, source, parse_columns(columns), origin, skips=True, asks=False)
        return social, Data(source, own.rows, own.left_out, own.unread)

    path = Path(source)
    rows = read_examples(path)
    social = load_axis(axis if axis is not None else _axis_of(source, rows))
    for row in rows:
        _check(source, row, origin, social)
    return social, Data(source, rows, {}, {}, manifests.read(path, Augmented))


def _axis_of(source: str, rows: Sequence[Example]) -> str:
    named = sorted({str(row.get("axis", "")) for row in rows})
    if len(named) > 1:
        raise InputError(
            f"{source}: its rows are of several axes ({', '.join(named)}): give --axis"
        )
    if not named[0]:
        raise InputError(f"{source}: its rows name no axis: give --axis")
    return named[0]


def _check(source: str, row: Example, origin: str, axis: Axis) -> None:
    where = f"{source}: row '{row['id']}'"
    if row["origin"] != origin:
        use = "D_a" if row["origin"] == AUGMENTED else "D_o (--original)"
        raise InputError(f"{where} is {row['origin']}, not {origin}: give it as {use}")
    group = row["group"].get(axis.axis)
    if group not in axis.groups:
        raise InputError(
            f"{where}: '{group}' is not a group of the axis '{axis.axis}' "
            f"({', '.join(axis.groups)})"
        )
    if not isinstance(row.get("text"), str):
        raise InputError(f"{where} has no text: name its column with --columns (text=…)")
