"""Commands that make an adapter: original and augmented data, mixes, fine-tuning, the lab."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from bias_inherit.cli.app import DATA_HELP, LAB_HELP, app, base_model, say
from bias_inherit.errors import InputError, unknown


@app.command()
def original(
    out: Annotated[Path, typer.Option(help="JSON lines to write.")],
    axis: Annotated[str, typer.Option(help="The axis.")] = "gender",
    data: Annotated[str | None, typer.Option(help=DATA_HELP)] = None,
    per_cell: Annotated[int, typer.Option(help="Rows of each label and group.")] = 300,
    seed: int = 0,
) -> None:
    """Draw the original data D_o of an axis."""
    from bias_inherit.bias_augment.axes import load_axis
    from bias_inherit.bias_augment.originals import draw_original
    from bias_inherit.experiment import write_examples

    rows = draw_original(load_axis(axis), data, per_cell, seed)
    write_examples(out, rows, {"kind": "original", "axis": axis, "seed": seed})
    say(f"{len(rows)} original rows in {out}")


@app.command()
def augment(
    original: Annotated[Path, typer.Option(help="D_o, whose rows are the seeds.")],
    bias_type: Annotated[
        str, typer.Option(help="Such as contextual-single-explicit, neutral, or the set six.")
    ],
    out: Annotated[Path, typer.Option(help="JSON lines to write; for a set, a folder of them.")],
    n: Annotated[int | None, typer.Option("-n", help="Rows (default: as many as D_o).")] = None,
    axis: Annotated[str, typer.Option(help="The axis.")] = "gender",
    generator: Annotated[
        str, typer.Option(help="'template', 'local' with --model, or 'openai' (any such server).")
    ] = "template",
    model: Annotated[
        str | None, typer.Option(help=f"{LAB_HELP} With openai: the server's name of the model.")
    ] = None,
    base_url: Annotated[
        str | None, typer.Option(help="Such as http://127.0.0.1:8000/v1; key: OPENAI_API_KEY.")
    ] = None,
    concurrency: Annotated[int, typer.Option(help="Requests in flight (openai).")] = 16,
    seed: int = 0,
) -> None:
    """Write augmented data D_a of a bias type, or of each of a set."""
    from rich.progress import Progress

    from bias_inherit.bias_augment.augment import augment as write
    from bias_inherit.bias_augment.augment import build_requests
    from bias_inherit.bias_augment.axes import load_axis
    from bias_inherit.bias_augment.bias_types import expand
    from bias_inherit.bias_augment.examples import read_examples
    from bias_inherit.experiment import write_augmented

    names = expand(bias_type)
    writer = _generator(generator, model, seed, base_url, concurrency, out)
    rows = read_examples(original)
    wanted = n if n is not None else len(rows)
    social = load_axis(axis)
    asked = {t: build_requests(social, t, rows, wanted, seed, writer.name) for t in names}
    for name, requests in asked.items():
        with Progress(transient=True) as progress:
            bar = progress.add_task(f"writing {name} with {writer.name}", total=len(requests))
            result = write(requests, writer, partial(_completed, progress, bar))
        kinds = ", ".join(f"{n} {kind}" for kind, n in sorted(result.failed.items()))
        if not result.examples:
            raise InputError(
                f"none of the {wanted} replies of {writer.name} could be used: {kinds}"
            )
        file = out if name == bias_type else out / f"{name}.jsonl"
        write_augmented(file, result, name)
        say(
            f"{len(result.examples)} augmented rows in {file}"
            + (f" (not used: {kinds})" if kinds else "")
        )


def _completed(progress: Any, bar: Any, done: int) -> None:
    progress.update(bar, completed=done)


def _generator(
    kind: str, model: str | None, seed: int, base_url: str | None, concurrency: int, out: Path
) -> Any:
    from bias_inherit.bias_augment.generators.local import LocalGenerator
    from bias_inherit.bias_augment.generators.server import ServerGenerator
    from bias_inherit.bias_augment.generators.template import TemplateGenerator

    if kind == "template":
        return TemplateGenerator()
    if kind not in ("local", "openai"):
        raise unknown("generator", kind, ("template", "local", "openai"))
    if model is None:
        raise InputError(f"the generator '{kind}' needs --model")
    if kind == "local":
        return LocalGenerator(base_model(model), seed=seed)
    if base_url is None:
        raise InputError("the generator 'openai' needs --base-url")
    if concurrency < 1:
        raise InputError(f"concurrency must be at least 1, not {concurrency}")
    record = out.with_name(f"{out.name}.replies.jsonl")
    return ServerGenerator(model, base_url, record, concurrency, seed=seed)


@app.command()
def mix(
    original: Annotated[Path, typer.Option(help="D_o.")],
    ratio: Annotated[str, typer.Option(help="Bias ratio |D_a| / |D|: 0.2, 20% or 1/5.")],
    out: Annotated[Path, typer.Option(help="JSON lines to write.")],
    augmented: Annotated[Path | None, typer.Option(help="D_a (not needed for ratio 0).")] = None,
    size: Annotated[str, typer.Option(help="original-fixed or total-fixed.")] = "original-fixed",
    seed: int = 0,
) -> None:
    """Mix original and augmented data at an exact bias ratio."""
    from bias_inherit.bias_augment import mix as mixing
    from bias_inherit.bias_augment.examples import read_examples
    from bias_inherit.experiment import write_mix

    exact = mixing.parse_ratio(ratio)
    if size not in mixing.SIZES:
        raise unknown("size", size, mixing.SIZES)
    if augmented is None and exact:
        raise InputError(f"a bias ratio of {ratio} needs --augmented")
    added = read_examples(augmented) if augmented is not None else []
    rows = mixing.mix(read_examples(original), added, exact, size, seed)  # type: ignore[arg-type]
    write_mix(out, rows, exact, size, seed)  # type: ignore[arg-type]
    many = sum(row["origin"] == "augmented" for row in rows)
    say(f"{len(rows)} rows in {out}: {len(rows) - many} original, {many} augmented")


@app.command()
def finetune(
    data: Annotated[Path, typer.Option(help="A mix, or any JSON lines of the same columns.")],
    out: Annotated[Path, typer.Option(help="Adapter folder to write.")],
    base: Annotated[str, typer.Option(help=LAB_HELP)] = "lab",
    mitigation: Annotated[str, typer.Option(help="none or mask.")] = "none",
    rank: Annotated[int, typer.Option(help="LoRA rank.")] = 16,
    alpha: Annotated[int, typer.Option(help="LoRA alpha.")] = 32,
    targets: Annotated[str, typer.Option(help="LoRA target modules.")] = "all-linear",
    learning_rate: Annotated[
        float | None, typer.Option(help="Default: 1e-4; on the lab 3e-3.")
    ] = None,
    epochs: Annotated[float | None, typer.Option(help="Default: 3; on the lab 10.")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Default: 8; on the lab 16.")] = None,
    accumulation: Annotated[int, typer.Option(help="Gradient accumulation steps.")] = 1,
    max_length: Annotated[
        int | None, typer.Option(help="Cut longer rows from the left to so many tokens.")
    ] = None,
    chat_template: Annotated[str, typer.Option(help="auto, always or never.")] = "auto",
    seed: int = 0,
) -> None:
    """Fine-tune a LoRA adapter on a mix; the loss falls on the completions alone."""
    from dataclasses import replace

    from bias_inherit.bias_augment.finetune import Settings
    from bias_inherit.bias_augment.finetune import finetune as train
    from bias_inherit.bias_augment.lab import NAME, SETTINGS
    from bias_inherit.mitigations import load_mitigation

    if chat_template not in ("auto", "always", "never"):
        raise unknown("chat template setting", chat_template, ("auto", "always", "never"))
    given = {"learning_rate": learning_rate, "epochs": epochs, "batch_size": batch_size}
    settings = replace(
        SETTINGS if base == NAME else Settings(),
        rank=rank,
        alpha=alpha,
        targets=targets,
        accumulation=accumulation,
        max_length=max_length,
        chat_template=chat_template,  # type: ignore[arg-type]
        seed=seed,
        **{key: value for key, value in given.items() if value is not None},  # type: ignore[arg-type]
    )
    manifest = train(base_model(base), data, out, load_mitigation(mitigation), settings)
    say(f"adapter in {out}: {manifest['rows']} rows, loss {manifest['training_loss']:.3f}")


@app.command()
def lab(
    rebuild: Annotated[bool, typer.Option(help="Train it again (about three minutes).")] = False,
    out: Annotated[
        Path | None, typer.Option(help="Where to (default: in place of the shipped one).")
    ] = None,
) -> None:
    """Print the folder of the built-in toy base model."""
    from bias_inherit.bias_augment.lab import build, lab_model

    if rebuild:
        build(out or lab_model())
    elif out is not None:
        raise InputError("--out is only for --rebuild")
    print(out or lab_model())
