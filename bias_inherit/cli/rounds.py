"""`bias-inherit rounds`: each adapter writes the next one's data."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from bias_inherit.bias_augment.writing.generators.registry import generators
from bias_inherit.cli.app import AXIS_HELP, DATA_HELP, LAB_HELP, app, stages
from bias_inherit.cli.declared import with_options

if TYPE_CHECKING:
    from bias_inherit.runs.rounds import Originals, Start


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
) -> None:
    """Loop: each round's adapter writes the next round's data; all rounds are scored."""
    from bias_inherit.bias_augment.data.mix import parse_ratio
    from bias_inherit.bias_augment.lab.settings import settings_for
    from bias_inherit.bias_augment.writing.generators.registry import load_generator
    from bias_inherit.harness.score import Options
    from bias_inherit.models import resolve_model
    from bias_inherit.reports.markdown import to_markdown
    from bias_inherit.runs.rounds import Rounds, run_rounds

    template = given.get("chat_template_args") if generator == "self" else None
    trained = {"chat_template_args": template} if template else {}
    plan = Rounds(
        base=resolve_model(base),
        axis=axis,
        bias_type=bias_type,
        rounds=rounds,
        ratio=parse_ratio(ratio),
        original=cast("Originals", original),  # `Rounds` refuses any other
        start=cast("Start", start),
        mitigation=mitigation,
        data=data,
        per_cell=per_cell,
        seed=seed,
        writing=given if generator == "self" else {},
        settings=settings_for(base, given=trained),
        options=Options(tasks=tuple(tasks.split(",")), data=data, limit=limit, progress=False),
    )
    writer = None if generator == "self" else load_generator(generator, given)
    with stages() as announce:
        sections = run_rounds(plan, writer, out, announce)
        announce(f"done; everything is in {out}")
    print(to_markdown(sections), end="")
