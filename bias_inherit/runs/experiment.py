"""The grid of arms: from original data to a leaderboard, in one run folder.

runs/<name>/
  config.json                what was asked for
  data/                      original.jsonl, <bias type>.jsonl (of several axes: data/<axis>/)
  arms/<arm>/data/mix.jsonl  arms/<arm>/adapter/  arms/<arm>/eval/results_*.json
  arms/base/eval/            the base's own scores
  report/leaderboard.{md,json}
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from fractions import Fraction
from functools import partial
from pathlib import Path

from bias_inherit import manifests, store
from bias_inherit.arms import Arm
from bias_inherit.bias_augment.axes.axis import Axis, load_axis
from bias_inherit.bias_augment.axes.bias_types import SELF, check_bias_type
from bias_inherit.bias_augment.data.files import write_augmented, write_examples, write_mix
from bias_inherit.bias_augment.data.mix import Size, mix_counts
from bias_inherit.bias_augment.data.originals import draw_original
from bias_inherit.bias_augment.training.settings import Settings
from bias_inherit.bias_augment.writing.generators.contract import Generator
from bias_inherit.bias_augment.writing.generators.registry import load_generator
from bias_inherit.bias_augment.writing.labels import CHOSEN, Labels
from bias_inherit.bias_augment.writing.outputs import recorded
from bias_inherit.bias_augment.writing.produce import produce_enough
from bias_inherit.errors import InputError
from bias_inherit.harness.score import Options
from bias_inherit.mitigations import Mitigation, load_mitigation, parse_options
from bias_inherit.reports.leaderboard import Section, leaderboard
from bias_inherit.reports.markdown import write_report
from bias_inherit.reports.results import read_runs
from bias_inherit.runs.adapter_scores import update_cards
from bias_inherit.runs.scoring import eval_folder, score_arms
from bias_inherit.runs.training import Job, train

Announce = Callable[[str], None]
EVERY = 10.0
"""Seconds between two lines about texts that are being written."""


@dataclass(frozen=True)
class Experiment:
    """What a run consists of: `arms` to train on mixes of their axis's data, then to score.

    Attributes:
        base: folder or hub id of a causal model.
        arms: axis and mitigation are names, or the folder or file of one's own.
        data: where D_o is drawn from: None (mini), "full" or a folder.
        per_cell: original rows per label and group.
        balanced: whether every cell must have that many.
        size: the size rule of the mixes.
        settings: of the training; each arm brings its own seed.
        options: of the scoring.
        labels: who decides the labels of D_a.
    """

    base: str
    arms: Sequence[Arm]
    data: str | None = None
    per_cell: int = 30
    balanced: bool = True
    size: Size = "original-fixed"
    settings: Settings = field(default_factory=Settings)
    options: Options = field(default_factory=Options)
    labels: Labels = CHOSEN


@dataclass(frozen=True)
class Planned:
    """An arm with what its names stand for; the arm's own names come from those."""

    arm: Arm
    axis: Axis
    mitigation: Mitigation
    asked: Arm
    """As it was asked for: with the folder of an axis and the file of a mitigation of one's own."""

    @property
    def ratio(self) -> Fraction:
        """The bias ratio, exact."""
        return self.arm.ratio or Fraction(0)

    @property
    def bias_type(self) -> str:
        """The bias type; checked when the arm was planned."""
        return self.arm.bias_type or ""


@dataclass(frozen=True)
class Data:
    """The files that a run's mixes are made of: D_o by axis, D_a by axis and bias type."""

    original: Mapping[str, Path]
    augmented: Mapping[tuple[str, str], Path]


def plan_arms(arms: Iterable[Arm]) -> list[Planned]:
    """Return each arm once, with its axis and its mitigation.

    Raises:
        InputError: an axis, a bias type, a mitigation or an option does not exist, or two
            different arms have one name.
    """
    planned: dict[str, Planned] = {}
    for asked in arms:
        axis = load_axis(str(asked.axis))
        if asked.ratio:
            check_bias_type(axis, str(asked.bias_type))
        mitigation = load_mitigation(asked.mitigation, parse_options(asked.options))

        arm = asked.model_copy(update={"axis": axis.axis, "mitigation": mitigation.name})
        one = Planned(arm, axis, mitigation, asked)
        other = planned.setdefault(arm.name, one)
        if arm.ratio and _what(other) != _what(one):
            raise InputError(f"two different arms are called '{arm.name}': rename one's parts")
    return list(planned.values())


def _what(planned: Planned) -> tuple[Path, object]:
    """Return what an arm's name does not say: where its axis is, and what its mitigation does."""
    return planned.axis.folder, planned.mitigation.transform or planned.mitigation.penalty


