"""`bias-inherit tasks`: where the tasks are."""

from __future__ import annotations

from typing import Annotated

import typer

from bias_inherit.cli.app import app


@app.command()
def tasks(
    names: Annotated[bool, typer.Option("--list", help="List the tasks instead.")] = False,
) -> None:
    """Print the folder for lm_eval's --include_path."""
    from bias_inherit.harness.loading import tasks_folder
    from bias_inherit.tasks.configs import task_names

    if names:
        print("\n".join(f"bias_inherit_{name}" for name in task_names()))
    else:
        print(tasks_folder())
