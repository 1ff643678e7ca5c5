"""`bias-inherit validate`: what is wrong with task files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from bias_inherit.cli.app import app, say
from bias_inherit.errors import InputError


@app.command()
def validate(
    folder: Annotated[
        Path | None, typer.Argument(help="A folder of lm-eval tasks (default: ours).")
    ] = None,
    metadata: Annotated[
        str | None, typer.Option(help="JSON, as lm_eval --metadata; for example which data.")
    ] = None,
    tokenizer: Annotated[
        str | None,
        typer.Option(
            help="Warn where the options of a question differ in its tokens (folder or id)."
        ),
    ] = None,
) -> None:
    """Read every task YAML strictly, build it, render a document and score an answer.

    Exit code 1 where something is wrong, one line per finding.
    """
    from rich.console import Console

    from bias_inherit.harness.evaluate import quiet_lm_eval
    from bias_inherit.harness.loading import tasks_folder
    from bias_inherit.harness.option_cost import unequal_options
    from bias_inherit.harness.validate import validate as check
    from bias_inherit.models import load_tokenizer

    try:
        settings = json.loads(metadata or "{}")
    except json.JSONDecodeError as error:
        raise InputError(f"--metadata is not valid JSON ({error})") from None

    quiet_lm_eval()
    where = folder or tasks_folder()
    spoken = None if tokenizer is None else load_tokenizer(tokenizer)
    with Console(stderr=True).status("reading") as status:
        names, findings = check(where, settings, status.update)

    for finding in findings:
        print(finding)
    say(f"{len(names)} tasks and groups checked, {len(findings)} findings")
    if findings:
        raise typer.Exit(1)
    if spoken is not None:
        for line in unequal_options(where, settings, spoken):
            print(f"warning: {line}")
