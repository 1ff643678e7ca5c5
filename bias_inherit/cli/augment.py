"""`bias-inherit augment`: the augmented data D_a."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bias_inherit.bars import Bar
from bias_inherit.bias_augment.writing.generators.registry import generators
from bias_inherit.cli.app import AXIS_HELP, app, say
from bias_inherit.cli.bring_in import IMPORT, bring_in, check_alone
from bias_inherit.cli.declared import with_options
from bias_inherit.cli.trial import told
from bias_inherit.errors import InputError, unknown

if TYPE_CHECKING:
    from bias_inherit.bias_augment.writing.outputs import Output

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
    label: Annotated[
        str | None,
        typer.Option(
            help="Who decides a text's label: the generator (chosen) or its source row (given).",
            show_default="chosen",
        ),
    ] = None,
    label_share: Annotated[
        Path | None,
        typer.Option(
            help="Labels that are given, by group: a YAML or JSON file, group: {label: count}. It "
            "plants a stereotype of known strength; a control has its sources' labels."
        ),
    ] = None,
    label_in_text: Annotated[
        str, typer.Option(help="A text that names its own label: keep, or drop and ask again.")
    ] = "keep",
    tried: Annotated[
        int | None,
        typer.Option(
            "--try",
            help="Write so many rows of each prompt, show what is usable and what the whole takes, "
            "and keep nothing but the replies, which the run itself uses.",
        ),
    ] = None,
    price_in: Annotated[
        float | None, typer.Option(help="With --try: of a million tokens of prompts.")
    ] = None,
    price_out: Annotated[
        float | None, typer.Option(help="With --try: of a million tokens of replies.")
    ] = None,
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
        writes = {"-n": n, "--label": label, "--label-share": label_share, "--try": tried}
        writes |= {"--generator": generator != "template" or None, "--seed": seed or None}
        check_alone([name for name, value in writes.items() if value is not None], given)
        bring_in(source, columns, out, axis, original, bias_type, generator_name, licence)
        return
    if columns is not None or generator_name is not None or licence is not None:
        raise InputError("--columns, --generator-name and --licence are about a set: give --from")
    if original is None or bias_type is None:
        missing = "--original" if original is None else "--bias-type"
        raise InputError(f"{missing} is missing (or bring in a set with --from and --columns)")

    if label_in_text not in ("keep", "drop"):
        raise unknown("label-in-text", label_in_text, ("keep", "drop"))

    from bias_inherit.bias_augment.axes.axis import load_axis
    from bias_inherit.bias_augment.writing.generators.registry import load_generator
    from bias_inherit.bias_augment.writing.labels import read_labels
    from bias_inherit.bias_augment.writing.outputs import recorded, write_types
    from bias_inherit.bias_augment.writing.trial import try_types

    writer = load_generator(generator, given)
    if generators()[generator].records:
        writer = recorded(writer, out)
    about = (load_axis(axis), bias_type, original)
    labels, keep_named = read_labels(label, label_share), label_in_text == "keep"

    @contextmanager
    def progress(name: str, rows: int) -> Iterator[Callable[[int], None]]:
        """Show how far a type has come."""
        with Bar(f"writing {name} with {writer.name}", rows) as bar:
            yield bar.at

    if tried is not None:
        trials = try_types(
            *about,
            writer,
            tried,
            n=n,
            seed=seed,
            retries=retries,
            labels=labels,
            keep_named=keep_named,
            progress=progress,
        )
        for line in told(trials, price_in, price_out):
            print(line)
        return

    outputs = write_types(
        *about,
        out,
        writer,
        n=n,
        seed=seed,
        retries=retries,
        labels=labels,
        keep_named=keep_named,
        progress=progress,
    )
    for output in outputs:
        for line in _said(output):
            say(line)


def _said(output: Output) -> Iterator[str]:
    """Yield what a user is told of a file that was written."""
    from bias_inherit.bias_augment.writing.order import favoured

    if output.result is None:
        yield f"{output.path} already exists, made from the same inputs"
        return
    result, remark = output.result, ""
    if result.failed:
        short = f"; {result.missing} rows are missing" if result.missing else ""
        remark = f" ({result.asked} replies, not used: {result.failures()}{short})"
    yield f"{len(result.examples)} augmented rows in {output.path}{remark}"

    place = favoured(result.places)
    if place is not None:
        yield (
            f"warning: {output.path}: labels follow the order of the list, not the person: that at "
            f"place {place.place} was chosen in {100 * place.share:.0f} % of {place.n} (chance "
            f"{100 * place.chance:.0f} %); use --label given, or another model"
        )
