"""`bias-inherit score`: a base and its adapters, scored by the harness."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bias_inherit.cli.app import DATA_HELP, LAB_HELP, app, say


@app.command()
def score(
    given: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[ADAPTERS]...",
            help="Adapter folders, patterns of them, or hub ids (org/name@revision); the base is "
            "always scored.",
        ),
    ] = None,
    adapters: Annotated[
        list[str] | None,
        typer.Option(help="The same, as an option that may be given several times."),
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for one results folder per model.")] = Path(
        "scores"
    ),
    base: Annotated[str, typer.Option(help=LAB_HELP)] = "lab",
    tasks: Annotated[
        str, typer.Option(help="Task names or patterns, separated by commas; quote patterns.")
    ] = "bias_inherit_*",
    spill_over: Annotated[
        str | None,
        typer.Option(
            help="Score lm-eval's tasks of these kinds too, separated by commas: ability, "
            "truthfulness, safety. Those whose data cannot be had are said and left out."
        ),
    ] = None,
    data: Annotated[str | None, typer.Option(help=DATA_HELP)] = None,
    apply_chat_template: Annotated[
        bool | None, typer.Option(help="Default: as the adapters were trained.")
    ] = None,
    chat_template_args: Annotated[
        str | None,
        typer.Option(
            help='JSON for the chat template, such as {"enable_thinking": false}. '
            "Default: as the adapters were trained."
        ),
    ] = None,
    batch_size: Annotated[int, typer.Option(help="Rows per forward pass.")] = 16,
    device: Annotated[str | None, typer.Option(help="cpu, cuda, cuda:1 …")] = None,
    limit: Annotated[int | None, typer.Option(help="Documents per task, to try it out.")] = None,
    stories: Annotated[int | None, typer.Option(help="Stories per name (default: 2).")] = None,
    forms: Annotated[
        str | None,
        typer.Option(
            help="Forms that the questions are asked in: numbers (2 or 1,3), or all. "
            "tasks/README.md says what they are."
        ),
    ] = None,
    exact: Annotated[
        bool,
        typer.Option(
            "--exact",
            help="Compute as lm-eval does, slowly: on a CPU in float32 the numbers equal the plain "
            "command's to the bit.",
        ),
    ] = False,
    resume: Annotated[
        bool,
        typer.Option(
            help="Keep what is there of the same adapter, base, settings and task versions, and "
            "score the rest; --no-resume scores all anew."
        ),
    ] = True,
    traits: Annotated[
        Path | None, typer.Option(help="A trait lexicon in place of tasks/reading/traits.yaml.")
    ] = None,
) -> None:
    """Score a base and its adapters with lm-eval; the base is loaded once."""
    from bias_inherit.harness.adapters import find_adapters
    from bias_inherit.harness.score import Options
    from bias_inherit.models import resolve_model
    from bias_inherit.runs.scored import score_into

    options = Options(
        tasks=tuple(tasks.split(",")),
        data=data,
        apply_chat_template=apply_chat_template,
        chat_template_args=chat_template_args,
        batch_size=batch_size,
        device=device,
        limit=limit,
        stories=stories,
        traits=str(traits.resolve()) if traits else None,
        forms=forms,
        exact=exact,
        spill_over=tuple(spill_over.split(",")) if spill_over else (),
        resume=resume,
    )
    named = find_adapters([*(given or ()), *(adapters or ())])
    folders = score_into(out, resolve_model(base), named, options, say)
    for folder in folders:
        say(f"results in {folder}")
    if len(folders) > 1 + len(named):
        _tell_forms(out, folders)


def _tell_forms(out: Path, folders: list[Path]) -> None:
    from bias_inherit.reports.forms import compare_forms
    from bias_inherit.reports.forms_markdown import to_markdown, write_forms
    from bias_inherit.reports.results import read_runs

    sections, explicit = compare_forms(read_runs(folders))
    write_forms(out, sections, explicit)
    print(to_markdown(sections, explicit), end="")
    say(f"the comparison of forms is in {out / 'forms.md'} and forms.json")
