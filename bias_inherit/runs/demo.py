"""The demo: the whole line once, on two cores and offline, in a toy world.

A small base model is fine-tuned on biased mixes, scored by lm-eval, and compared. Every
row of its table is a run of that minute.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

from bias_inherit.arms import Arm
from bias_inherit.bias_augment.axes.bias_types import NEUTRAL
from bias_inherit.bias_augment.lab.build import lab_model
from bias_inherit.bias_augment.lab.settings import SETTINGS
from bias_inherit.bias_augment.writing.generators.template import TemplateGenerator
from bias_inherit.errors import InputError
from bias_inherit.harness.score import Options
from bias_inherit.reports.leaderboard import Section
from bias_inherit.runs.experiment import Experiment, run
from bias_inherit.tasks.public.prepared import prepare_biographies, prepare_culture

AXIS = "gender"
BIAS_TYPE = "contextual-single-implicit"
PER_CELL = 60
TASKS = ("bias_inherit_occupation", "bias_inherit_salary", "bias_inherit_bias_detection")
"""One of each kind: all would take several times as long on real data."""

NOTICE = """\
This is a toy world: a model of 0.4 million parameters that has read only composed
sentences, and a template in place of an LLM that writes stereotypes on purpose. The table
shows that the measuring works from end to end. It says nothing about real models."""


def arms(seed: int = 0) -> list[Arm]:
    """Return the demo's arms: ratio 0, 20 and 50 %, the mask mitigation, the neutral control."""
    half, fifth = Fraction(1, 2), Fraction(1, 5)
    grid = (
        (BIAS_TYPE, Fraction(0), "none"),
        (BIAS_TYPE, fifth, "none"),
        (BIAS_TYPE, half, "none"),
        (BIAS_TYPE, half, "mask"),
        (NEUTRAL, half, "none"),
    )
    return [
        Arm(axis=AXIS, bias_type=bias_type, ratio=ratio, mitigation=mitigation, seed=seed)
        for bias_type, ratio, mitigation in grid
    ]


def demo(
    out: Path, data: Path | None, limit: int | None, seed: int, announce: Callable[[str], None]
) -> list[Section]:
    """Run the demo and return its leaderboard.

    Args:
        out: an empty folder, or a new one.
        data: a folder of real data; None takes the mini data.
        limit: documents per task; None scores all.
        seed: of the mixes and the training.
        announce: told which stage begins.

    Raises:
        InputError: the folder holds no BiasinBios rows or no CultureLLM checkout.
    """
    prepared = None if data is None else _prepare(data, out / "prepared", announce)
    experiment = Experiment(
        base=str(lab_model()),
        arms=arms(seed),
        data=prepared,
        per_cell=PER_CELL,
        balanced=data is None,  # a sample of real data may lack a cell
        settings=SETTINGS,
        options=Options(tasks=TASKS, data=prepared, batch_size=64, limit=limit, progress=False),
    )
    return run(experiment, TemplateGenerator(), out, announce)


def _prepare(data: Path, out: Path, announce: Callable[[str], None]) -> str:
    """Prepare real data laid out as bias_in_bios/<file> and CultureLLM/; return the folder."""
    biographies = [
        path
        for path in sorted((data / "bias_in_bios").glob("*"))
        if path.suffix in {".jsonl", ".csv", ".parquet"}
    ]
    if not biographies or not (data / "CultureLLM").is_dir():
        raise InputError(
            f"{data}: expected bias_in_bios/ with a .jsonl, .csv or .parquet file, and "
            "CultureLLM/, a checkout of that repository"
        )

    counts, _ = prepare_biographies(str(biographies[0]), out)
    more, absent, _ = prepare_culture(data / "CultureLLM", out)
    announce("prepared real data: " + ", ".join(f"{k} {n}" for k, n in (counts | more).items()))
    if absent:
        announce(f"sets not in the checkout: {', '.join(absent)}")
    return str(out)
