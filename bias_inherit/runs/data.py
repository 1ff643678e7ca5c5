"""The data of a run: D_o of each axis, and D_a of each bias type, each written once.

data/<axis>/original.jsonl             of another seed than 0: original-<seed>.jsonl
data/<axis>/<bias type>.jsonl          as many rows as the largest ratio asks for
data/<axis>/stages.json                what is done
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from bias_inherit import __version__, manifests, store
from bias_inherit.bars import Lines
from bias_inherit.bias_augment.axes.axis import Axis
from bias_inherit.bias_augment.axes.bias_types import SELF, axis_sha256
from bias_inherit.bias_augment.data.examples import data_file, read_examples
from bias_inherit.bias_augment.data.files import write_augmented, write_examples
from bias_inherit.bias_augment.data.mix import mix_counts
from bias_inherit.bias_augment.data.originals import draw_original
from bias_inherit.bias_augment.writing.generators.contract import Generator
from bias_inherit.bias_augment.writing.generators.registry import generators, load_generator
from bias_inherit.bias_augment.writing.outputs import recorded
from bias_inherit.bias_augment.writing.produce import produce_enough
from bias_inherit.errors import InputError
from bias_inherit.manifests import Original
from bias_inherit.rows import Example
from bias_inherit.runs.grid import Data
from bias_inherit.runs.plan import Plan, Planned
from bias_inherit.runs.stages import Inputs, Stages, State, hash_of
from bias_inherit.tasks.sources import prepared_folder

Announce = Callable[[str], None]


@dataclass(frozen=True)
class DataSet:
    """A file of a run's data that is to be there.

    Attributes:
        axis: of its rows.
        bias_type: of augmented data; None is original data.
        seed: of original data.
        path: the file.
    """

    axis: Axis
    bias_type: str | None
    seed: int
    path: Path

    @property
    def stage(self) -> str:
        """The name of its stage."""
        return self.path.stem


def data_folder(out: Path, axis: str) -> Path:
    """Return the folder of an axis's data."""
    return out / "data" / axis


def original_path(out: Path, planned: Planned) -> Path:
    """Return the file of an arm's original data."""
    seed = planned.draw_seed
    name = f"original-{seed}.jsonl" if seed else "original.jsonl"
    return data_folder(out, planned.axis.axis) / name


def augmented_path(plan: Plan, out: Path, planned: Planned) -> Path | None:
    """Return the file of an arm's augmented data; None where it has none, or writes its own."""
    if not planned.ratio or planned.rounds is not None:
        return None
    given = plan.grid.data.augmented.get(planned.bias_type)
    if given is not None:
        return data_file(given)
    return data_folder(out, planned.axis.axis) / f"{planned.bias_type}.jsonl"


def data_sets(plan: Plan, out: Path) -> Iterator[DataSet]:
    """Yield the files that a plan's arms need and that are to be made, original ones first."""
    originals = {original_path(out, each): each for each in plan.arms}
    for path, each in originals.items():
        yield DataSet(each.axis, None, each.draw_seed, path)
    augmented = {augmented_path(plan, out, each): each for each in plan.arms}
    for given, each in augmented.items():
        if given is not None and each.bias_type not in plan.grid.data.augmented:
            yield DataSet(each.axis, each.bias_type, 0, given)


def check_writers(plan: Plan) -> None:
    """Check that those who are to write can be made, before anything is written.

    Raises:
        InputError: a generator or an option does not exist, or something of it is missing.
    """
    writing, given = plan.grid.writing, plan.grid.data.augmented
    rounds = [each.rounds for each in plan.arms if each.rounds is not None]
    writes = [each for each in plan.arms if each.ratio and each.rounds is None]
    if any(each.writer == "generator" for each in rounds) or any(
        each.bias_type not in given for each in writes
    ):
        load_generator(writing.generator, writing.options)
    for each in rounds:
        if each.writer == "self":
            load_generator("local", {**each.writing, "model": plan.base})


