"""Which letter is chosen: a liking for a place that has nothing to do with what stands there."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bias_inherit.tasks.metrics.bootstrap import Array
from bias_inherit.tasks.metrics.family import ratio
from bias_inherit.tasks.metrics.record import Record


def count_places(answers: Sequence[Record], places: int) -> Array:
    """Return a 1 at the place of each answer's letter, shape (answers, places)."""
    counted = np.zeros((len(answers), places))
    for row, answer in zip(counted, answers, strict=True):
        if answer.place is not None and answer.place < places:
            row[answer.place] = 1.0
    return counted


def unevenness(counts: Array) -> Array:
    """Return how far counts of shape (..., k) are from even: 0 is even, 1 is all in one place.

    The total variation distance from 1/k each, divided by its largest value 1 - 1/k; NaN where
    nothing was counted.
    """
    k = counts.shape[-1]
    shares = ratio(counts, np.broadcast_to(counts.sum(axis=-1, keepdims=True), counts.shape))
    distance: Array = np.abs(shares - 1 / k).sum(axis=-1) / 2 / (1 - 1 / k)
    return distance
