"""Stratified cluster bootstrap of any statistic of sums."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.float64]

DRAWS = 1000
"""Bootstrap samples: the relative error of a standard error is about 2 %."""

_AT_ONCE = 5_000_000
"""Numbers that are drawn at once: 40 MB."""

Statistic: TypeAlias = Callable[[Array], Array]
"""Maps summed totals of shape (..., width) to values of shape (...); NaN is no data."""


def number(result: Array | float) -> float | None:
    """Return a statistic's single value, None where it is NaN."""
    plain = float(result)
    return None if math.isnan(plain) else plain


def draw(rows: Array, strata: NDArray[np.int64], draws: int = DRAWS, seed: int = 0) -> Array:
    """Return the sums of `draws` stratified cluster bootstrap samples, shape (draws, width).

    The draws depend on the sizes of the strata and on the seed alone: two runs on the same
    documents are drawn jointly.

    Args:
        rows: additive numbers of each cluster, shape (clusters, width).
        strata: in which each is drawn, shape (clusters,).
        draws: how many samples.
        seed: of the draws.
    """
    sums = np.zeros((draws, rows.shape[1]))
    for k, stratum in enumerate(np.unique(strata)):
        members = rows[strata == stratum]
        used = members.any(axis=0)
        members, size = members[:, used], len(members)
        generator = np.random.default_rng((seed, k, size))

        step = max(1, _AT_ONCE // size)
        for begin in range(0, draws, step):
            many = min(step, draws - begin)
            weights = _even_draws(size, many, generator)
            sums[begin : begin + many, used] += weights @ members
    return sums


def hangs_on_one(statistic: Statistic, rows: Array) -> bool:
    """Return whether a value needs one single cluster: without it there is no data.

    Resampling then says nothing about its spread: each sample holds that cluster, or is void.

    Args:
        statistic: whose value.
        rows: additive numbers of each cluster, shape (clusters, width).
    """
    filled = rows != 0
    alone = filled & (filled.sum(axis=0) == 1)  # only such a cluster can empty a column
    clusters = np.flatnonzero(alone.any(axis=1))
    if not len(clusters):
        return False
    without = np.where(alone[clusters], 0.0, rows.sum(axis=0) - rows[clusters])
    return bool(np.isnan(statistic(without)).any())


def _even_draws(size: int, draws: int, generator: np.random.Generator) -> Array:
    """Return how often each of `size` clusters is drawn, shape (draws, size).

    One fewer is drawn than there are, and each counts the more: so the spread of a mean is that of
    its usual standard error, and not sqrt((size - 1) / size) of it. Rao and Wu 1988, Resampling
    inference with complex survey data.
    """
    many = max(1, size - 1)
    picked = generator.integers(size, size=(draws, many)) + size * np.arange(draws)[:, np.newaxis]
    counted = np.bincount(picked.ravel(), minlength=draws * size)
    return counted.reshape(draws, size).astype(np.float64) * np.float64(size / many)


def spread(samples: Array, strata: NDArray[np.int64]) -> float | None:
    """Return the standard error: the standard deviation of bootstrap samples.

    None where most of them have no data, or a stratum holds a single cluster, which says nothing
    about its spread.

    Args:
        samples: of a statistic, shape (draws,).
        strata: of the clusters that it is over, shape (clusters,).
    """
    if not len(strata) or np.unique(strata, return_counts=True)[1].min() < 2:
        return None
    known = samples[~np.isnan(samples)]
    return float(known.std(ddof=1)) if known.size > len(samples) // 2 else None
