"""Shares of rows with Wilson's interval (1927)."""

from __future__ import annotations

from bias_inherit.manifests import Share


def wilson(count: int, n: int) -> Share:
    """Return a share with its 95 % Wilson interval; all None where n is 0."""
    if not n:
        return Share(count, n, None, None, None)
    from scipy.stats import binomtest

    found = binomtest(count, n).proportion_ci(method="wilson")
    return Share(count, n, count / n, float(found.low), float(found.high))
