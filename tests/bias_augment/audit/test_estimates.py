from __future__ import annotations

import math

import numpy as np
import pytest

from bias_inherit.bias_augment.audit.estimates import NullTest, drawn_p, holm, interval
from bias_inherit.bias_augment.data.shares import wilson


@pytest.mark.parametrize(("count", "n"), [(0, 12), (12, 12), (5, 12), (399, 400)])
def test_wilson_is_the_formula(count, n):
    z, p = 1.959963984540054, count / n
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    found = wilson(count, n)
    assert (found.share, found.low, found.high) == pytest.approx((p, centre - half, centre + half))


def test_nothing_is_no_data_and_not_0():
    assert wilson(0, 0).share is None
    assert interval(np.array([np.nan] * 6 + [0.1, 0.2])) == (None, None)


def test_p_values_are_never_0_and_ties_count():
    assert drawn_p(1.0, np.zeros(99)) == 0.01
    assert drawn_p(1.0, np.array([1.0 - 1e-12, 1.0, 0.5])) == 0.75


def test_holm_by_hand():
    tests = [NullTest("", "", 0.0, 1, "", "", p) for p in (0.01, 0.04, 0.03, 0.5)]
    # sorted 0.01 x 4, 0.03 x 3, 0.04 x 2 (not below the one before), 0.5
    assert [test.p_holm for test in holm(tests)] == pytest.approx([0.04, 0.09, 0.09, 0.5])
    assert holm([]) == []
