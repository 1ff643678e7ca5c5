"""What an audit is made of: shares, means and tests, each with its n. No data is None."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.stats import bootstrap
from statsmodels.stats.multitest import multipletests

Array: TypeAlias = NDArray[np.float64]

RESAMPLES = 1000
"""Bootstrap samples behind an interval."""


@dataclass(frozen=True)
class Estimate:
    """A value with its 95 % interval over n rows; without spread there is no interval."""

    value: float | None
    low: float | None
    high: float | None
    n: int


@dataclass(frozen=True)
class NullTest:
    """A test: what it looks at, the statistic, its null hypothesis and how p was had.

    `p_holm` is p corrected for all tests of the same audit (Holm); see `holm`.
    """

    subject: str
    statistic: str
    value: float
    n: int
    null: str
    method: str
    p: float
    p_holm: float | None = None


def mean_of(values: Array, seed: int) -> Estimate:
    """Return the mean with the 95 % percentile interval of a bootstrap of the rows."""
    return _bootstrapped(_mean, (values,), seed)


def difference_of(values: Array, others: Array, seed: int) -> Estimate:
    """Return the mean of `values` minus that of `others`; n is the smaller number of rows."""
    return _bootstrapped(_mean_difference, (values, others), seed)


def _bootstrapped(statistic: Callable[..., Any], samples: tuple[Array, ...], seed: int) -> Estimate:
    n = min(map(len, samples))
    if not n:
        return Estimate(None, None, None, n)
    value = float(statistic(*samples, axis=-1))
    if n < 2:
        return Estimate(value, None, None, n)

    draws = bootstrap(
        samples,
        statistic,
        n_resamples=RESAMPLES,
        batch=100,
        method="percentile",
        rng=np.random.default_rng(seed),
    ).bootstrap_distribution
    return Estimate(value, *interval(draws), n)


def _mean(values: Array, axis: int) -> Any:
    return values.mean(axis=axis)


def _mean_difference(values: Array, others: Array, axis: int) -> Any:
    return values.mean(axis=axis) - others.mean(axis=axis)


def interval(draws: Array) -> tuple[float | None, float | None]:
    """Return the 2.5 and 97.5 % points of bootstrap draws, shape (draws,); NaN is no data.

    None where half of them or more have no data, or all are the same.
    """
    known = draws[~np.isnan(draws)]
    if 2 * known.size <= draws.size or np.ptp(known) < 1e-12:
        return None, None
    low, high = np.quantile(known, (0.025, 0.975))
    return float(low), float(high)


def drawn_p(observed: float, drawn: Array) -> float:
    """Return the p value (1 + those as large) / (1 + draws) of a statistic under its null.

    Phipson and Smyth (2010): never 0. Ties count as large, whatever the last digits say.
    """
    as_large = int((drawn >= observed - 1e-9 * abs(observed)).sum())
    return (1 + as_large) / (1 + drawn.size)


def holm(tests: Sequence[NullTest]) -> list[NullTest]:
    """Return the tests with p values corrected for one another by Holm's method."""
    if not tests:
        return []
    corrected = multipletests([test.p for test in tests], method="holm")[1]
    return [replace(test, p_holm=float(p)) for test, p in zip(tests, corrected, strict=True)]
