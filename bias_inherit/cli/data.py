"""Commands that write data: original rows, augmented rows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bias_inherit import __version__
from bias_inherit.cli.app import AXIS_HELP, DATA_HELP, LAB_HELP, app, base_model, say
from bias_inherit.errors import InputError, unknown

if TYPE_CHECKING:
    from collections.abc import Callable

    from bias_inherit.bias_augment.writing.augment import Augmented
    from bias_inherit.bias_augment.writing.generators import Generator


@app.command()
def original(
    out: Annotated[Path, typer.Option(help="To write: x.jsonl, or (no suffix) a dataset folder.")],
    axis: Annotated[str, typer.Option(help=AXIS_HELP)] = "gender",
    data: Annotated[str | None, typer.Option(help=DATA_HELP)] = None,
    source: Annotated[
        str | None, typer.Option(help="Your own rows: a jsonl, csv or parquet, or a hub data set.")
    ] = None,
    columns: Annotated[
        str | None,
        typer.Option(help="Their columns: text=bio,group=sex,label=job, or a YAML file of these."),
    ] = None,
    licence: Annotated[
        str, typer.Option(help="Licence of --source, such as cc-by-4.0.")
    ] = "unknown",
    per_cell: Annotated[
        int | None,
        typer.Option(help="Rows of each label (or question) and group; default: the axis's."),
    ] = None,
    unbalanced: Annotated[
        bool, typer.Option("--unbalanced", help="Take every group's rows as they are.")
    ] = False,
    seed: int = 0,
) -> None:
    """Draw the original data D_o of an axis: mini, prepared public data, or your own rows."""
    from bias_inherit.bias_augment.axes.axis import load_axis
    from bias_inherit.bias_augment.data.files import write_examples
    from bias_inherit.bias_augment.data.originals import draw_original, draw_own
    from bias_inherit.bias_augment.data.own_data import parse_columns

    social = load_axis(axis)
    if (source is None) != (columns is None):
        raise InputError("--source and --columns go together")
    if source is not None and columns is not None:
        drawn = draw_own(
            social, source, parse_columns(columns), per_cell, seed, not unbalanced, licence
        )
    else:
        drawn = draw_original(social, data, per_cell, seed, not unbalanced)
    for note in drawn.notes:
        say(note)
    sources = [{**drawn.source, "rows": len(drawn.rows)}]
    manifest = {"kind": "original", "axis": social.axis, "seed": seed, "sources": sources}
    write_examples(out, drawn.rows, manifest)
    say(f"{len(drawn.rows)} original rows in {out}")


@app.command()
def augment(
    original: Annotated[Path, typer.Option(help="D_o, whose rows are the seeds.")],
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
    n: Annotated[int | None, typer.Option("-n", help="Rows (default: as many as D_o).")] = None,
    axis: Annotated[str, typer.Option(help=AXIS_HELP)] = "gender",
    generator: Annotated[
        str, typer.Option(help="'template', 'local' with --model, or 'openai' (any such server).")
    ] = "template",
    model: Annotated[
        str | None, typer.Option(help=f"{LAB_HELP} With openai: the server's name of the model.")
    ] = None,
    adapter: Annotated[Path | None, typer.Option(help="A peft adapter on --model (local).")] = None,
    base_url: Annotated[
        str | None, typer.Option(help="Such as http://127.0.0.1:8000/v1; key: OPENAI_API_KEY.")
    ] = None,
    concurrency: Annotated[int, typer.Option(help="Requests in flight (openai).")] = 16,
    temperature: Annotated[float, typer.Option(help="Sampling temperature.")] = 0.8,
    max_new_tokens: Annotated[int, typer.Option(help="Longest reply, in tokens.")] = 160,
    retries: Annotated[
        int, typer.Option(help="How often an unusable reply is asked for again.")
    ] = 2,
    seed: int = 0,
) -> None:
    """Write augmented data D_a of a bias type, of each of a set, or of a control.

    Replies of a model are kept beside the output (.replies.jsonl) as they come, and none is
    asked for twice; those that cannot be used are kept apart (.rejected.jsonl).
    """
    from bias_inherit import store
    from bias_inherit.bias_augment.axes.axis import load_axis
    from bias_inherit.bias_augment.axes.bias_types import (
        COUNTERFACTUAL,
        axis_sha256,
        check_bias_type,
        expand,
    )
    from bias_inherit.bias_augment.data.examples import data_file, read_examples
    from bias_inherit.bias_augment.data.files import is_current, write_augmented
    from bias_inherit.bias_augment.writing.generators.record import Recorded
    from bias_inherit.bias_augment.writing.produce import produce

    names = expand(bias_type)
    if retries < 0:
        raise InputError(f"retries must be at least 0, not {retries}")
    writer: Generator = make_generator(
        generator, model, adapter, base_url, concurrency, temperature, max_new_tokens
    )
    if generator != "template":
        writer = Recorded(writer, out.with_name(f"{out.name}.replies.jsonl"))
    rows = read_examples(original)
    wanted = n if n is not None else len(rows)
    social = load_axis(axis)
    for name in names:
        check_bias_type(social, name)
    inputs = {
        "original_sha256": store.sha256(data_file(original)),
        "axis_sha256": axis_sha256(social),
        "n": wanted,
        "seed": seed,
        "retries": retries,
        "generator": writer.name,
        "sampling": dict(writer.sampling),
        "version": __version__,
    }
    for name in names:
        file = out if name == bias_type else out / f"{name}.jsonl"
        if is_current(file, inputs | {"bias_type": name}):
            say(f"{file} is there already, from the same inputs")
            continue
        with progress_bar(f"writing {name} with {writer.name}", wanted) as show:
            result = produce(social, name, rows, wanted, seed, writer, retries, show)
        sampling = None if name == COUNTERFACTUAL else writer.sampling
        write_augmented(
            file,
            result,
            name,
            original=original,
            seed=seed,
            sampling=sampling,
            inputs=inputs | {"bias_type": name},
        )
        say(f"{len(result.examples)} augmented rows in {file}{_remark(result)}")


def _remark(result: Augmented) -> str:
    if not result.failed:
        return ""
    kinds = ", ".join(f"{n} {kind}" for kind, n in result.failed.items())
    short = f"; {result.missing} rows are missing" if result.missing else ""
    return f" ({result.asked} replies, not used: {kinds}{short})"


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


def make_generator(
    kind: str,
    model: str | None,
    adapter: Path | None,
    base_url: str | None,
    concurrency: int,
    temperature: float,
    max_new_tokens: int,
) -> Generator:
    """Return the generator that a command's options name.

    Raises:
        InputError: the generator is unknown, or an option of it is missing or wrong.
    """
    from bias_inherit.bias_augment.writing.generators.local import LocalGenerator
    from bias_inherit.bias_augment.writing.generators.server import ServerGenerator
    from bias_inherit.bias_augment.writing.generators.template import TemplateGenerator

    if kind == "template":
        return TemplateGenerator()
    if kind not in ("local", "openai"):
        raise unknown("generator", kind, ("template", "local", "openai"))
    if model is None:
        raise InputError(f"the generator '{kind}' needs --model")
    if temperature < 0 or max_new_tokens < 1 or concurrency < 1:
        raise InputError(
            "temperature must be at least 0, max-new-tokens and concurrency at least 1"
        )
    settings: Any = {"temperature": temperature, "max_new_tokens": max_new_tokens}
    if kind == "local":
        return LocalGenerator(base_model(model), adapter, **settings)
    if base_url is None:
        raise InputError("the generator 'openai' needs --base-url")
    return ServerGenerator(model, base_url, concurrency, **settings)
