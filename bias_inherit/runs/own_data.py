"""The augmented data of an arm of rounds: written by the adapter of the round before it."""

from __future__ import annotations

from bias_inherit.bias_augment.data.examples import read_examples
from bias_inherit.bias_augment.data.files import write_augmented
from bias_inherit.bias_augment.data.mix import mix_counts
from bias_inherit.bias_augment.writing.generators.contract import Generator
from bias_inherit.bias_augment.writing.generators.registry import load_generator
from bias_inherit.bias_augment.writing.outputs import recorded
from bias_inherit.bias_augment.writing.produce import produce_enough
from bias_inherit.runs.arm import ArmFolder
from bias_inherit.runs.data import original_path
from bias_inherit.runs.plan import Planned


def write_own(arm: ArmFolder, planned: Planned) -> None:
    """Write the augmented data of an arm of rounds; replies that are there are not asked for.

    Raises:
        InputError: the replies of the round before cannot be used.
    """
    assert arm.augmented is not None
    original = original_path(arm.out, planned)
    rows = read_examples(original)
    n = mix_counts(len(rows), planned.ratio, arm.plan.grid.data.size).augmented
    author = writer_of(arm, planned)
    result = produce_enough(
        planned.axis,
        planned.bias_type,
        rows,
        n,
        planned.writing_seed,
        recorded(author, arm.augmented),
        labels=arm.plan.labels,
    )
    write_augmented(
        arm.augmented,
        result,
        planned.bias_type,
        axis=planned.axis,
        original=original,
        seed=planned.writing_seed,
        labels=arm.plan.labels.to_json(),
        sampling=author.sampling,
    )


def writer_of(arm: ArmFolder, planned: Planned) -> Generator:
    """Return who writes for an arm of rounds: the last round's adapter, or the grid's generator."""
    assert planned.rounds is not None
    if planned.rounds.writer == "generator":
        writing = arm.plan.grid.writing
        return load_generator(writing.generator, writing.options)
    given = {**planned.rounds.writing, "model": arm.plan.base, "adapter": arm.previous}
    return load_generator("local", given)
