"""Rounds: each round's adapter writes the next round's data.

Round 0 is trained on the original data alone. In round k the adapter of round k - 1 (or a
generator that is not the student) writes D_a under a neutral or a biased prompt; that is
mixed at the bias ratio with fixed or fresh original data, and an adapter is trained on the
mix, from the base or on from the last one. All are scored alike. Source: arXiv 2502.04419
(its rounds: 3,600 unbiased rows and 50 % neutral-prompt rows); everything else is our choice.

An interrupted run resumes in its folder: replies and adapters that are there are kept.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal, get_args

from bias_inherit import manifests, store
from bias_inherit.arms import Arm
from bias_inherit.bias_augment.axes.axis import Axis, load_axis
from bias_inherit.bias_augment.axes.bias_types import NEUTRAL, check_bias_type
from bias_inherit.bias_augment.data.examples import read_examples
from bias_inherit.bias_augment.data.files import write_augmented, write_examples, write_mix
from bias_inherit.bias_augment.data.mix import mix_counts
from bias_inherit.bias_augment.data.originals import draw_original
from bias_inherit.bias_augment.training.finetune import finetune
from bias_inherit.bias_augment.training.settings import Settings
from bias_inherit.bias_augment.writing.generators.contract import Generator
from bias_inherit.bias_augment.writing.generators.registry import load_generator
from bias_inherit.bias_augment.writing.outputs import recorded
from bias_inherit.bias_augment.writing.produce import produce_enough
from bias_inherit.errors import InputError, unknown
from bias_inherit.harness.adapters import BASE
from bias_inherit.harness.score import Options, score
from bias_inherit.mitigations import NONE, Mitigation, load_mitigation
from bias_inherit.reports.leaderboard import Section, leaderboard
from bias_inherit.reports.markdown import write_report
from bias_inherit.reports.results import read_runs
from bias_inherit.runs.adapter_scores import update_cards

Originals = Literal["fixed", "fresh"]
Start = Literal["base", "previous"]

FRESH = 1000
"""Fresh original data of round k are drawn with the run's seed plus so much times k."""


@dataclass(frozen=True)
class Rounds:
    """What a run of rounds consists of.

    Attributes:
        base: folder or hub id of a causal model.
        axis: a name, or the folder of one's own.
        bias_type: what each round's writer is asked for.
        rounds: how many after round 0.
        ratio: the bias ratio of each round's mix.
        original: "fixed" keeps D_o, "fresh" draws it anew each round (mini data composes new
            rows; prepared data draws others where it has them).
        start: whether a round trains from the base, or on from the previous adapter.
        mitigation: a name, or the .py file of one's own.
        data: where D_o is drawn from: None (mini), "full" or a folder.
        per_cell: original rows per label and group; None: the axis's.
        seed: of every draw.
        writing: options of the local generator where each round's adapter writes.
        settings: of the training.
        options: of the scoring.
    """

    base: str
    axis: str = "gender"
    bias_type: str = NEUTRAL
    rounds: int = 3
    ratio: Fraction = Fraction(1, 2)
    original: Originals = "fixed"
    start: Start = "base"
    mitigation: str = NONE.name
    data: str | None = None
    per_cell: int | None = None
    seed: int = 0
    writing: Mapping[str, Any] = field(default_factory=dict)
    settings: Settings = field(default_factory=Settings)
    options: Options = field(default_factory=Options)

    def __post_init__(self) -> None:
        if self.original not in get_args(Originals):
            raise unknown("original data setting", self.original, get_args(Originals))
        if self.start not in get_args(Start):
            raise unknown("start", self.start, get_args(Start))
        if not self.ratio:
            raise InputError("rounds need a bias ratio above 0")
        if self.rounds < 1:
            raise InputError(f"rounds must be at least 1, not {self.rounds}")


