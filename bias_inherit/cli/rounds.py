"""`bias-inherit rounds`: each adapter writes the next one's data."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from bias_inherit.bias_augment.writing.generators.registry import generators
from bias_inherit.cli.app import AXIS_HELP, DATA_HELP, LAB_HELP, app
from bias_inherit.cli.declared import with_options


@app.command()
@with_options(
    {name: entry.options for name, entry in generators().items()}, "Options of the generators"
)
def rounds(
    out: Annotated[Path, typer.Option(help="Run folder; an interrupted run resumes there.")],
    given: Mapping[str, Any],
    rounds: Annotated[int, typer.Option(help="Rounds after round 0.")] = 3,
    axis: Annotated[str, typer.Option(help=AXIS_HELP)] = "gender",
    bias_type: Annotated[
        str, typer.Option(help="What each round's writer is asked for.")
    ] = "neutral",
    ratio: Annotated[str, typer.Option(help="Bias ratio |D_a| / |D|: 0.5, 50% or 1/2.")] = "50%",
    original: Annotated[
        str, typer.Option(help="fixed, or fresh original data each round.")
    ] = "fixed",
    start: Annotated[
        str, typer.Option(help="Train each round from the base, or on from the previous adapter.")
    ] = "base",
    mitigation: Annotated[
        str, typer.Option(help="See `bias-inherit mitigations`; or a .py file of your own.")
    ] = "none",
    base: Annotated[str, typer.Option(help=LAB_HELP)] = "lab",
    generator: Annotated[
        str,
        typer.Option(
            help="'self': the last round's adapter writes; or a writer that is not the student: "
            "see `bias-inherit generators`."
        ),
    ] = "self",
    data: Annotated[str | None, typer.Option(help=DATA_HELP)] = None,
    per_cell: Annotated[
        int | None, typer.Option(help="Original rows per cell; default: the axis's.")
    ] = None,
    tasks: Annotated[
        str, typer.Option(help="What to score; the paper's three by default.")
    ] = "bias_inherit_occupation,bias_inherit_hiring,bias_inherit_salary",
    limit: Annotated[int | None, typer.Option(help="Documents per task, to try it out.")] = None,
    seed: int = 0,
    update: Annotated[
        bool, typer.Option("--update", help="Make anew what depends on what changed.")
    ] = False,
) -> None:
    """Loop: each round's adapter writes the next round's data; all rounds are scored."""
    from bias_inherit.cli.watching import run_sweep
    from bias_inherit.runs.grid import parse_grid

    options = {name: value for name, value in given.items() if value is not None}
    template = options.get("chat_template_args") if generator == "self" else None
    asked: dict[str, Any] = {
        "base": base,
        "grid": {
            "axes": axis,
            "bias_types": bias_type,
            "ratios": ratio,
            "mitigations": mitigation,
            "seeds": seed,
            "rounds": {
                "after": rounds,
                "original": original,
                "start": start,
                "writer": "self" if generator == "self" else "generator",
                "writing": options if generator == "self" else {},
            },
        },
        "data": {"original": data, "per_cell": per_cell},
        "training": {"chat_template_args": template} if template else {},
        "scoring": {"tasks": tasks.split(","), "data": data, "limit": limit},
    }
    if generator != "self":
        asked["writing"] = {"generator": generator, "options": options}
    raise typer.Exit(run_sweep(parse_grid(asked, "rounds"), out, workers=None, is_update=update))
