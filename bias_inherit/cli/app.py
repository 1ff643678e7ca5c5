"""The application that the commands register with, and what they share."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from bias_inherit import __version__

app = typer.Typer(
    help="Measure, make and guard against bias inheritance in language models.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
data_app = typer.Typer(help="The full public data.", no_args_is_help=True)
app.add_typer(data_app, name="data")

LAB_HELP = "A causal model: folder, hub id or .gguf file; or 'lab' for the built-in toy model."
AXIS_HELP = "gender, culture, age, race, or a folder of your own with axis.yaml and prompts/."
DATA_HELP = "'mini', 'full', or a folder that `bias-inherit data prepare` wrote."


def _print_version(wanted: bool) -> None:
    if wanted:
        print(__version__)
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    pass


def say(line: str) -> None:
    """Print a line about progress or results beside the output proper."""
    print(line, file=sys.stderr)


@contextmanager
def stages() -> Iterator[Callable[[str], None]]:
    """Yield a function that says which stage begins, with the time so far and a spinner."""
    from rich.console import Console
    from rich.text import Text

    console = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)
    begin = time.monotonic()

    def announce(line: str) -> None:
        """Print the line with the time so far, and let the spinner show it."""
        console.print(f"[{time.monotonic() - begin:4.0f} s] {line}")
        status.update(Text(line))

    with console.status("") as status:
        yield announce
