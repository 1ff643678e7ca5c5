"""Commands that compare: the leaderboard, and the demo that ends with one."""

from __future__ import annotations

import json
import os
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from bias_inherit.cli.app import app, stages
from bias_inherit.errors import unknown


@app.command()
def leaderboard(
    results: Annotated[
        list[Path], typer.Argument(help="lm-eval result files, or folders of them.")
    ],
    baseline: Annotated[
        str | None, typer.Option(help="Compare with this model instead of each arm's ratio 0.")
    ] = None,
    output: Annotated[str, typer.Option("--format", help="markdown or json.")] = "markdown",
    out: Annotated[
        Path | None, typer.Option(help="Also write leaderboard.md and .json there.")
    ] = None,
) -> None:
    """Compare models: scores and bias gaps with intervals, and their change from ratio 0."""
    from bias_inherit.reports import leaderboard as board
    from bias_inherit.reports.results import read_runs
    from bias_inherit.runs.experiment import write_report

    if output not in ("markdown", "json"):
        raise unknown("format", output, ("markdown", "json"))
    sections = board.leaderboard(read_runs(results), baseline)
    if out is not None:
        write_report(out, sections)
    if output == "json":
        print(json.dumps(board.to_json(sections), indent=2))
    else:
        print(board.to_markdown(sections), end="")


@app.command()
def demo(
    data: Annotated[
        Path | None,
        typer.Option(help="Real data: a folder with bias_in_bios/ and CultureLLM/."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Run folder (default: a new one under runs/).")
    ] = None,
    limit: Annotated[int | None, typer.Option(help="Documents a task.")] = None,
    seed: int = 0,
) -> None:
    """Show the whole line in a toy world: fine-tune on biased mixes, score, compare."""
    # the stages are the progress here; a bar for each of their loops would bury them
    os.environ.setdefault("TQDM_DISABLE", "1")
    folder = out or Path("runs") / f"demo-{datetime.now():%Y%m%d-%H%M%S}"
    with stages() as announce:
        announce("loading libraries")
        from bias_inherit.reports.leaderboard import to_markdown
        from bias_inherit.runs.demo import NOTICE
        from bias_inherit.runs.demo import demo as run

        sections = run(folder, data, limit, seed, announce)
        announce(f"done; everything is in {folder}")
    print(f"\n{to_markdown(sections)}\n{NOTICE}")
