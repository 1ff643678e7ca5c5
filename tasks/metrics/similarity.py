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

NEARNESS, VALID, N, PLACE, LETTERED = range(5)
WIDTH = 5


def jensen_shannon_similarity(first: Sequence[float], second: Sequence[float]) -> float:
    """Return 1 - the Jensen-Shannon distance (base 2) of two distributions.

    1 is the same distribution, 0 is no option in common. Weights are scaled to sum 1.
    """
    from scipy.spatial.distance import jensenshannon

    with np.errstate(invalid="ignore"):  # equal ones may round below 0
        distance = float(jensenshannon(first, second, base=2))
    return 1.0 - (0.0 if math.isnan(distance) else distance)


def likely_similarity(scores: Sequence[float], shares: Sequence[float]) -> float:
    """Return how near the options' likelihoods, scaled to sum 1, are to real shares.

    Args:
        scores: log-likelihoods of the options, all finite.
        shares: of the same options, sum 1.
    """
    weights = [math.exp(score - max(scores)) for score in scores]
    return jensen_shannon_similarity(weights, shares)


def _rows(answers: Sequence[Record], groups: Groups) -> Array:
    numbers = np.array([np.nan if a.prediction is None else a.prediction for a in answers])
    valid = ~np.isnan(numbers.astype(np.float64))
    places = np.array([_place(answer) for answer in answers])
    lettered = ~np.isnan(places)
    columns = (
        np.where(valid, numbers, 0.0),
        valid,
        np.ones(len(answers)),
        np.where(lettered, places, 0.0),
        lettered,
    )
    cells = np.stack(columns, axis=1).astype(np.float64)
    return into_blocks(cells, answers, groups)


def _place(answer: Record) -> float:
    """Return where the letter of an answer stands, from -1 (first) to 1 (last); NaN without."""
    many = len(answer.likelihoods or ())
    return np.nan if answer.place is None or many < 2 else 2 * answer.place / (many - 1) - 1


def _position_bias(blocks: Array) -> Array:
    return ratio(blocks[..., PLACE], blocks[..., LETTERED])


def _similarity(blocks: Array) -> Array:
    return ratio(blocks[..., NEARNESS], blocks[..., VALID])


def _n(blocks: Array) -> Array:
    return blocks[..., N]


def _invalid(blocks: Array) -> Array:
    return 1.0 - ratio(blocks[..., VALID], blocks[..., N])


def _exchange(sums: Array, groups: Groups, generator: np.random.Generator) -> Array:
    """Exchange the countries of each question."""
    blocks = sums.reshape(len(sums), len(groups), WIDTH)
    totals = exchange_blocks(blocks, np.zeros(len(sums), np.int64), generator)
    return totals.reshape(len(totals), -1)


SIMILARITY = Family(
    rows=_rows,
    measures={
        "similarity": by_group(_similarity),
        "position_bias": by_group(_position_bias),
        "n": by_group(_n),
        "invalid": by_group(_invalid),
    },
    counts=frozenset({"n"}),
    stratified=False,
    exchange=_exchange,
)
"""similarity: mean over questions, 0 to 1, 1 is the real distribution; the gap is the
largest minus the smallest country's mean. position_bias: mean place of the likeliest letter, -1
(first) to 1 (last)."""
