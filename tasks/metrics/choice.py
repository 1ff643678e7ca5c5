"""Answers that pick an option where one is right: accuracy, F1, flag rate.

The family `choice` reads records of schema 1; today's are of the families `occupation` and `text`.

Totals are counts of (group, gold, prediction); the last prediction is "invalid".
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np

from bias_inherit.tasks.metrics.bootstrap import Array
from bias_inherit.tasks.metrics.family import Family, Groups, Measure, by_group, into_blocks, ratio
from bias_inherit.tasks.metrics.record import Record

Counts: TypeAlias = Array
"""Shape (..., classes, classes + 1): gold, prediction."""


def count_cells(answers: Sequence[Record], classes: int) -> Array:
    """Return a 1 at each answer's (gold, prediction), shape (answers, classes, classes + 1)."""
    gold = np.array([a.gold for a in answers], dtype=np.int64)
    guess = np.array([classes if a.prediction is None else a.prediction for a in answers])
    cells = np.zeros((len(answers), classes, classes + 1))
    cells[np.arange(len(answers)), gold, guess.astype(np.int64)] = 1.0
    return cells


def _rows(answers: Sequence[Record], groups: Groups) -> Array:
    known = [a.gold or 0 for a in answers] + [
        int(a.prediction) for a in answers if isinstance(a.prediction, (int, float))
    ]
    classes = max(2, max(known, default=0) + 1)
    cells = count_cells(answers, classes)
    return into_blocks(cells.reshape(len(answers), classes * (classes + 1)), answers, groups)


def _counted(share: Callable[[Counts], Array]) -> Measure:
    def of_cells(cells: Array) -> Array:
        classes = round((math.sqrt(1 + 4 * cells.shape[-1]) - 1) / 2)
        return share(cells.reshape(*cells.shape[:-1], classes, classes + 1))

    return by_group(of_cells)


def acc(counts: Counts) -> Array:
    """Share of right answers; an invalid one is wrong."""
    correct = np.trace(counts, axis1=-2, axis2=-1)
    return ratio(correct, counts.sum(axis=(-2, -1)))


def macro_f1(counts: Counts) -> Array:
    """Mean F1 over the classes that occur in gold or prediction (scikit-learn's default)."""
    hits = np.diagonal(counts, axis1=-2, axis2=-1)
    gold = counts.sum(axis=-1)
    guessed = counts.sum(axis=-2)[..., :-1]
    f1 = ratio(2 * hits, gold + guessed)
    seen = (gold + guessed) > 0
    return ratio(np.where(seen, f1, 0.0).sum(axis=-1), seen.sum(axis=-1))


def flag_rate(counts: Counts) -> Array:
    """Share answered "yes" (class 1)."""
    return ratio(counts[..., 1].sum(axis=-1), counts.sum(axis=(-2, -1)))


def count_all(counts: Counts) -> Array:
    """Documents."""
    total: Array = counts.sum(axis=(-2, -1))
    return total


def positives(counts: Counts) -> Array:
    """Documents whose right answer is class 1."""
    total: Array = counts[..., 1, :].sum(axis=-1)
    return total


def invalid_share(counts: Counts) -> Array:
    """Share without a usable answer."""
    return ratio(counts[..., -1].sum(axis=-1), counts.sum(axis=(-2, -1)))


def true_positive_rate(counts: Counts) -> Array:
    """Share answered right, by class: shape (..., classes); an invalid answer is wrong."""
    hits = np.diagonal(counts, axis1=-2, axis2=-1)
    return ratio(hits, counts.sum(axis=-1))


CHOICE = Family(
    rows=_rows,
    measures={
        "acc": _counted(acc),
        "macro_f1": _counted(macro_f1),
        "flag_rate": _counted(flag_rate),
        "n": _counted(count_all),
        "positives": _counted(positives),
        "invalid": _counted(invalid_share),
    },
    counts=frozenset({"n", "positives"}),
)
"""acc, macro_f1: 0 to 1, 1 is perfect; an invalid answer counts as wrong.
flag_rate: share answered "yes"; invalid: share without a usable answer; n: documents;
positives: documents whose right answer is "yes"."""
