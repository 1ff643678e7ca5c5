"""Files of augmented data: one for each bias type asked for, each made once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from bias_inherit import __version__, store
from bias_inherit.bias_augment.axes.axis import Axis
from bias_inherit.bias_augment.axes.bias_types import (
    COUNTERFACTUAL,
    axis_sha256,
    check_bias_type,
    expand,
)
from bias_inherit.bias_augment.data.examples import data_file, read_examples
from bias_inherit.bias_augment.data.files import is_current, write_augmented
from bias_inherit.bias_augment.writing.augment import RETRIES, Augmented
from bias_inherit.bias_augment.writing.generators.contract import Generator
from bias_inherit.bias_augment.writing.generators.record import Recorded
from bias_inherit.bias_augment.writing.labels import CHOSEN, Labels
from bias_inherit.bias_augment.writing.produce import produce
from bias_inherit.errors import InputError

Progress = Callable[[str, int], AbstractContextManager[Callable[[int], None]]]
"""(bias type, rows) -> a context that yields a function to call with the replies so far."""


@dataclass(frozen=True)
class Output:
    """A file of augmented data; `result` is None where it was there already."""

    bias_type: str
    path: Path
    result: Augmented | None


def no_progress(bias_type: str, rows: int) -> AbstractContextManager[Callable[[int], None]]:
    """Show nothing."""
    return nullcontext(lambda done: None)


def recorded(generator: Generator, out: Path) -> Recorded:
    """Return the generator with its replies kept beside `out`, so that none is asked for twice."""
    return Recorded(generator, out.with_name(f"{out.name}.replies.jsonl"))


def write_types(
    axis: Axis,
    bias_type: str,
    original: Path,
    out: Path,
    generator: Generator,
    *,
    n: int | None = None,
    seed: int = 0,
    retries: int = RETRIES,
    labels: Labels = CHOSEN,
    keep_named: bool = True,
    progress: Progress = no_progress,
) -> Iterator[Output]:
    """Write augmented data of a bias type into `out`, or of each of a set into a folder `out`.

    A file that is there from the same inputs is left alone, so an interrupted run resumes.

    Args:
        axis: whose prompts are used.
        bias_type: one of the eight, a control, or a set such as "six".
        original: file or folder of D_o.
        out: the file, or the folder of a set's files.
        generator: who writes.
        n: rows of each type; None takes as many as D_o has.
        seed: of the draws.
        retries: how often an unusable reply is asked for again.
        labels: who decides the labels.
        keep_named: whether texts that name their own label are used.
        progress: shows how far a type has come.

    Yields:
        each file, once it is whole.

    Raises:
        InputError: a setting or D_o is wrong, or the generator cannot be used.
    """
    names = expand(bias_type)
    if retries < 0:
        raise InputError(f"retries must be at least 0, not {retries}")
    for name in names:
        check_bias_type(axis, name)

    rows = read_examples(original)
    wanted = len(rows) if n is None else n
    inputs = {
        "original_sha256": store.sha256(data_file(original)),
        "axis_sha256": axis_sha256(axis),
        "n": wanted,
        "seed": seed,
        "retries": retries,
        "generator": generator.name,
        "sampling": dict(generator.sampling),
        "labels": labels.to_json(),
        "keep_named": keep_named,
        "version": __version__,
    }

    for name in names:
        path = out if name == bias_type else out / f"{name}.jsonl"
        decided_by = inputs | {"bias_type": name}
        if is_current(path, decided_by):
            yield Output(name, path, None)
            continue

        with progress(name, wanted) as show:
            result = produce(
                axis, name, rows, wanted, seed, generator, retries, show, labels, keep_named
            )
        write_augmented(
            path,
            result,
            name,
            original=original,
            axis=axis,
            seed=seed,
            labels=None if name == COUNTERFACTUAL else labels.to_json(),
            sampling=None if name == COUNTERFACTUAL else generator.sampling,
            inputs=decided_by,
        )
        yield Output(name, path, result)
