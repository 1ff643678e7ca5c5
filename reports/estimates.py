"""Values with their errors and intervals.

Intervals are 95 % ones. Of a score that is a share (0 to 1): Wilson's (1927) at the effective
number of documents p (1 - p) / se^2, which heeds clusters as the standard error does, and at n
where the error is 0 (everything right, say). Of anything else normal ones (value +- 1.96 se), cut
where it ends (gaps at -1 and 1); a gap whose error is 0 gets the rule of three, +-3/n, instead of
no width at all. Without n, and for anything else without spread, there is no interval. Of a number
that nobody declared a share nothing is cut. How often they cover the truth: docs/COVERAGE.md.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import TypeAlias

Z = NormalDist().inv_cdf(0.975)

Ends: TypeAlias = tuple[float, float]


@dataclass(frozen=True)
class Estimate:
    """A value with its standard error and 95 % interval; None is no data."""

    value: float | None
    stderr: float | None
    low: float | None
    high: float | None


def interval(
    value: float | None, stderr: float | None, n: int | None, ends: Ends | None
) -> Estimate:
    """Return the value with its 95 % interval (see the module's text).

    Args:
        value: None is no data.
        stderr: None is unknown.
        n: documents (of the smallest group, for a gap) behind the value; None is unknown.
        ends: least and largest possible value of a share, None for anything else.
    """
    if value is None or stderr is None:
        return Estimate(value, stderr, None, None)
    if ends == (0.0, 1.0) and (stderr > 0.0) == (0.0 < value < 1.0):
        # a file may hold any error: `**` raises where a square is no number, `*` gives infinity
        spreads = math.sqrt(value * (1.0 - value)) / stderr if stderr > 0.0 else 0.0
        effective = spreads * spreads if stderr > 0.0 else n
        if effective:
            return Estimate(value, stderr, *_wilson(value, effective))
    if stderr > 0.0:
        half = Z * stderr
    elif ends is not None and n:
        half = 3 / n
    else:
        return Estimate(value, stderr, None, None)

    low, high = value - half, value + half
    if ends is not None:
        low, high = max(ends[0], low), min(ends[1], high)
    return Estimate(value, stderr, low, high)


def _wilson(share: float, n: float) -> tuple[float, float]:
    """Return Wilson's interval of a share of n documents, which need not be whole."""
    squared = Z**2 / n
    middle = (share + squared / 2) / (1 + squared)
    half = Z / (1 + squared) * math.sqrt(share * (1 - share) / n + squared / (4 * n))
    return max(0.0, middle - half), min(1.0, middle + half)