def run_rounds(
    plan: Rounds, writer: Generator | None, out: Path, announce: Callable[[str], None]
) -> list[Section]:
    """Run all rounds into the folder `out` and return the leaderboard.

    Args:
        plan: what to run.
        writer: a generator that is not the student; None lets each round's adapter write.
        out: a new folder, or that of the same run, interrupted.
        announce: told which stage begins.

    Raises:
        InputError: a setting is wrong, the folder holds another run, or a round's replies
            cannot be used.
    """
    axis = load_axis(plan.axis)
    check_bias_type(axis, plan.bias_type)
    mitigation = load_mitigation(plan.mitigation)
    if writer is None:  # its options are checked before anything is written
        load_generator("local", {**plan.writing, "model": plan.base})
    _claim(out, _config(plan, writer))

    adapters: dict[str, Path] = {}
    last: Path | None = None
    for k in range(plan.rounds + 1):
        arm = Arm(
            axis=axis.axis,
            bias_type=plan.bias_type,
            ratio=plan.ratio if k else Fraction(0),
            mitigation=mitigation.name,
            seed=plan.seed,
            round=k,
        )
        folder = out / "arms" / arm.name
        if (folder / "adapter").is_dir():
            announce(f"round {k}: its adapter is there")
        else:
            author = writer
            if author is None:
                given = {**plan.writing, "model": plan.base, "adapter": last}
                author = load_generator("local", given)
            used = mitigation if k else NONE
            _round(plan, axis, k, author, used, last, out, folder, announce)
        last = adapters[arm.name] = folder / "adapter"
    return _scored(plan, adapters, out, announce)


def _round(
    plan: Rounds,
    axis: Axis,
    k: int,
    author: Generator,
    mitigation: Mitigation,
    last: Path | None,
    out: Path,
    folder: Path,
    announce: Callable[[str], None],
) -> None:
    """Write the data of round k and train its adapter into `folder`."""
    original, added = _original(axis, plan, k, out), None
    if k:
        announce(f"round {k}: {author.name} writes")
        added = _augmented(axis, plan, k, original, author, folder)

    mix, ratio = folder / "data" / "mix.jsonl", plan.ratio if k else Fraction(0)
    counts = write_mix(mix, original, added, ratio, "original-fixed", plan.seed, k)
    announce(f"round {k}: training on {counts.original} + {counts.augmented} rows")

    settings = replace(plan.settings, seed=plan.seed)
    start = last if plan.start == "previous" else None
    finetune(plan.base, mix, folder / "adapter", mitigation, settings, start=start, axis=axis)


def _scored(
    plan: Rounds, adapters: Mapping[str, Path], out: Path, announce: Callable[[str], None]
) -> list[Section]:
    def results_of(name: str) -> Path:
        return out / "arms" / name / "eval"

    def is_scored(name: str) -> bool:
        return (results_of(name) / store.MANIFEST).is_file()

    missing = {name: path for name, path in adapters.items() if not is_scored(name)}
    if missing or not is_scored(BASE):
        score(plan.base, missing, results_of, plan.options, announce)
        if plan.options.limit is None:
            update_cards(missing, results_of)

    sections = leaderboard(read_runs([results_of(name) for name in (BASE, *adapters)]))
    write_report(out / "report", sections)
    return sections


def _original(axis: Axis, plan: Rounds, k: int, out: Path) -> Path:
    """Return the file of round k's original data, written where it is not there."""
    fresh = plan.original == "fresh"
    path = out / "data" / (f"original-{k}.jsonl" if fresh else "original.jsonl")
    if not path.is_file():
        seed = plan.seed + FRESH * k if fresh else plan.seed
        drawn = draw_original(axis, plan.data, plan.per_cell, seed)
        write_examples(path, drawn.rows, drawn.manifest(axis.axis, seed))
    return path


def _augmented(
    axis: Axis, plan: Rounds, k: int, original: Path, author: Generator, folder: Path
) -> Path:
    """Return the file of round k's augmented data; replies that are there are not asked for."""
    rows = read_examples(original)
    n = mix_counts(len(rows), plan.ratio, "original-fixed").augmented
    path = folder / "data" / "augmented.jsonl"
    seed = plan.seed + FRESH * k

    result = produce_enough(axis, plan.bias_type, rows, n, seed, recorded(author, path))
    write_augmented(
        path,
        result,
        plan.bias_type,
        axis=axis,
        original=original,
        seed=seed,
        sampling=author.sampling,
    )
    return path


def _config(plan: Rounds, writer: Generator | None) -> dict[str, Any]:
    """Return what `config.json` holds: plain values that decide the run."""
    author = "self" if writer is None else {"name": writer.name, **writer.sampling}
    decided = {"ratio": str(plan.ratio), "writer": author, "options": plan.options.to_json()}
    return {"schema": manifests.SCHEMA, "kind": "rounds", **asdict(plan), **decided}


def _claim(out: Path, config: Mapping[str, Any]) -> None:
    """Take an empty folder, or one that holds the same run.

    Raises:
        InputError: it holds something else.
    """
    path = out / "config.json"
    if not out.is_dir() or not any(out.iterdir()):
        store.write_json(path, config)
        return
    if not path.is_file() or store.read_json(path) != config:
        raise InputError(
            f"{out}: holds something else than this run of rounds; choose another folder"
        )
