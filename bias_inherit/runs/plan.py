"""From a grid to its arms: each once, with what its names stand for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import product
from pathlib import Path

from bias_inherit import store
from bias_inherit.arms import NO_MITIGATION, Arm
from bias_inherit.bias_augment.axes.axis import Axis, load_axis
from bias_inherit.bias_augment.axes.bias_types import check_bias_type, expand
from bias_inherit.bias_augment.data.examples import data_file
from bias_inherit.bias_augment.training.settings import Settings
from bias_inherit.bias_augment.writing.labels import Labels, read_labels
from bias_inherit.errors import InputError, unknown
from bias_inherit.harness.options import Options
from bias_inherit.mitigations import Mitigation, load_mitigation, parse_options
from bias_inherit.models import resolve_model
from bias_inherit.runs.grid import Block, Grid, Rounds, Writing

FRESH = 1000
"""Fresh original data of round k are drawn with the arm's seed plus so much times k."""


@dataclass(frozen=True)
class Planned:
    """An arm with what its names stand for; the arm's own names come from those.

    Attributes:
        arm: which one it is.
        asked: as it was asked for: with the folder of an axis and the file of a mitigation of one's
            own.
        axis, mitigation: what their names stand for.
        settings: of the training.
        rounds: of an arm of rounds, how they go on.
        after: the name of the arm of the round before.
    """

    arm: Arm
    asked: Arm
    axis: Axis
    mitigation: Mitigation
    settings: Settings
    rounds: Rounds | None = None
    after: str | None = None

    @property
    def name(self) -> str:
        """The arm's name."""
        return self.arm.name

    @property
    def ratio(self) -> Fraction:
        """The bias ratio, exact."""
        return self.arm.ratio or Fraction(0)

    @property
    def bias_type(self) -> str:
        """The bias type; checked when the arm was planned."""
        return self.arm.bias_type or ""

    @property
    def draw_seed(self) -> int:
        """The seed of its original data."""
        if self.rounds is None:
            return 0
        fresh = self.rounds.original == "fresh"
        return self.arm.seed + (FRESH * (self.arm.round or 0) if fresh else 0)

    @property
    def writing_seed(self) -> int:
        """The seed of what it writes itself: each round is told of other people."""
        return self.arm.seed + FRESH * (self.arm.round or 0)


@dataclass(frozen=True)
class Plan:
    """An experiment whose names all stand for something.

    Attributes:
        grid: as it was asked for.
        base: folder or hub id of a causal model.
        arms: each once, a round behind the one before it.
        labels: who decides the labels of the augmented data.
        options: of the scoring.
    """

    grid: Grid
    base: str
    arms: Sequence[Planned]
    labels: Labels
    options: Options = field(default_factory=Options)

    def by_axis(self) -> Mapping[str, Axis]:
        """Return the axes of the arms by name."""
        return {each.axis.axis: each.axis for each in self.arms}


def make_plan(grid: Grid) -> Plan:
    """Return the plan of a grid.

    Raises:
        InputError: an axis, a bias type, a mitigation, a setting or a model does not exist, two
            different arms have one name, or there is no arm.
    """
    data = None if grid.data.own_rows is not None else grid.data.original
    scoring = grid.scoring
    options = Options(
        tasks=tuple(scoring.tasks),
        data=scoring.data or data,
        apply_chat_template=scoring.apply_chat_template,
        batch_size=scoring.batch_size,
        limit=scoring.limit,
        stories=scoring.stories,
        traits=scoring.traits,
        forms=scoring.forms,
        exact=scoring.exact,
        spill_over=tuple(scoring.spill_over),
        progress=False,
    )
    for path in grid.data.augmented.values():
        if not data_file(path).is_file():
            raise InputError(f"data.augmented: {path}: no such file")
    arms = plan_arms(grid)
    axes = {arm.axis.axis for arm in arms}
    for name in grid.data.per_cell if isinstance(grid.data.per_cell, dict) else ():
        if name not in axes:
            raise unknown("axis of data.per_cell", name, axes)
    return Plan(grid, resolve_model(grid.base), arms, _labels(grid.writing), options)


def _labels(writing: Writing) -> Labels:
    shares = writing.label_share
    if isinstance(shares, dict):
        if writing.label == "chosen":
            raise InputError("writing: label_share gives the labels: leave `label: chosen` out")
        return Labels("given", shares, "writing: label_share")
    return read_labels(writing.label, shares)


def plan_arms(grid: Grid) -> list[Planned]:
    """Return the arms of a grid, each once.

    Raises:
        InputError: as `make_plan`.
    """
    planned: dict[str, Planned] = {}
    for block in grid.grid:
        for one in _of_block(grid, block):
            other = planned.setdefault(one.name, one)
            if _what(other) != _what(one):
                raise InputError(
                    f"two different arms are called '{one.name}': say their differences in their "
                    "axes, types, ratios, mitigations or seeds, or run them apart"
                )
    if not planned:
        raise InputError("the grid gives no arm")
    return list(planned.values())


def _what(planned: Planned) -> tuple[object, ...]:
    """Return what an arm's name does not say."""
    touched = mitigation_inputs(planned) if planned.ratio else None
    return planned.axis.folder, touched, planned.settings, planned.rounds, planned.after


def mitigation_inputs(planned: Planned) -> Mapping[str, object]:
    """Return what decides an arm's mitigation: name, options in force, and the user's file."""
    file = Path(planned.asked.mitigation)
    return {
        "name": planned.mitigation.name,
        "options": dict(planned.mitigation.options),
        "file": store.sha256(file) if file.suffix == ".py" else None,
    }


def _of_block(grid: Grid, block: Block) -> Iterator[Planned]:
    types = list(dict.fromkeys(one for name in block.bias_types for one in expand(name)))
    for name, seed in product(block.axes, block.seeds):
        axis = load_axis(name)
        settings = grid.training.settings(grid.base, seed, block.training)
        for ratio in block.ratios:
            if not ratio and block.rounds is None:
                yield _planned(axis, name, None, ratio, NO_MITIGATION, settings)
        cells = product(types, [ratio for ratio in block.ratios if ratio], block.mitigations)
        for bias_type, ratio, mitigation in cells:
            check_bias_type(axis, bias_type)
            if block.rounds is None:
                yield _planned(axis, name, bias_type, ratio, mitigation, settings)
            else:
                yield from _chain(
                    block.rounds,
                    _planned(axis, name, bias_type, ratio, mitigation, settings),
                    _planned(axis, name, bias_type, Fraction(0), NO_MITIGATION, settings),
                )


def _planned(
    axis: Axis,
    folder: str,
    bias_type: str | None,
    ratio: Fraction,
    written: str,
    settings: Settings,
) -> Planned:
    """Return an arm as it is written in a block."""
    name, _, options = written.partition(":")
    mitigation = load_mitigation(name, parse_options(options))
    asked = Arm(
        axis=folder,
        bias_type=bias_type,
        ratio=ratio,
        mitigation=name,
        options=options,
        seed=settings.seed,
    )
    arm = asked.model_copy(update={"axis": axis.axis, "mitigation": mitigation.name})
    return Planned(arm, asked, axis, mitigation, settings)


def _chain(rounds: Rounds, later: Planned, first: Planned) -> Iterator[Planned]:
    """Yield an arm for each round: `first` without augmented rows, then `later` again and again."""
    before: str | None = None
    for k in range(rounds.after + 1):
        one = later if k else first
        arm = one.arm.model_copy(update={"round": k})
        asked = one.asked.model_copy(update={"round": k})
        yield Planned(arm, asked, one.axis, one.mitigation, one.settings, rounds, before)
        before = arm.name
