from __future__ import annotations

from itertools import product
from math import factorial, prod

import pytest
from scipy.stats import chi2

from bias_inherit.bias_augment.audit.counts import DRAWS, EQUAL, FROM_ORIGINAL, count


def by_subject(tests):
    return {test.subject: test for test in tests}


def make(row, cells):
    return [row(group, label) for (label, group), n in cells.items() for _ in range(n)]


def test_without_an_original_groups_are_meant_to_be_equal_within_each_label(gender, row):
    cells = {("nurse", "male"): 10, ("nurse", "female"): 30, ("dentist", "male"): 20}
    counts, tests = count(gender, make(row, cells), None)
    assert counts.design == EQUAL
    assert [(c.label, c.group, c.n, c.expected) for c in counts.cells] == [
        ("dentist", "male", 20, 10.0),
        ("dentist", "female", None, 10.0),
        ("nurse", "male", 10, 20.0),
        ("nurse", "female", 30, 20.0),
    ]
    assert [(c.group, c.n, c.expected) for c in counts.groups] == [
        ("male", 30, 30.0),
        ("female", 30, 30.0),
    ]
    # by hand: 10 + 10 for the dentists, 5 + 5 for the nurses; a degree of freedom a label
    joint = by_subject(tests)["counts by label and group"]
    assert joint.value == pytest.approx(30.0)
    assert joint.p == pytest.approx(chi2.sf(30.0, 2))
    groups = by_subject(tests)["counts by group"]
    assert (groups.value, groups.p) == (0.0, 1.0)


def test_with_an_original_its_joint_shares_are_the_design(gender, row):
    design = {("nurse", "male"): 10, ("nurse", "female"): 30, ("dentist", "male"): 60}
    original = make(row, design)
    same, tests = count(gender, make(row, {c: 2 * n for c, n in design.items()}), original)
    assert same.design == FROM_ORIGINAL and same.outside == 0
    assert {(c.label, c.group): c.expected for c in same.cells} == {
        ("nurse", "male"): 20.0,
        ("nurse", "female"): 60.0,
        ("dentist", "male"): 120.0,
    }
    assert [test.p for test in tests] == [1.0, 1.0]
    tilted = {("nurse", "male"): 0, ("nurse", "female"): 40, ("dentist", "male"): 60}
    found, tests = count(gender, make(row, tilted), original)
    assert [c.n for c in found.cells] == [60, None, 40]
    joint = by_subject(tests)["counts by label and group"]
    assert joint.value == pytest.approx(10 + 100 / 30)
    assert joint.p == pytest.approx(chi2.sf(10 + 100 / 30, 2))


def test_cells_outside_the_design_are_counted_apart(gender, row):
    original = make(row, {("nurse", "male"): 5, ("nurse", "female"): 5})
    rows = make(row, {("nurse", "male"): 5, ("nurse", "female"): 5, ("poet", "female"): 3})
    counts, tests = count(gender, rows, original)
    assert counts.outside == 3
    poet = next(c for c in counts.cells if c.label == "poet")
    assert (poet.n, poet.expected) == (3, None)
    assert [(c.group, c.n, c.expected) for c in counts.groups] == [
        ("male", 5, 5.0),
        ("female", 8, 5.0),
    ]
    assert [(test.subject, test.value, test.n) for test in tests] == [("counts by group", 0.0, 10)]


def test_few_rows_get_p_from_draws_as_enumeration_does(culture, row):
    rows = [row(g, "", axis="culture") for g in ("arabic", "arabic", "arabic", "chinese")]
    (test,) = count(culture, rows, None)[1]
    assert test.method == f"{DRAWS:,} draws from the design"

    def statistic(counts):
        return sum((n - 1) ** 2 for n in counts)  # four rows, four groups: one expected in each

    exact = sum(
        factorial(4) / prod(map(factorial, counts)) / 4**4
        for counts in product(range(5), repeat=4)
        if sum(counts) == 4 and statistic(counts) >= statistic((3, 1, 0, 0))
    )
    assert test.value == statistic((3, 1, 0, 0))
    assert test.p == pytest.approx(exact, abs=4 * (exact * (1 - exact) / DRAWS) ** 0.5)


def test_one_group_alone_in_the_design_is_not_tested(gender, row):
    rows = make(row, {("nurse", "male"): 5})
    assert count(gender, rows, rows)[1] == []
