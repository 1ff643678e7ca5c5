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
    from bias_inherit.bias_augment.data.files import write_mix
    from bias_inherit.bias_augment.data.mix import SIZES, parse_ratio

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
    mitigation: Annotated[
        str, typer.Option(help="See `bias-inherit mitigations`; or a .py file of your own.")
    ] = "none",
    mitigation_args: Annotated[
        str, typer.Option(help="Its options, such as lambda=0.5,layer=-2.")
    ] = "",
    preset: Annotated[
        str | None, typer.Option(help="Published settings: paper-gender or paper-culture.")
    ] = None,
    rank: Annotated[int | None, typer.Option(help="LoRA rank (16).")] = None,
    alpha: Annotated[int | None, typer.Option(help="LoRA alpha (32).")] = None,
    dropout: Annotated[float | None, typer.Option(help="LoRA dropout (0).")] = None,
    targets: Annotated[
        str | None, typer.Option(help="Layers with an adapter: all-linear, or q_proj,v_proj.")
    ] = None,
    learning_rate: Annotated[float | None, typer.Option(help="1e-4; on the lab 3e-3.")] = None,
    epochs: Annotated[float | None, typer.Option(help="3; on the lab 10.")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Rows a device: 8; on the lab 16.")] = None,
    accumulation: Annotated[
        int | None, typer.Option(help="Batches a step (gradient accumulation): 1.")
    ] = None,
    warmup: Annotated[float | None, typer.Option(help="Share of the steps: 0.1.")] = None,
    schedule: Annotated[
        str | None, typer.Option(help="transformers' lr_scheduler_type: linear, cosine …")
    ] = None,
    weight_decay: Annotated[float | None, typer.Option(help="Weight decay: 0.")] = None,
    max_length: Annotated[
        int | None, typer.Option(help="Cut longer rows from the left to so many tokens.")
    ] = None,
    chat_template: Annotated[str | None, typer.Option(help="auto, always or never.")] = None,
    precision: Annotated[str | None, typer.Option(help="auto, fp32 or bf16.")] = None,
    quantize: Annotated[
        bool | None,
        typer.Option("--quantize", help="QLoRA: the base in 4 bits (needs bitsandbytes)."),
    ] = None,
    checkpointing: Annotated[
        bool | None, typer.Option("--checkpointing", help="Recompute activations: less memory.")
    ] = None,
    checkpoint_every: Annotated[
        int | None, typer.Option(help="Steps between checkpoints, kept if training fails.")
    ] = None,
    held_out: Annotated[
        float | None, typer.Option(help="Share of the original rows kept for the evaluation loss.")
    ] = None,
    start: Annotated[Path | None, typer.Option(help="An adapter to train on from.")] = None,
    axis: Annotated[
        str | None, typer.Option(help="Folder of an axis of your own that the rows are of.")
    ] = None,
    push_to_hub: Annotated[
        str | None, typer.Option(help="Repository (owner/name) to upload the adapter to.")
    ] = None,
    private: Annotated[
        bool, typer.Option("--private", help="Make that repository a private one.")
    ] = False,
    seed: int = 0,
) -> None:
    """Fine-tune a LoRA adapter on a mix; the loss falls on the completions alone.

    For several devices: torchrun --nproc-per-node N -m bias_inherit finetune …
    """
    from dataclasses import replace

    from bias_inherit.bias_augment.axes.axis import load_axis
    from bias_inherit.bias_augment.lab.build import NAME, SETTINGS
    from bias_inherit.bias_augment.training.finetune import finetune as train
    from bias_inherit.bias_augment.training.hub import push
    from bias_inherit.bias_augment.training.settings import Settings, load_preset
    from bias_inherit.mitigations import load_mitigation, parse_options

    for name, value, known in (
        ("chat template setting", chat_template, ("auto", "always", "never")),
        ("precision", precision, ("auto", "fp32", "bf16")),
    ):
        if value is not None and value not in known:
            raise unknown(name, value, known)
    given = {
        "rank": rank,
        "alpha": alpha,
        "dropout": dropout,
        "targets": targets,
        "learning_rate": learning_rate,
        "epochs": epochs,
        "batch_size": batch_size,
        "accumulation": accumulation,
        "warmup": warmup,
        "schedule": schedule,
        "weight_decay": weight_decay,
        "max_length": max_length,
        "chat_template": chat_template,
        "precision": precision,
        "quantize": quantize,
        "checkpointing": checkpointing,
        "checkpoint_every": checkpoint_every,
        "held_out": held_out,
    }
    published = load_preset(preset).values if preset is not None else {}
    settings = replace(
        SETTINGS if base == NAME and preset is None else Settings(),
        seed=seed,
        **(dict(published) | {key: value for key, value in given.items() if value is not None}),
    )
    remedy = load_mitigation(mitigation, parse_options(mitigation_args))
    own = load_axis(axis) if axis is not None else None
    manifest = train(base_model(base), data, out, remedy, settings, start, own)
    if manifest:  # on the first process alone
        cut = f", {manifest['rows_cut']} of them cut" if manifest["rows_cut"] else ""
        say(f"adapter in {out}: {manifest['rows']} rows{cut}, loss {manifest['training_loss']:.3f}")
        if push_to_hub is not None:
            say(f"uploaded to {push(out, push_to_hub, private)}")


@app.command()
def mitigations() -> None:
    """List the mitigations and their options."""
    from rich.console import Console
    from rich.table import Table

    from bias_inherit.mitigations import mitigations as listed

    table = Table("mitigation", "what it does", "options (default)")
    for name, recipe in listed().items():
        options = "\n".join(f"{o.name} ({o.default}): {o.help}" for o in recipe.options)
        table.add_row(name, recipe.summary, options)
    Console().print(table)


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
    mitigation: Annotated[
        str, typer.Option(help="See `bias-inherit mitigations`; or a .py file of your own.")
    ] = "none",
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
    from bias_inherit.bias_augment.data.mix import parse_ratio
    from bias_inherit.bias_augment.lab.build import NAME, SETTINGS
    from bias_inherit.bias_augment.training.settings import Settings
    from bias_inherit.harness.score import Options
    from bias_inherit.reports.leaderboard import to_markdown
    from bias_inherit.runs.rounds import Rounds, run_rounds

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
    from bias_inherit.bias_augment.lab.build import build, lab_model

    if rebuild:
        build(out or lab_model())
    elif out is not None:
        raise InputError("--out is only for --rebuild")
    print(out or lab_model())