class DataWriter:
    """Who makes the data of a run.

    Args:
        plan: what they are for.
        out: the run folder.
        announce: told what was written.
    """

    def __init__(self, plan: Plan, out: Path, announce: Announce) -> None:
        self.plan, self.out, self._announce = plan, out, announce

    def state(self, one: DataSet) -> tuple[State, list[str]]:
        """Return how a file stands, and which of its inputs are others now."""
        stages = Stages(one.path.parent)
        original = data_folder(self.out, one.axis.axis) / "original.jsonl"
        if one.bias_type is not None and not original.is_file():
            return State.ABSENT, []
        inputs = self._inputs(one)
        return stages.state(one.stage, inputs), stages.changed(one.stage, inputs)

    def write(self, one: DataSet) -> bool:
        """Write a file, unless it is there from the same inputs; return whether it was written.

        Raises:
            InputError: there are no such data, or the generator cannot write them.
        """
        begin, stages, inputs = time.monotonic(), Stages(one.path.parent), self._inputs(one)
        if stages.is_done(one.stage, inputs):
            return False
        if one.bias_type is None:
            self._draw(one)
        else:
            self._ask(one, one.bias_type)
        stages.finish(one.stage, inputs, [one.path], time.monotonic() - begin)
        return True

    def _inputs(self, one: DataSet) -> Inputs:
        data = self.plan.grid.data
        common = {"axis": axis_sha256(one.axis), "version": __version__}
        if one.bias_type is None:
            own = data.own_rows
            return common | {
                "source": source_state(data.original) if own is None else hash_of(own),
                "per_cell": data.rows_per_cell(one.axis.axis),
                "balanced": data.balanced,
                "seed": one.seed,
            }
        generator = self._generator(one.bias_type)
        return common | {
            "original": hash_of(self._original(one)),
            "n": self._rows(one),
            "generator": generator.name,
            "sampling": dict(generator.sampling),
            "labels": self.plan.labels.to_json(),
        }

    def _original(self, one: DataSet) -> Path:
        return data_folder(self.out, one.axis.axis) / "original.jsonl"

    def _rows(self, one: DataSet) -> int:
        """Return how many rows the largest mix takes; the smaller ones take part of them."""
        ratio = max(
            each.ratio
            for each in self.plan.arms
            if augmented_path(self.plan, self.out, each) == one.path
        )
        with self._original(one).open("rb") as stream:
            many = sum(1 for line in stream if line.strip())
        return mix_counts(many, ratio, self.plan.grid.data.size).augmented

    def _generator(self, bias_type: str) -> Generator:
        """Return who writes a bias type: the base itself where the control asks for that."""
        if bias_type == SELF:
            return load_generator("local", {"model": self.plan.base})
        writing = self.plan.grid.writing
        return load_generator(writing.generator, writing.options)

    def _draw(self, one: DataSet) -> None:
        data, name = self.plan.grid.data, one.axis.axis
        if data.own_rows is not None:
            rows = original_rows(one.axis, data)
            beside = manifests.read_data(data.own_rows)
            sources = beside.sources if beside is not None else ()
            write_examples(one.path, rows, Original(axis=name, sources=sources))
        else:
            per_cell = data.rows_per_cell(name)
            drawn = draw_original(
                one.axis, data.original, per_cell, one.seed, balanced=data.balanced
            )
            rows = drawn.rows
            write_examples(one.path, rows, drawn.manifest(name, one.seed))
        self._announce(f"original data of {name}: {len(rows)} rows")

    def _ask(self, one: DataSet, bias_type: str) -> None:
        original, n = self._original(one), self._rows(one)
        generator = self._generator(bias_type)
        costs = bias_type == SELF or generators()[self.plan.grid.writing.generator].records
        writer = recorded(generator, one.path) if costs else generator
        show = Lines(f"replies of {bias_type}", n, self._announce).at
        labels = self.plan.labels

        rows = read_examples(original)
        result = produce_enough(one.axis, bias_type, rows, n, 0, writer, show, labels)
        write_augmented(
            one.path,
            result,
            bias_type,
            axis=one.axis,
            original=original,
            seed=0,
            labels=labels.to_json(),
            sampling=generator.sampling,
        )
        self._announce(f"augmented data: {len(result.examples)} rows of {bias_type}")


def original_rows(axis: Axis, data: Data) -> list[Example]:
    """Return D_o of an axis, of the seed 0: drawn, or those of the user's own file.

    Raises:
        InputError: there are none.
    """
    if data.own_rows is None:
        per_cell = data.rows_per_cell(axis.axis)
        return draw_original(axis, data.original, per_cell, balanced=data.balanced).rows
    rows = [row for row in read_examples(data.own_rows) if row["axis"] == axis.axis]
    if not rows:
        raise InputError(f"data.original: {data.own_rows}: has no rows of the axis '{axis.axis}'")
    return rows


def source_state(data: str | None) -> str:
    """Return what identifies where documents are from: the mini data, or a folder's files."""
    folder = prepared_folder(data)
    if folder is None:
        return "mini"
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return store.sha256_lines(
        f"{path.relative_to(folder).as_posix()} {hash_of(path)}" for path in files
    )
