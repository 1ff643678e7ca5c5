"""`bias-inherit mix`: original and augmented data at an exact bias ratio."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bias_inherit.cli.app import app, say
from bias_inherit.errors import InputError


@app.command()
def mix(
    original: Annotated[Path, typer.Option(help="D_o: JSON lines, or a dataset folder.")],
    ratio: Annotated[str, typer.Option(help="Bias ratio |D_a| / |D|: 0.2, 20% or 1/5.")],
    out: Annotated[Path, typer.Option(help="To write: x.jsonl, or (no suffix) a dataset folder.")],
    augmented: Annotated[Path | None, typer.Option(help="D_a (not needed for ratio 0).")] = None,
    size: Annotated[str, typer.Option(help="original-fixed or total-fixed.")] = "original-fixed",
    seed: int = 0,
) -> None:
    """Mix original and augmented data at an exact bias ratio."""
    from bias_inherit.bias_augment.data.files import write_mix
    from bias_inherit.bias_augment.data.mix import parse_ratio, parse_size

    exact, rule = parse_ratio(ratio), parse_size(size)
    if augmented is None and exact:
        raise InputError(f"a bias ratio of {ratio} needs --augmented")

    counts = write_mix(out, original, augmented, exact, rule, seed)
    total = counts.original + counts.augmented
    say(f"{total} rows in {out}: {counts.original} original, {counts.augmented} augmented")
