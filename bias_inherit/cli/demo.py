"""`bias-inherit demo`: the whole line once; the sweep of a preset, in a folder of its own."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from bias_inherit.cli.app import app
from bias_inherit.errors import InputError


@app.command()
def demo(
    data: Annotated[
        Path | None,
        typer.Option(help="Real data: a folder with bias_in_bios/ and CultureLLM/."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Run folder (default: a new one under runs/).")
    ] = None,
    limit: Annotated[int | None, typer.Option(help="Documents per task.")] = None,
    real: Annotated[
        bool,
        typer.Option(
            "--real", help="With a real small model (SmolLM2-135M; the extra 'real'): 25 minutes."
        ),
    ] = False,
    seed: int = 0,
) -> None:
    """Show the whole line in a toy world: fine-tune on biased mixes, score, compare."""
    if real and data is not None:
        raise InputError("--real writes its own data: leave --data out")
    from bias_inherit.cli.watching import run_sweep
    from bias_inherit.runs.demo import demo_grid, prepare

    folder = out or Path("runs") / f"demo-{datetime.now():%Y%m%d-%H%M%S}"
    prepared = None if data is None else prepare(data, folder / "prepared")
    grid = demo_grid("real" if real else "quick", prepared, limit, seed)
    raise typer.Exit(run_sweep(grid, folder, workers=None))
