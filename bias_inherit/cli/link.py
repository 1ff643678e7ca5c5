"""`bias-inherit link`: the tasks inside the installed harness."""

from __future__ import annotations

from typing import Annotated

import typer

from bias_inherit.cli.app import app, say


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
