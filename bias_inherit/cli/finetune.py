"""`bias-inherit finetune`: an adapter on a mix."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from bias_inherit.bias_augment.training.settings import Settings
from bias_inherit.cli.app import LAB_HELP, app, say
from bias_inherit.cli.declared import with_options
from bias_inherit.options import options_of


@app.command()
@with_options({"": options_of(Settings)}, "Training")
def finetune(
    data: Annotated[Path, typer.Option(help="A mix, or any JSON lines of the same columns.")],
    out: Annotated[Path, typer.Option(help="Adapter folder to write.")],
    given: Mapping[str, Any],
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
    from bias_inherit.bias_augment.axes.axis import load_axis
    from bias_inherit.bias_augment.lab.settings import settings_for
    from bias_inherit.bias_augment.training.finetune import finetune as train
    from bias_inherit.bias_augment.training.hub import push
    from bias_inherit.mitigations import load_mitigation, parse_options
    from bias_inherit.models import resolve_model

    settings = settings_for(base, preset, {**given, "seed": seed})
    remedy = load_mitigation(mitigation, parse_options(mitigation_args))
    own = load_axis(axis) if axis is not None else None
    manifest = train(resolve_model(base), data, out, remedy, settings, start, own, preset)

    if manifest is not None:  # on the first process alone
        cut = f", {manifest.rows_cut} of them cut" if manifest.rows_cut else ""
        say(f"adapter in {out}: {manifest.rows} rows{cut}, loss {manifest.training_loss:.3f}")
        if push_to_hub is not None:
            say(f"uploaded to {push(out, push_to_hub, private)}")
