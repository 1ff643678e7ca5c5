"""`bias-inherit lab`: the built-in toy model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bias_inherit.cli.app import app
from bias_inherit.errors import InputError


@app.command()
def lab(
    rebuild: Annotated[bool, typer.Option(help="Train it again (about three minutes).")] = False,
    out: Annotated[
        Path | None, typer.Option(help="Where to (default: in place of the shipped one).")
    ] = None,
) -> None:
    """Print the folder of the built-in toy base model."""
    from bias_inherit.models import LAB, resolve_model

    if out is not None and not rebuild:
        raise InputError("--out is only for --rebuild")
    folder = out or Path(resolve_model(LAB))
    if rebuild:
        from bias_inherit.bias_augment.lab.build import build

        build(folder)
    print(folder)