def run(
    experiment: Experiment, generator: Generator, out: Path, announce: Announce
) -> list[Section]:
    """Run every stage into the folder `out` and return the leaderboard.

    Args:
        experiment: what to run.
        generator: who writes D_a.
        out: an empty folder, or a new one.
        announce: told which stage begins.

    Raises:
        InputError: the folder is not empty, or an arm asks for what does not exist.
    """
    if out.is_dir() and any(path.name != "prepared" for path in out.iterdir()):
        raise InputError(f"{out}: is not empty; a run starts in a folder of its own")
    planned = plan_arms(experiment.arms)
    store.write_json(out / "config.json", _config(experiment, planned))

    data = write_data(experiment, planned, generator, out, announce)
    return train_and_score(experiment, planned, data, out, announce)


def write_data(
    experiment: Experiment,
    planned: Sequence[Planned],
    generator: Generator,
    out: Path,
    announce: Announce,
) -> Data:
    """Write D_o of each axis, and of each bias type as many rows as its arms can use.

    Args:
        experiment: says where D_o is drawn from, and how large mixes are.
        planned: the arms.
        generator: who writes D_a.
        out: the run folder; data are written into `out`/data.
        announce: told what was written.
    """
    axes = {each.axis.axis: each.axis for each in planned}
    original: dict[str, Path] = {}
    augmented: dict[tuple[str, str], Path] = {}

    for name, axis in axes.items():
        folder = out / "data" / name if len(axes) > 1 else out / "data"
        drawn = draw_original(
            axis, experiment.data, experiment.per_cell, balanced=experiment.balanced
        )
        original[name] = folder / "original.jsonl"
        write_examples(original[name], drawn.rows, drawn.manifest(name, 0))
        announce(f"original data: {len(drawn.rows)} rows")

        biased = [each for each in planned if each.axis.axis == name and each.ratio]
        for bias_type in dict.fromkeys(each.bias_type for each in biased):
            # the largest mix decides: the smaller ones take part of its rows
            ratio = max(each.ratio for each in biased if each.bias_type == bias_type)
            n = mix_counts(len(drawn.rows), ratio, experiment.size).augmented
            path = folder / f"{bias_type}.jsonl"
            writer = _writer(experiment, bias_type, generator, path)
            labels = experiment.labels
            show = _every_tenth(announce, bias_type, n)
            result = produce_enough(axis, bias_type, drawn.rows, n, 0, writer, show, labels)
            write_augmented(
                path,
                result,
                bias_type,
                axis=axis,
                original=original[name],
                seed=0,
                labels=labels.to_json(),
                sampling=writer.sampling,
            )
            augmented[name, bias_type] = path
            announce(f"augmented data: {len(result.examples)} rows of {bias_type}")

    return Data(original, augmented)


def _every_tenth(announce: Announce, bias_type: str, n: int) -> Callable[[int], None]:
    """Return what says now and then how many texts are written, for a writer that takes long."""
    begin = last = time.monotonic()

    def show(done: int) -> None:
        """Say it every ten seconds at most."""
        nonlocal last
        now = time.monotonic()
        if now - last >= EVERY:
            last = now
            left = max(0, n - done) * (now - begin) / done
            announce(f"{bias_type}: {done} of {n} replies, about {left:.0f} s left")

    return show


def _writer(experiment: Experiment, bias_type: str, generator: Generator, out: Path) -> Generator:
    """Return who writes a bias type: the base itself where the control asks for that."""
    if bias_type == SELF:
        return recorded(load_generator("local", {"model": experiment.base}), out)
    return generator


def train_and_score(
    experiment: Experiment,
    planned: Sequence[Planned],
    data: Data,
    out: Path,
    announce: Announce,
) -> list[Section]:
    """Train the arms on mixes of `data`, score them and the base, and return the leaderboard.

    Args:
        experiment: base, settings and options.
        planned: the arms.
        data: the files that the mixes are made of.
        out: the run folder.
        announce: told which stage begins.
    """
    jobs = []
    for each in planned:
        arm, axis = each.arm, each.axis.axis
        folder = out / "arms" / arm.name
        mix, adapter = folder / "data" / "mix.jsonl", folder / "adapter"
        added = data.augmented[axis, each.bias_type] if each.ratio else None
        write_mix(mix, data.original[axis], added, each.ratio, experiment.size, arm.seed)
        settings = replace(experiment.settings, seed=arm.seed)
        jobs.append(Job(arm.name, experiment.base, mix, adapter, each.asked, settings))
    train(jobs, announce)
    adapters = {job.name: job.adapter for job in jobs}
    scored = score_arms(experiment.base, adapters, out, experiment.options, announce)
    if experiment.options.limit is None:
        update_cards(adapters, partial(eval_folder, out))
    sections = leaderboard(read_runs(scored))
    write_report(out / "report", sections)
    return sections


def _config(experiment: Experiment, planned: Sequence[Planned]) -> dict[str, object]:
    """Return what `config.json` holds."""
    return {
        "schema": manifests.SCHEMA,
        "kind": "experiment",
        "base": experiment.base,
        "arms": [each.arm.name for each in planned],
        "data": experiment.data,
        "per_cell": experiment.per_cell,
        "balanced": experiment.balanced,
        "size": experiment.size,
        "settings": asdict(experiment.settings),
        "options": experiment.options.to_json(),
        "labels": experiment.labels.to_json(),
    }
