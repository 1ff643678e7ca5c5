"""Rounds: each round's adapter writes the next round's data.

Round 0 is trained on the original data alone. In round k the adapter of round k - 1 (or a
generator that is not the student) writes D_a under a neutral or a biased prompt; that is
mixed at the bias ratio with fixed or fresh original data, and an adapter is trained on the
mix, from the base or on from the last one. All are scored alike. Source: arXiv 2502.04419
(its rounds: 3,600 unbiased rows and 50 % neutral-prompt rows); everything else is our choice.

A run that was cut off goes on in its folder: replies and adapters that are there are kept.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

from bias_inherit import store
from bias_inherit.bias_augment.axes.axis import Axis, load_axis
from bias_inherit.bias_augment.axes.bias_types import NEUTRAL, check_bias_type
from bias_inherit.bias_augment.data.examples import read_examples
from bias_inherit.bias_augment.data.files import write_augmented, write_examples, write_mix
from bias_inherit.bias_augment.data.mix import mix_counts
from bias_inherit.bias_augment.data.originals import draw_original
from bias_inherit.bias_augment.training.finetune import finetune
from bias_inherit.bias_augment.training.settings import Settings
from bias_inherit.bias_augment.writing.generators import Generator
from bias_inherit.bias_augment.writing.generators.local import LocalGenerator
from bias_inherit.bias_augment.writing.generators.record import Recorded
from bias_inherit.bias_augment.writing.produce import produce_enough
from bias_inherit.errors import InputError
from bias_inherit.harness.score import BASE, Options, score
from bias_inherit.mitigations import load_mitigation
from bias_inherit.reports.leaderboard import Section, leaderboard
from bias_inherit.reports.results import read_runs
from bias_inherit.runs.adapter_scores import update_cards
from bias_inherit.runs.experiment import Arm, write_report

Originals = Literal["fixed", "fresh"]
Start = Literal["base", "previous"]

FRESH = 1000
"""Fresh original data of round k are drawn with the run's seed plus so much times k."""


@dataclass(frozen=True)
class Rounds:
    """What a run of rounds consists of.

    Attributes:
        rounds: how many after round 0.
        original: "fixed" keeps D_o, "fresh" draws it anew each round (mini data composes new
            rows; prepared data draws others where it has them).
        start: whether a round trains from the base, or on from the previous adapter.
    """

    base: str
    axis: str = "gender"
    bias_type: str = NEUTRAL
    rounds: int = 3
    ratio: Fraction = Fraction(1, 2)
    original: Originals = "fixed"
    start: Start = "base"
    mitigation: str = "none"
    data: str | None = None
    per_cell: int | None = None
    seed: int = 0
    settings: Settings = field(default_factory=Settings)
    options: Options = field(default_factory=Options)


def run_rounds(
    plan: Rounds, writer: Generator | None, out: Path, announce: Callable[[str], None]
) -> list[Section]:
    """Run all rounds into the folder `out` and return the leaderboard.

    `writer` is a generator that is not the student; None lets each round's adapter write.

    Raises:
        InputError: a setting is wrong, the folder holds another run, or a round's replies
            cannot be used.
    """
    if plan.rounds < 1:
        raise InputError(f"rounds must be at least 1, not {plan.rounds}")
    axis = load_axis(plan.axis)
    check_bias_type(axis, plan.bias_type)
    load_mitigation(plan.mitigation)
    _claim(out, _config(plan, writer))
    adapters: dict[str, Path] = {}
    for k in range(plan.rounds + 1):
        arm = Arm(
            axis.axis,
            plan.bias_type,
            plan.ratio if k else Fraction(0),
            plan.mitigation,
            plan.seed,
            k,
        )
        folder = out / "arms" / arm.name
        last = list(adapters.values())[-1] if adapters else None
        if (folder / "adapter").is_dir():
            announce(f"round {k}: its adapter is there")
        else:
            original = _original(axis, plan, k, out)
            added = None
            if k:
                author = writer or LocalGenerator(plan.base, last)
                announce(f"round {k}: {author.name} writes")
                added = _augmented(axis, plan, k, original, author, folder)
            mix = folder / "data" / "mix.jsonl"
            counts = write_mix(mix, original, added, arm.ratio, "original-fixed", plan.seed, k)
            announce(f"round {k}: training on {counts.original} + {counts.augmented} rows")
            finetune(
                plan.base,
                mix,
                folder / "adapter",
                load_mitigation(plan.mitigation if k else "none"),
                replace(plan.settings, seed=plan.seed),
                start=last if plan.start == "previous" else None,
                axis=axis,
            )
        adapters[arm.name] = folder / "adapter"
    return _scored(plan, adapters, out, announce)


def _scored(
    plan: Rounds, adapters: Mapping[str, Path], out: Path, announce: Callable[[str], None]
) -> list[Section]:
    def place(name: str) -> Path:
        return out / "arms" / name / "eval"

    missing = {n: path for n, path in adapters.items() if not (place(n) / store.MANIFEST).is_file()}
    if missing or not (place(BASE) / store.MANIFEST).is_file():
        score(plan.base, missing, place, plan.options, announce)
        if plan.options.limit is None:
            update_cards(missing, place)
    sections = leaderboard(read_runs([place(name) for name in (BASE, *adapters)]))
    write_report(out / "report", sections)
    return sections


def _original(axis: Axis, plan: Rounds, k: int, out: Path) -> Path:
    """Return the file of round k's original data, written where it is not there."""
    fresh = plan.original == "fresh"
    place = out / "data" / (f"original-{k}.jsonl" if fresh else "original.jsonl")
    if not place.is_file():
        seed = plan.seed + FRESH * k if fresh else plan.seed
        drawn = draw_original(axis, plan.data, plan.per_cell, seed)
        manifest = {"kind": "original", "axis": axis.axis, "seed": seed}
        sources = [{**drawn.source, "rows": len(drawn.rows)}]
        write_examples(place, drawn.rows, manifest | {"sources": sources})
    return place


def _augmented(
    axis: Axis, plan: Rounds, k: int, original: Path, author: Generator, folder: Path
) -> Path:
    """Return the file of round k's augmented data; replies that are there are not asked for."""
    rows = read_examples(original)
    n = mix_counts(len(rows), plan.ratio, "original-fixed").augmented
    place = folder / "data" / "augmented.jsonl"
    recorded = Recorded(author, place.with_name("augmented.jsonl.replies.jsonl"))
    seed = plan.seed + FRESH * k
    result = produce_enough(axis, plan.bias_type, rows, n, seed, recorded)
    write_augmented(
        place, result, plan.bias_type, original=original, seed=seed, sampling=author.sampling
    )
    return place


def _config(plan: Rounds, writer: Generator | None) -> dict[str, Any]:
    author = "self" if writer is None else {"name": writer.name, **writer.sampling}
    config = asdict(plan) | {"ratio": str(plan.ratio), "writer": author}
    config["options"]["tasks"] = list(plan.options.tasks)
    return {"schema": store.SCHEMA, "kind": "rounds"} | config


def _claim(out: Path, config: Mapping[str, Any]) -> None:
    """Take an empty folder, or one that holds the same run.

    Raises:
        InputError: it holds something else.
    """
    place = out / "config.json"
    if not out.is_dir() or not any(out.iterdir()):
        store.write_json(place, config)
        return
    if not place.is_file() or store.read_json(place) != config:
        raise InputError(
            f"{out}: holds something else than this run of rounds; choose another folder"
        )
