"""`bias-inherit augment --from`: a set that was made elsewhere becomes D_a."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from bias_inherit.cli.app import say
from bias_inherit.errors import InputError
from bias_inherit.rows import UNKNOWN

IMPORT = "A set that was made elsewhere"
"""The heading of its options in the help."""


def check_alone(writing: Sequence[str], options: Iterable[str]) -> None:
    """Check that nothing was given that is about writing.

    `writing` are flags, `options` names of a generator's options.

    Raises:
        InputError: something was.
    """
    flags = [*writing, *("--" + name.replace("_", "-") for name in options)]
    if flags:
        named = ", ".join(flags)
        raise InputError(
            f"{named} is about writing, and --from brings in what is written: leave it out (who "
            "wrote it: --generator-name)"
        )


def bring_in(
    source: str,
    columns: str | None,
    out: Path,
    axis: str,
    original: Path | None,
    bias_type: str | None,
    generator: str | None,
    licence: str | None,
) -> None:
    """Write a set that was made elsewhere as D_a, and say what became of its rows.

    Args:
        source: a file, a folder or a hub id.
        columns: its column map.
        out: the file, or the dataset folder.
        axis: whose groups the rows are of.
        original: D_o, whose labels are options too.
        bias_type, generator, licence: what is known of it; None is unknown.

    Raises:
        InputError: there is no column map; or as `imported.import_augmented`.
    """
    from bias_inherit.bias_augment.axes.axis import load_axis
    from bias_inherit.bias_augment.data.imported import Provenance, import_augmented
    from bias_inherit.bias_augment.data.own_data import parse_columns

    if columns is None:
        raise InputError("--from needs --columns: which column holds what (text=…,group=…)")
    said = Provenance(generator or UNKNOWN, bias_type or UNKNOWN, licence or UNKNOWN)
    notes = import_augmented(load_axis(axis), source, parse_columns(columns), out, said, original)
    for note in notes:
        say(note)
