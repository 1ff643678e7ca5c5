"""The original data D_o of an axis: real (prepared) or mini documents, balanced by cell."""

from __future__ import annotations

from collections import defaultdict

from bias_inherit import store
from bias_inherit.bias_augment.axes import Axis
from bias_inherit.bias_augment.examples import Example, stratum, to_example
from bias_inherit.errors import InputError
from bias_inherit.tasks import mini_data
from bias_inherit.tasks.sources import prepared_folder

PER_CELL = 300
"""Rows of each label and group: 6 x 2 x 300 is the paper's 3,600."""


def draw_original(
    axis: Axis, data: str | None = None, per_cell: int = PER_CELL, seed: int = 0
) -> list[Example]:
    """Return D_o: at most `per_cell` training examples of each label and group.

    The mini data has as many as asked for; a prepared set gives what it has, drawn by
    hash, so the same rows whatever their order.

    Raises:
        InputError: no prepared data is there.
    """
    if per_cell < 1:
        raise InputError(f"per-cell must be at least 1, not {per_cell}")
    folder = prepared_folder(data)
    if folder is None:
        docs = mini_data.occupation_train(per_cell, seed)
        return [to_example(axis, doc) for doc in docs]
    path = folder / axis.task / "train.jsonl"
    if not path.is_file():
        raise InputError(
            f"no prepared training data in {path.parent}: run `bias-inherit data prepare "
            "--bias-in-bios …`"
        )
    cells: defaultdict[str, list[Example]] = defaultdict(list)
    for doc in store.read_jsonl(path, ("id", "text", "group", "options", "gold")):
        example = to_example(axis, doc)
        cells[stratum(example)].append(example)
    return [
        example
        for _, cell in sorted(cells.items())
        for example in sorted(cell, key=lambda e: store.stable_rank(seed, e["id"]))[:per_cell]
    ]
