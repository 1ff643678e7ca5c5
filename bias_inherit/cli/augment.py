"""`bias-inherit augment`: the augmented data D_a."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from bias_inherit.bias_augment.writing.generators.registry import generators
from bias_inherit.cli.app import AXIS_HELP, app, say
from bias_inherit.cli.bring_in import IMPORT, bring_in, check_alone
from bias_inherit.cli.declared import with_options
from bias_inherit.errors import InputError

GENERATOR_HELP = "Who writes: see `bias-inherit generators`."


@app.command()
@with_options(
    {name: entry.options for name, entry in generators().items()}, "Options of the generators"
)
def augment(
    *,
    original: Annotated[
        Path | None,
        typer.Option(help="D_o, whose rows are written from; with --from its labels are options."),
    ] = None,
    bias_type: Annotated[
        str | None,
        typer.Option(
            help="Such as contextual-single-explicit; the set six; or a control: neutral, "
            "counterfactual (the group swap). With --from what was asked for, or unknown."
        ),
    ] = None,
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
    source: Annotated[
        str | None,
        typer.Option(
            "--from",
            help="A set that was made elsewhere, to bring in: a file, a folder or a hub data set.",
            rich_help_panel=IMPORT,
        ),
    ] = None,
    columns: Annotated[
        str | None,
        typer.Option(
            help="Its columns: text=bio,group=sex,label=job, or prompt=…,completion=…, or "
            "messages=…, or a YAML file of these.",
            rich_help_panel=IMPORT,
        ),
    ] = None,
    generator_name: Annotated[
        str | None, typer.Option(help="Who wrote it (default: unknown).", rich_help_panel=IMPORT)
    ] = None,
    licence: Annotated[
        str | None,
        typer.Option(help="Its licence, such as cc-by-4.0.", rich_help_panel=IMPORT),
    ] = None,
    seed: int = 0,
) -> None:
    """Write augmented data D_a of a bias type, of each of a set, or of a control; or bring it in.

    Replies of a model are kept beside the output (.replies.jsonl) as they come, and none is
    asked for twice; those that cannot be used are kept apart (.rejected.jsonl).
    """
    if source is not None:
        writes = {"-n": n is not None, "--generator": generator != "template", "--seed": seed}
        check_alone([name for name, is_given in writes.items() if is_given], given)
        bring_in(source, columns, out, axis, original, bias_type, generator_name, licence)
        return
    if columns is not None or generator_name is not None or licence is not None:
        raise InputError("--columns, --generator-name and --licence are about a set: give --from")
    if original is None or bias_type is None:
        missing = "--original" if original is None else "--bias-type"
        raise InputError(f"{missing} is missing (or bring in a set with --from and --columns)")

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
