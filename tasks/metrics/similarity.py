"""Answers that are a distribution, scored by how near it is to the real one (0 to 1).

Clusters are survey questions, asked for many countries. They are resampled without
strata: which countries a question was put to differs from question to question.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from bias_inherit.tasks.metrics.bootstrap import Array
from bias_inherit.tasks.metrics.family import Family, Groups, by_group, into_blocks, ratio
from bias_inherit.tasks.metrics.null import exchange_blocks
from bias_inherit.tasks.metrics.record import Record

NEARNESS, VALID, N = range(3)


def jensen_shannon_similarity(first: Sequence[float], second: Sequence[float]) -> float:
    """Return 1 - the Jensen-Shannon distance (base 2) of two distributions.

    1 is the same distribution, 0 is no option in common. Weights are scaled to sum 1.
    """
    from scipy.spatial.distance import jensenshannon

    with np.errstate(invalid="ignore"):  # equal ones may round below 0
        distance = float(jensenshannon(first, second, base=2))
    return 1.0 - (0.0 if math.isnan(distance) else distance)


def _rows(answers: Sequence[Record], groups: Groups) -> Array:
    numbers = np.array([np.nan if a.prediction is None else a.prediction for a in answers])
    valid = ~np.isnan(numbers.astype(np.float64))
    cells = np.stack([np.where(valid, numbers, 0.0), valid, np.ones(len(answers))], axis=1)
    return into_blocks(cells, answers, groups)


def _similarity(blocks: Array) -> Array:
    return ratio(blocks[..., NEARNESS], blocks[..., VALID])


def _n(blocks: Array) -> Array:
    return blocks[..., N]


def _invalid(blocks: Array) -> Array:
    return 1.0 - ratio(blocks[..., VALID], blocks[..., N])


def _exchange(sums: Array, groups: Groups, generator: np.random.Generator) -> Array:
    """Exchange the countries of each question."""
    blocks = sums.reshape(len(sums), len(groups), 3)
    totals = exchange_blocks(blocks, np.zeros(len(sums), np.int64), generator)
    return totals.reshape(len(totals), -1)


SIMILARITY = Family(
    rows=_rows,
    measures={
        "similarity": by_group(_similarity),
        "n": by_group(_n),
        "invalid": by_group(_invalid),
    },
    counts=frozenset({"n"}),
    stratified=False,
    exchange=_exchange,
)
"""similarity: mean over questions, 0 to 1, 1 is the real distribution; the gap is the
largest minus the smallest country's mean."""
