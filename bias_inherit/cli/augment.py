"""`bias-inherit augment`: the augmented data D_a."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from bias_inherit.bias_augment.writing.generators.registry import generators
from bias_inherit.cli.app import AXIS_HELP, app, say
from bias_inherit.cli.declared import with_options

GENERATOR_HELP = "Who writes: see `bias-inherit generators`."


@app.command()
@with_options(
    {name: entry.options for name, entry in generators().items()}, "Options of the generators"
)
def augment(
    original: Annotated[Path, typer.Option(help="D_o, whose rows are written from.")],
    bias_type: Annotated[
        str,
        typer.Option(
            help="Such as contextual-single-explicit; the set six; or a control: neutral, "
            "counterfactual (the group swap)."
        ),
    ],
    out: Annotated[
        Path, typer.Option(help="To write: x.jsonl or a dataset folder; for a set, a folder of x.")
    ],
    given: Mapping[str, Any],
    n: Annotated[int | None, typer.Option("-n", help="Rows (default: as many as D_o).")] = None,
    axis: Annotated[str, typer.Option(help=AXIS_HELP)] = "gender",
    generator: Annotated[str, typer.Option(help=GENERATOR_HELP)] = "template",
    retries: Annotated[
        int, typer.Option(help="How often an unusable reply is asked for again.")
    ] = 2,
    seed: int = 0,
) -> None:
    """Write augmented data D_a of a bias type, of each of a set, or of a control.

    Replies of a model are kept beside the output (.replies.jsonl) as they come, and none is
    asked for twice; those that cannot be used are kept apart (.rejected.jsonl).
    """
    from bias_inherit.bias_augment.axes.axis import load_axis
    from bias_inherit.bias_augment.writing.generators.registry import load_generator
    from bias_inherit.bias_augment.writing.outputs import recorded, write_types

    writer = load_generator(generator, given)
    if generators()[generator].records:
        writer = recorded(writer, out)

    outputs = write_types(
        load_axis(axis),
        bias_type,
        original,
        out,
        writer,
        n=n,
        seed=seed,
        retries=retries,
        progress=lambda name, rows: progress_bar(f"writing {name} with {writer.name}", rows),
    )
    for output in outputs:
        if output.result is None:
            say(f"{output.path} already exists, made from the same inputs")
            continue
        result, remark = output.result, ""
        if result.failed:
            short = f"; {result.missing} rows are missing" if result.missing else ""
            remark = f" ({result.asked} replies, not used: {result.failures()}{short})"
        say(f"{len(result.examples)} augmented rows in {output.path}{remark}")


@contextmanager
def progress_bar(title: str, total: int) -> Iterator[Callable[[int], None]]:
    """Show a bar on stderr; yields a function that takes how many are done."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    with Progress(transient=True, console=console, disable=not console.is_terminal) as progress:
        bar = progress.add_task(title, total=total)
        step = max(1, total // 200)
        yield lambda done: progress.update(bar, completed=done) if done % step == 0 else None
