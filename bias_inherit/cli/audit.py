"""`bias-inherit audit`: what is in a data set before a model is trained on it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from bias_inherit.cli.app import AXIS_HELP, app, say, stages
from bias_inherit.errors import InputError, unknown

COLUMNS_HELP = (
    "where it is not a file of ours, its columns: text=…,group=…,label=…, or a YAML file."
)


@app.command()
def audit(
    augmented: Annotated[
        str, typer.Argument(help="D_a: JSON lines of ours; with --columns any file or hub id.")
    ],
    original: Annotated[str | None, typer.Option(help="D_o, to compare with.")] = None,
    axis: Annotated[
        str | None, typer.Option(help=f"{AXIS_HELP} Default: what the rows of D_a say.")
    ] = None,
    columns: Annotated[str | None, typer.Option(help=f"Of D_a, {COLUMNS_HELP}")] = None,
    original_columns: Annotated[str | None, typer.Option(help=f"Of D_o, {COLUMNS_HELP}")] = None,
    encoder: Annotated[
        str | None,
        typer.Option(
            help="For the distance to D_o: a transformers model (folder or hub id). "
            "Default: 'lab', the built-in toy model."
        ),
    ] = None,
    output: Annotated[str, typer.Option("--format", help="markdown or json.")] = "markdown",
    out: Annotated[
        Path | None, typer.Option(help="Also write audit.md, .json and .png into this folder.")
    ] = None,
    seed: int = 0,
) -> None:
    """Tell what is in a synthetic data set: counts, cues, copies, traits, distance to D_o."""
    from bias_inherit import store
    from bias_inherit.reports.audit import to_json, to_markdown
    from bias_inherit.reports.audit_files import write_audit
    from bias_inherit.rows import AUGMENTED, ORIGINAL

    if output not in ("markdown", "json"):
        raise unknown("format", output, ("markdown", "json"))
    if original is None and (encoder is not None or original_columns is not None):
        raise InputError("--encoder and --original-columns are about D_o: give --original too")
    if out is not None:
        store.check_place(out, "audit")
    with stages() as announce:
        announce("reading")
        from bias_inherit.bias_augment.audit import audit as look
        from bias_inherit.bias_augment.audit import read_data

        social, rows = read_data(augmented, AUGMENTED, axis, columns)
        others = model = None
        if original is not None:
            _, others = read_data(original, ORIGINAL, axis or social.axis, original_columns)
            from bias_inherit.bias_augment.audit.embed import load_encoder

            model = load_encoder(encoder or "lab")
        found = look(social, rows, others, model, seed, announce)
        if out is not None:
            announce("drawing")
            write_audit(out, found)
    if out is not None:
        say(f"audit.md, audit.json and audit.png in {out}")
    print(json.dumps(to_json(found), indent=2) if output == "json" else to_markdown(found), end="")
