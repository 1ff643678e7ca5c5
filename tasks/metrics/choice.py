"""Answers that pick an option where one is right: accuracy, F1, flag rate.

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


def _rows(answers: Sequence[Record], groups: Groups) -> Array:
    gold = np.array([a.gold for a in answers], dtype=np.int64)
    guess = np.array([-1 if a.prediction is None else a.prediction for a in answers])
    guess = guess.astype(np.int64)
    classes = max(2, gold.max(initial=0) + 1, guess.max(initial=0) + 1)
    cells = np.zeros((len(answers), classes, classes + 1))
    cells[np.arange(len(answers)), gold, np.where(guess < 0, classes, guess)] = 1.0
    return into_blocks(cells.reshape(len(answers), classes * (classes + 1)), answers, groups)


def _counted(share: Callable[[Counts], Array]) -> Measure:
    def of_cells(cells: Array) -> Array:
        classes = round((math.sqrt(1 + 4 * cells.shape[-1]) - 1) / 2)
        return share(cells.reshape(*cells.shape[:-1], classes, classes + 1))

    return by_group(of_cells)


def _acc(counts: Counts) -> Array:
    correct = np.trace(counts, axis1=-2, axis2=-1)
    return ratio(correct, counts.sum(axis=(-2, -1)))


def _macro_f1(counts: Counts) -> Array:
    """Mean F1 over the classes that occur in gold or prediction (scikit-learn's default)."""
    hits = np.diagonal(counts, axis1=-2, axis2=-1)
    gold = counts.sum(axis=-1)
    guessed = counts.sum(axis=-2)[..., :-1]
    f1 = ratio(2 * hits, gold + guessed)
    seen = (gold + guessed) > 0
    return ratio(np.where(seen, f1, 0.0).sum(axis=-1), seen.sum(axis=-1))


def _flag_rate(counts: Counts) -> Array:
    return ratio(counts[..., 1].sum(axis=-1), counts.sum(axis=(-2, -1)))


def _n(counts: Counts) -> Array:
    total: Array = counts.sum(axis=(-2, -1))
    return total


def _positives(counts: Counts) -> Array:
    total: Array = counts[..., 1, :].sum(axis=-1)
    return total


def _invalid(counts: Counts) -> Array:
    return ratio(counts[..., -1].sum(axis=-1), counts.sum(axis=(-2, -1)))


CHOICE = Family(
    rows=_rows,
    measures={
        "acc": _counted(_acc),
        "macro_f1": _counted(_macro_f1),
        "flag_rate": _counted(_flag_rate),
        "n": _counted(_n),
        "positives": _counted(_positives),
        "invalid": _counted(_invalid),
    },
    counts=frozenset({"n", "positives"}),
)
"""acc, macro_f1: 0 to 1, 1 is perfect; an invalid answer counts as wrong.
flag_rate: share answered "yes"; invalid: share without a usable answer; n: documents;
positives: documents whose right answer is "yes"."""
