"""`bias-inherit original`: the original data D_o."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bias_inherit.cli.app import AXIS_HELP, DATA_HELP, app, say
from bias_inherit.errors import InputError


@app.command()
def original(
    out: Annotated[Path, typer.Option(help="To write: x.jsonl, or (no suffix) a dataset folder.")],
    axis: Annotated[str, typer.Option(help=AXIS_HELP)] = "gender",
    data: Annotated[str | None, typer.Option(help=DATA_HELP)] = None,
    source: Annotated[
        str | None,
        typer.Option(help="Your own rows: a jsonl, json, csv, tsv or parquet, or a hub data set."),
    ] = None,
    columns: Annotated[
        str | None,
        typer.Option(help="Their columns: text=bio,group=sex,label=job, or a YAML file of these."),
    ] = None,
    licence: Annotated[
        str, typer.Option(help="Licence of --source, such as cc-by-4.0.")
    ] = "unknown",
    per_cell: Annotated[
        int | None,
        typer.Option(help="Rows per label (or question) and group; default: the axis's."),
    ] = None,
    unbalanced: Annotated[
        bool, typer.Option("--unbalanced", help="Take every group's rows as they are.")
    ] = False,
    seed: int = 0,
) -> None:
    """Draw the original data D_o of an axis: mini, prepared public data, or your own rows."""
    from bias_inherit.bias_augment.axes.axis import load_axis
    from bias_inherit.bias_augment.data.files import check_apart, write_examples
    from bias_inherit.bias_augment.data.originals import draw_original, draw_own
    from bias_inherit.bias_augment.data.own_data import parse_columns

    social = load_axis(axis)
    if (source is None) != (columns is None):
        raise InputError("--source and --columns go together")
    if source is not None and columns is not None:
        check_apart(source, out)
        drawn = draw_own(
            social, source, parse_columns(columns), per_cell, seed, not unbalanced, licence
        )
    else:
        drawn = draw_original(social, data, per_cell, seed, not unbalanced)

    for note in drawn.notes:
        say(note)
    write_examples(out, drawn.rows, drawn.manifest(social.axis, seed))
    say(f"{len(drawn.rows)} original rows in {out}")
