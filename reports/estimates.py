"""Values with their errors and intervals.

Intervals are 95 % normal ones from the standard errors (value +- 1.96 se), cut where a share
ends (scores at 0 and 1, gaps at -1 and 1). A share whose error is 0 (everything right, say) gets
the rule of three, +-3/n, instead of no width at all; without n, and for anything else without
spread, there is no interval. Of a number that nobody declared a share nothing is cut.
"""

from __future__ import annotations

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
