"""`bias-inherit sweep` and `status`: a grid of arms, and how far it has come."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bias_inherit.cli.app import app
from bias_inherit.errors import InputError, unknown

if TYPE_CHECKING:
    from bias_inherit.runs.executors import Executor
    from bias_inherit.runs.sweep import Begin

EXECUTORS = ("local", "ray")
WORKERS_HELP = "Processes side by side; default: what cores, memory and GPUs hold."


@app.command()
def sweep(
    grid: Annotated[
        str | None, typer.Argument(help="A YAML file, or a preset: quick, lab, real, paper.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Run folder, which goes on where it stopped; default: runs/<grid>."),
    ] = None,
    workers: Annotated[int | None, typer.Option(min=1, help=WORKERS_HELP)] = None,
    executor: Annotated[
        str, typer.Option(help="local, or ray: workers on a Ray cluster (extra 'ray').")
    ] = "local",
    address: Annotated[
        str | None,
        typer.Option(help="Of the Ray cluster; default: RAY_ADDRESS, or this machine's."),
    ] = None,
    gpus_per_worker: Annotated[
        float | None, typer.Option(min=0, help="Of a Ray worker, also a fraction; default: 1.")
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Show the arms, what is done, time and disk; run none."),
    ] = False,
    update: Annotated[
        bool, typer.Option("--update", help="Make anew what depends on what changed in the grid.")
    ] = False,
    schema: Annotated[
        bool, typer.Option("--schema", help="Print the file's JSON schema, for editors.")
    ] = False,
) -> None:
    """Train and score every arm of a grid; what is done is not done again."""
    from bias_inherit.runs.grid import json_schema, read_grid

    if executor not in EXECUTORS:
        raise unknown("executor", executor, EXECUTORS)
    if schema:
        print(json.dumps(json_schema(), indent=2))
        return
    if grid is None:
        raise InputError("name a grid: a YAML file, or a preset (quick, lab, real, paper)")
    asked = read_grid(grid)
    folder = out or Path("runs") / Path(grid).stem
    if dry_run:
        from bias_inherit.runs.estimate import estimate
        from bias_inherit.runs.plan import make_plan
        from bias_inherit.runs.status import survey

        plan = make_plan(asked)
        print(survey(plan, folder).to_text(every=True), end="")
        print(estimate(plan, folder, workers).to_text())
        return

    from bias_inherit.cli.watching import run_sweep

    begin: Begin | None = None
    if executor == "ray":
        from bias_inherit.runs.ray_executor import RayExecutor

        def begin(base: str, jobs: int) -> Executor:
            return RayExecutor(address, jobs, workers, gpus_per_worker)

    raise typer.Exit(run_sweep(asked, folder, workers, update, begin))


@app.command()
def status(
    run: Annotated[Path, typer.Argument(help="The folder of a sweep.")],
    every: Annotated[
        bool, typer.Option("--every", help="Name the arms that are done too.")
    ] = False,
) -> None:
    """Say which arms of a sweep are done, running, stale, failed or waiting."""
    from bias_inherit.runs.plan import make_plan
    from bias_inherit.runs.status import survey
    from bias_inherit.runs.sweep import read_run

    print(survey(make_plan(read_run(run)), run).to_text(every), end="")
