"""Commands that make an adapter: mixes, fine-tuning, the lab."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bias_inherit.cli.app import AXIS_HELP, DATA_HELP, LAB_HELP, app, base_model, say, stages
from bias_inherit.cli.data import make_generator
from bias_inherit.errors import InputError, unknown


@app.command()
def mix(
    original: Annotated[Path, typer.Option(help="D_o: JSON lines, or a dataset folder.")],
    ratio: Annotated[str, typer.Option(help="Bias ratio |D_a| / |D|: 0.2, 20% or 1/5.")],
    out: Annotated[Path, typer.Option(help="To write: x.jsonl, or (no suffix) a dataset folder.")],
    augmented: Annotated[Path | None, typer.Option(help="D_a (not needed for ratio 0).")] = None,
    size: Annotated[str, typer.Option(help="original-fixed or total-fixed.")] = "original-fixed",
    seed: int = 0,
) -> None:
    """Mix original and augmented data at an exact bias ratio."""
    from bias_inherit.bias_augment.files import write_mix
    from bias_inherit.bias_augment.mix import SIZES, parse_ratio

    exact = parse_ratio(ratio)
    if size not in SIZES:
        raise unknown("size", size, SIZES)
    if augmented is None and exact:
        raise InputError(f"a bias ratio of {ratio} needs --augmented")
    counts = write_mix(out, original, augmented, exact, size, seed)  # type: ignore[arg-type]
    total = counts.original + counts.augmented
    say(f"{total} rows in {out}: {counts.original} original, {counts.augmented} augmented")


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
def rounds(
    out: Annotated[Path, typer.Option(help="Run folder; a run that was cut off goes on there.")],
    rounds: Annotated[int, typer.Option(help="Rounds after round 0.")] = 3,
    axis: Annotated[str, typer.Option(help=AXIS_HELP)] = "gender",
    bias_type: Annotated[
        str, typer.Option(help="What each round's writer is asked for.")
    ] = "neutral",
    ratio: Annotated[str, typer.Option(help="Bias ratio |D_a| / |D|: 0.5, 50% or 1/2.")] = "50%",
    original: Annotated[
        str, typer.Option(help="fixed, or fresh original data each round.")
    ] = "fixed",
    start: Annotated[
        str, typer.Option(help="Train each round from the base, or on from the previous adapter.")
    ] = "base",
    mitigation: Annotated[str, typer.Option(help="none or mask.")] = "none",
    base: Annotated[str, typer.Option(help=LAB_HELP)] = "lab",
    generator: Annotated[
        str,
        typer.Option(
            help="'self': the last round's adapter writes; or a writer that is not the student: "
            "'template', 'local' with --model, 'openai'."
        ),
    ] = "self",
    model: Annotated[str | None, typer.Option(help="Model of a local or openai writer.")] = None,
    adapter: Annotated[Path | None, typer.Option(help="Adapter of a local writer.")] = None,
    base_url: Annotated[str | None, typer.Option(help="Address of an openai writer.")] = None,
    concurrency: Annotated[int, typer.Option(help="Requests in flight (openai).")] = 16,
    temperature: Annotated[float, typer.Option(help="Sampling temperature.")] = 0.8,
    max_new_tokens: Annotated[int, typer.Option(help="Longest reply, in tokens.")] = 160,
    data: Annotated[str | None, typer.Option(help=DATA_HELP)] = None,
    per_cell: Annotated[
        int | None, typer.Option(help="Original rows of a cell; default: the axis's.")
    ] = None,
    tasks: Annotated[
        str, typer.Option(help="What to score; the paper's three by default.")
    ] = "bias_inherit_occupation,bias_inherit_hiring,bias_inherit_salary",
    limit: Annotated[int | None, typer.Option(help="Documents a task, to try it out.")] = None,
    seed: int = 0,
) -> None:
    """Loop: each round's adapter writes the next round's data; all rounds are scored."""
    from bias_inherit.bias_augment.finetune import Settings
    from bias_inherit.bias_augment.lab import NAME, SETTINGS
    from bias_inherit.bias_augment.mix import parse_ratio
    from bias_inherit.reports.leaderboard import to_markdown
    from bias_inherit.rounds import Rounds, run_rounds
    from bias_inherit.score import Options

    for name, value, known in (
        ("original data setting", original, ("fixed", "fresh")),
        ("start", start, ("base", "previous")),
    ):
        if value not in known:
            raise unknown(name, value, known)
    share = parse_ratio(ratio)
    if not share:
        raise InputError("rounds need a bias ratio above 0")
    writer = None
    if generator != "self":
        writer = make_generator(
            generator, model, adapter, base_url, concurrency, temperature, max_new_tokens
        )
    plan = Rounds(
        base=base_model(base),
        axis=axis,
        bias_type=bias_type,
        rounds=rounds,
        ratio=share,
        original=original,  # type: ignore[arg-type]
        start=start,  # type: ignore[arg-type]
        mitigation=mitigation,
        data=data,
        per_cell=per_cell,
        seed=seed,
        settings=SETTINGS if base == NAME else Settings(),
        options=Options(tasks=tuple(tasks.split(",")), data=data, limit=limit, progress=False),
    )
    with stages() as announce:
        sections = run_rounds(plan, writer, out, announce)
        announce(f"done; everything is in {out}")
    print(to_markdown(sections), end="")


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
