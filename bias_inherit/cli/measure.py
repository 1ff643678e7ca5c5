"""Commands that measure: the tasks, their data, and scores."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from bias_inherit.cli.app import DATA_HELP, LAB_HELP, app, base_model, data_app, say
from bias_inherit.errors import InputError


@app.command()
def tasks(
    names: Annotated[bool, typer.Option("--list", help="List the tasks instead.")] = False,
) -> None:
    """Print the folder for lm_eval's --include_path."""
    from bias_inherit.harness.score import tasks_folder
    from bias_inherit.tasks.configs import task_names

    if names:
        print("\n".join(f"bias_inherit_{name}" for name in task_names()))
    else:
        print(tasks_folder())


@app.command()
def link(
    undo: Annotated[bool, typer.Option("--undo", help="Remove the stubs again.")] = False,
) -> None:
    """Show the tasks to plain `lm_eval --tasks 'bias_inherit_*'`: writes into the harness."""
    from bias_inherit.harness import link as linking

    harness = linking.harness_tasks()
    if undo:
        removed = linking.unlink(harness)
        say(f"removed {removed}" if removed else f"nothing to undo in {harness}")
        return
    folder, many = linking.link(harness)
    say(f"{many} tasks are now visible to plain lm_eval, by stubs in {folder}")
    say(
        "this touched the installed lm-eval: repeat it after an upgrade of lm-eval or of "
        "bias-inherit; `bias-inherit link --undo` takes it back"
    )


@app.command()
def validate(
    folder: Annotated[
        Path | None, typer.Argument(help="A folder of lm-eval tasks (default: ours).")
    ] = None,
    metadata: Annotated[
        str | None, typer.Option(help="JSON, as lm_eval --metadata; for example which data.")
    ] = None,
) -> None:
    """Read every task YAML strictly, build it, render a document and score an answer.

    Exit code 1 where something is wrong, one line a finding.
    """
    from rich.console import Console

    from bias_inherit.harness.score import quiet_lm_eval, tasks_folder
    from bias_inherit.harness.validate import validate as check

    try:
        settings = json.loads(metadata or "{}")
    except json.JSONDecodeError as error:
        raise InputError(f"--metadata is no JSON ({error})") from None
    quiet_lm_eval()
    with Console(stderr=True).status("reading") as status:
        names, findings = check(folder or tasks_folder(), settings, status.update)
    for finding in findings:
        print(finding)
    say(f"{len(names)} tasks and groups checked, {len(findings)} findings")
    if findings:
        raise typer.Exit(1)


@data_app.command()
def prepare(
    bias_in_bios: Annotated[
        str | None,
        typer.Option(help="BiasinBios: hub id LabHC/bias_in_bios, or a .jsonl, .csv, .parquet."),
    ] = None,
    culturellm: Annotated[
        Path | None, typer.Option(help="A checkout of github Scarelette/CultureLLM.")
    ] = None,
    global_opinions: Annotated[
        str | None,
        typer.Option(help="GlobalOpinionQA: hub id Anthropic/llm_global_opinions, or its .csv."),
    ] = None,
    names: Annotated[
        Path | None, typer.Option(help="Your names by culture and gender (hiring, story).")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help='Where to (default: where `--metadata \'{"data": "full"}\'` looks).'),
    ] = None,
) -> None:
    """Turn public data, or your own names, into the documents of the full tasks."""
    from bias_inherit import store
    from bias_inherit.tasks.public.prepared import (
        prepare_biographies,
        prepare_culture,
        prepare_names,
        prepare_survey,
    )

    if not any((bias_in_bios, culturellm, global_opinions, names)):
        raise InputError(
            "nothing to prepare: give --bias-in-bios, --culturellm, --global-opinions or --names"
        )
    folder = out or store.data_dir()
    if bias_in_bios is not None:
        _say_counts(prepare_biographies(bias_in_bios, folder))
    if culturellm is not None:
        counts, absent, few = prepare_culture(culturellm, folder)
        _say_counts(counts)
        for path in absent:
            say(f"not in the checkout, left out: {path}")
        for line in few:
            say(line)
    if global_opinions is not None:
        _say_counts(prepare_survey(global_opinions, folder))
    if names is not None:
        _say_counts(prepare_names(names, folder))
    say(f"prepared in {folder}")


def _say_counts(counts: dict[str, int]) -> None:
    for name, n in counts.items():
        say(f"{name}: {n} documents")


@app.command()
def score(
    adapters: Annotated[
        list[Path] | None, typer.Argument(help="Adapter folders; the base is always scored.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for a folder of results a model.")] = Path(
        "scores"
    ),
    base: Annotated[str, typer.Option(help=LAB_HELP)] = "lab",
    tasks: Annotated[
        str, typer.Option(help="Task names or patterns, separated by commas; quote patterns.")
    ] = "bias_inherit_*",
    data: Annotated[str | None, typer.Option(help=DATA_HELP)] = None,
    apply_chat_template: Annotated[
        bool | None, typer.Option(help="Default: as the adapters were trained.")
    ] = None,
    batch_size: Annotated[int, typer.Option(help="Rows a forward pass.")] = 16,
    device: Annotated[str | None, typer.Option(help="cpu, cuda, cuda:1 …")] = None,
    limit: Annotated[int | None, typer.Option(help="Documents a task, to try it out.")] = None,
    stories: Annotated[int | None, typer.Option(help="Stories a name (default: 2).")] = None,
    traits: Annotated[
        Path | None, typer.Option(help="A trait lexicon in place of tasks/reading/traits.yaml.")
    ] = None,
) -> None:
    """Score a base and its adapters with lm-eval; the base is loaded once."""
    from bias_inherit.harness.score import Options, name_adapters
    from bias_inherit.harness.score import score as run
    from bias_inherit.runs.adapter_scores import update_cards

    options = Options(
        tasks=tuple(tasks.split(",")),
        data=data,
        apply_chat_template=apply_chat_template,
        batch_size=batch_size,
        device=device,
        limit=limit,
        stories=stories,
        traits=str(traits.resolve()) if traits else None,
    )
    named = name_adapters(adapters or [])
    for folder in run(base_model(base), named, lambda name: out / name, options, say):
        say(f"results in {folder}")
    if limit is None:  # the cards of adapters of ours tell their scores
        update_cards(named, lambda name: out / name)
