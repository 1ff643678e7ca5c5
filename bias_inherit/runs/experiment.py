"""The grid of arms: from original data to a leaderboard, in one run folder.

runs/<name>/
  config.json                what was asked for
  data/                      original.jsonl, <bias type>.jsonl
  arms/<arm>/data/mix.jsonl  arms/<arm>/adapter/  arms/<arm>/eval/results_*.json
  arms/base/eval/            the base's own scores
  report/leaderboard.{md,json}
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from bias_inherit import store
from bias_inherit.bias_augment.axes.axis import load_axis
from bias_inherit.bias_augment.axes.bias_types import check_bias_type
from bias_inherit.bias_augment.data.files import write_augmented, write_examples, write_mix
from bias_inherit.bias_augment.data.mix import Size, mix_counts
from bias_inherit.bias_augment.data.originals import draw_original
from bias_inherit.bias_augment.training.finetune import finetune
from bias_inherit.bias_augment.training.settings import Settings
from bias_inherit.bias_augment.writing.generators import Generator
from bias_inherit.bias_augment.writing.produce import produce
from bias_inherit.errors import InputError
from bias_inherit.harness.score import Options, score
from bias_inherit.mitigations import Mitigation, load_mitigation, parse_options
from bias_inherit.reports.leaderboard import Section, leaderboard, to_json, to_markdown
from bias_inherit.reports.results import read_runs
from bias_inherit.runs.adapter_scores import update_cards

NO_BIAS = "original"
"""In the name of the gamma = 0 arm, which no bias type and no mitigation touches."""


@dataclass(frozen=True)
class Arm:
    """One cell of the grid; the gamma = 0 arm is one for all bias types and mitigations."""

    axis: str
    bias_type: str
    ratio: Fraction
    mitigation: str
    """A mitigation's name, or with options `loss:lambda=1`."""
    seed: int
    round: int | None = None
    """The number within a run of rounds; None for an arm of the grid."""

    @property
    def name(self) -> str:
        """The adapter's name, such as `gender.contextual-single-explicit.r20.mask.s0`."""
        percent = f"{float(100 * self.ratio):g}"
        kind = self.bias_type if self.ratio else NO_BIAS
        mitigation = self.mitigation if self.ratio else "none"
        of_round = "" if self.round is None else f".round{self.round}"
        return f"{self.axis}.{kind}.r{percent}.{mitigation}.s{self.seed}{of_round}"


@dataclass(frozen=True)
class Experiment:
    """What a run consists of: `arms` to train on mixes of `axis` data, then to score."""

    base: str
    arms: Sequence[Arm]
    data: str | None = None
    per_cell: int = 30
    balanced: bool = True
    size: Size = "original-fixed"
    settings: Settings = field(default_factory=Settings)
    options: Options = field(default_factory=Options)


@dataclass(frozen=True)
class Data:
    """The files that a run's mixes are made of: D_o, and D_a by bias type."""

    original: Path
    augmented: Mapping[str, Path]


def run(
    experiment: Experiment, generator: Generator, out: Path, announce: Callable[[str], None]
) -> list[Section]:
    """Run every stage into the folder `out` and return the leaderboard.

    Raises:
        InputError: the folder is not empty, or an arm asks for what does not exist.
    """
    if out.is_dir() and any(path.name != "prepared" for path in out.iterdir()):
        raise InputError(f"{out}: is not empty; a run starts in a folder of its own")
    for arm in experiment.arms:
        check_bias_type(load_axis(arm.axis), arm.bias_type)
        arm_mitigation(arm)
    store.write_json(out / "config.json", _config(experiment))
    return train_and_score(
        experiment, write_data(experiment, generator, out, announce), out, announce
    )


def write_data(
    experiment: Experiment, generator: Generator, out: Path, announce: Callable[[str], None]
) -> Data:
    """Write D_o, and of each bias type as many rows as its arms can use, into `out`/data."""
    arms = experiment.arms
    axis = load_axis(arms[0].axis)
    drawn = draw_original(axis, experiment.data, experiment.per_cell, balanced=experiment.balanced)
    original, place = drawn.rows, out / "data" / "original.jsonl"
    sources = [{**drawn.source, "rows": len(original)}]
    write_examples(place, original, {"kind": "original", "axis": axis.axis, "sources": sources})
    announce(f"original data: {len(original)} rows")
    written: dict[str, Path] = {}
    for bias_type in dict.fromkeys(arm.bias_type for arm in arms if arm.ratio):
        ratio = max(arm.ratio for arm in arms if arm.bias_type == bias_type)
        n = mix_counts(len(original), ratio, experiment.size).augmented
        result = produce(axis, bias_type, original, n, 0, generator)
        written[bias_type] = out / "data" / f"{bias_type}.jsonl"
        write_augmented(written[bias_type], result, bias_type, original=place, seed=0)
        announce(f"augmented data: {len(result.examples)} rows of {bias_type}")
    return Data(place, written)


def train_and_score(
    experiment: Experiment, data: Data, out: Path, announce: Callable[[str], None]
) -> list[Section]:
    """Train the arms on mixes of `data`, score them and the base, and return the leaderboard."""
    arms = list({arm.name: arm for arm in experiment.arms}.values())
    adapters: dict[str, Path] = {}
    for i, arm in enumerate(arms, start=1):
        announce(f"training {arm.name} ({i} of {len(arms)})")
        folder = out / "arms" / arm.name
        added = data.augmented[arm.bias_type] if arm.ratio else None
        mix = folder / "data" / "mix.jsonl"
        write_mix(mix, data.original, added, arm.ratio, experiment.size, arm.seed)
        settings = replace(experiment.settings, seed=arm.seed)
        finetune(experiment.base, mix, folder / "adapter", arm_mitigation(arm), settings)
        adapters[arm.name] = folder / "adapter"
    scored = score(
        experiment.base,
        adapters,
        lambda name: out / "arms" / name / "eval",
        experiment.options,
        announce,
    )
    if experiment.options.limit is None:
        update_cards(adapters, lambda name: out / "arms" / name / "eval")
    sections = leaderboard(read_runs(scored))
    write_report(out / "report", sections)
    return sections


def arm_mitigation(arm: Arm) -> Mitigation:
    """Return an arm's mitigation with its options.

    Raises:
        InputError: there is no such mitigation or option.
    """
    name, _, options = arm.mitigation.partition(":")
    return load_mitigation(name, parse_options(options))


def write_report(folder: Path, sections: Sequence[Section]) -> None:
    """Write the leaderboard as Markdown and JSON."""
    store.write_text(folder / "leaderboard.md", to_markdown(sections))
    store.write_json(folder / "leaderboard.json", to_json(sections))


def _config(experiment: Experiment) -> dict[str, Any]:
    config = asdict(experiment) | {"arms": [arm.name for arm in experiment.arms]}
    return {"schema": store.SCHEMA} | config
