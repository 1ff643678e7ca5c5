from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
from scipy.stats import energy_distance, kstest, permutation_test

from bias_inherit.bias_augment.audit.distance import (
    ENERGY,
    MEAN,
    MOST,
    Encoder,
    compare,
    measure_distances,
)


def rng(seed=0):
    return np.random.default_rng(seed)


def one_stratum(x, y):
    return np.zeros(len(x) + len(y), np.int64)


def energy(x, y):
    """2 E|X-Y| - E|X-X'| - E|Y-Y'| by loops, with the pairs of a row with itself."""

    def mean(one, other):
        return sum(math.dist(a, b) for a in one for b in other) / len(one) / len(other)

    return 2 * mean(x, y) - mean(x, x) - mean(y, y)


def mean_norm(x, y):
    return math.dist(np.mean(x, axis=0), np.mean(y, axis=0))


def test_in_one_dimension_the_energy_is_scipy_s_squared():
    x, y = rng(1).normal(size=(40, 1)), rng(2).normal(1.0, 2.0, size=(25, 1))
    found, _ = compare("all rows", x, y, one_stratum(x, y), 10, rng())
    assert found.energy == pytest.approx(energy_distance(x[:, 0], y[:, 0]) ** 2)
    assert found.mean_difference == pytest.approx(abs(x.mean() - y.mean()))


def test_in_more_dimensions_both_are_as_brute_force():
    x, y = rng(1).normal(size=(12, 4)), rng(2).normal(0.5, 1.0, size=(9, 4))
    found, tests = compare("all rows", x, y, one_stratum(x, y), 10, rng())
    assert found.energy == pytest.approx(energy(x, y))
    assert found.mean_difference == pytest.approx(mean_norm(x, y))
    between = np.mean([math.dist(a, b) for a in x for b in y])
    assert found.coefficient == pytest.approx(energy(x, y) / (2 * between))
    spread = [((side - side.mean(axis=0)) ** 2).sum() for side in (x, y)]
    assert found.relative == pytest.approx(mean_norm(x, y) / math.sqrt(sum(spread) / 21))
    assert [test.value for test in tests] == [found.mean_difference, found.energy]


def test_within_cells_both_are_averages_weighted_by_the_augmented_rows():
    x, y = rng(1).normal(size=(12, 3)), rng(2).normal(size=(9, 3))
    cells = [0] * 9 + [1] * 3 + [0] * 2 + [1] * 7
    found, _ = compare("within cells", x, y, np.array(cells), 10, rng())
    parts = [(x[:9], y[:2], 9 / 12), (x[9:], y[2:], 3 / 12)]
    assert found.energy == pytest.approx(sum(w * energy(a, b) for a, b, w in parts))
    shift = sum(w * (a.mean(axis=0) - b.mean(axis=0)) for a, b, w in parts)
    assert found.mean_difference == pytest.approx(float(np.linalg.norm(shift)))
    between = sum(w * np.mean([math.dist(i, j) for i in a for j in b]) for a, b, w in parts)
    assert found.coefficient == pytest.approx(found.energy / (2 * between))
    assert found.cells == 2


def test_both_ends():
    x = rng(1).normal(size=(30, 5))
    same, tests = compare("all rows", x, x.copy(), one_stratum(x, x), 200, rng())
    assert same.energy == pytest.approx(0.0, abs=1e-12)
    assert same.mean_difference == pytest.approx(0.0, abs=1e-7)
    assert [test.p for test in tests] == pytest.approx([1.0, 1.0])
    far, tests = compare(
        "all rows", np.zeros((9, 2)), np.ones((9, 2)), one_stratum(x[:9], x[:9]), 200, rng()
    )
    assert (far.coefficient, far.relative) == (pytest.approx(1.0), None)
    assert [test.p for test in tests] == pytest.approx([1 / 201, 1 / 201], abs=1e-9)
    nothing, tests = compare(
        "all rows", np.zeros((9, 2)), np.zeros((9, 2)), one_stratum(x[:9], x[:9]), 50, rng()
    )
    assert (nothing.coefficient, nothing.energy) == (0.0, 0.0)
    assert [test.p for test in tests] == [1.0, 1.0]


@pytest.mark.parametrize(("name", "statistic"), [(MEAN, mean_norm), (ENERGY, energy)])
def test_p_is_scipy_s(name, statistic):
    x, y = rng(3).normal(size=(7, 2)), rng(4).normal(0.7, 1.0, size=(6, 2))
    rows = np.concatenate([x, y])
    expected = permutation_test(
        (np.arange(7), np.arange(7, 13)),
        lambda one, other: statistic(rows[one], rows[other]),
        vectorized=False,
        n_resamples=np.inf,
        alternative="greater",
    ).pvalue
    _, tests = compare("all rows", x, y, one_stratum(x, y), 4000, rng(5))
    found = next(test.p for test in tests if test.statistic == name)
    assert 0.01 < expected < 0.9
    assert found == pytest.approx(expected, abs=4 * math.sqrt(expected / 4000))


@pytest.mark.parametrize(("name", "statistic"), [(MEAN, mean_norm), (ENERGY, energy)])
def test_p_of_pairs_is_that_of_all_sign_flips(name, statistic):
    y = rng(3).normal(size=(8, 2))
    x = y + rng(4).normal(0.15, 0.3, size=(8, 2))
    observed = statistic(x, y)
    flips = []
    for swapped in product((False, True), repeat=8):
        swap = np.array(swapped)[:, np.newaxis]
        flips.append(statistic(np.where(swap, y, x), np.where(swap, x, y)))
    exact = np.mean(np.array(flips) >= observed - 1e-12)
    _, tests = compare("pairs", x, y, one_stratum(x, y), 4000, rng(5))
    found = next(test.p for test in tests if test.statistic == name)
    assert 0.005 < exact < 0.9
    assert found == pytest.approx(exact, abs=4 * math.sqrt(exact / 4000) + 1 / 4000)


def seeded(scope, seed):
    """Two sides from one source: by scope independent, in cells of their own, or in pairs."""
    generator = rng(seed)
    x, y = generator.normal(size=(14, 3)), generator.normal(size=(14, 3))
    strata = one_stratum(x, y)
    if scope == "within cells":
        strata = np.array([0] * 10 + [1] * 4 + [0] * 4 + [1] * 10)
        offset = np.array([0.0, 3.0])[strata][:, np.newaxis]
        x, y = x + offset[:14], y + offset[14:]
    elif scope == "pairs":
        shared = 3 * generator.normal(size=(14, 3))
        x, y = x + shared, y + shared
    return x, y, strata


@pytest.mark.parametrize("scope", ["all rows", "within cells", "pairs"])
def test_p_is_uniform_when_both_come_from_one_source(scope):
    ps = {MEAN: [], ENERGY: []}
    for seed in range(300):
        _, tests = compare(scope, *seeded(scope, seed), 99, rng(seed))
        for test in tests:
            ps[test.statistic].append(test.p)
    for found in ps.values():
        assert kstest(found, "uniform").pvalue > 0.001
        assert 0.01 <= np.mean(np.array(found) <= 0.05) <= 0.095  # 5 %, n = 300


@pytest.mark.parametrize("scope", ["all rows", "within cells", "pairs"])
def test_a_clear_shift_is_seen(scope):
    x, y, strata = seeded(scope, 1)
    distance, tests = compare(scope, x + 2.0, y, strata, 999, rng())
    assert max(test.p for test in tests) <= 0.005
    assert distance.coefficient > distance.by_chance


def test_energy_sees_what_the_mean_does_not():
    generator = rng(0)
    x, y = generator.normal(size=(80, 2)), generator.normal(0.0, 3.0, size=(80, 2))
    x, y = x - x.mean(axis=0), y - y.mean(axis=0)
    _, tests = compare("all rows", x, y, one_stratum(x, y), 499, rng())
    mean, whole = (test.p for test in tests)
    assert mean > 0.9 and whole == pytest.approx(1 / 500)


# measure_distances: which rows are compared


def by_length(texts):
    """An encoder for tests: a text's number of words, and a jitter from the text itself."""
    jitter = [int.from_bytes(text.encode(), "big") % 997 / 997 for text in texts]
    return np.array([[len(t.split()), j] for t, j in zip(texts, jitter, strict=True)], float)


ENCODER = Encoder("by-length", False, by_length)


def text(i, n):
    return " ".join([f"w{i}"] * n)


def measured(gender, rows, original, **more):
    distances, tests = measure_distances(gender, rows, original, ENCODER, **more)
    found = {d.scope: d for d in distances.scopes}
    return distances, found, {(t.subject, t.statistic): t.p for t in tests}


def test_a_mix_of_labels_is_no_difference_within_cells(gender, row):
    many = {"nurse": 40, "dentist": 10}
    rows = [
        row("male", label, text(i, 5 if label == "nurse" else 15))
        for label, n in many.items()
        for i in range(n)
    ]
    original = [
        row("male", label, text(100 + i, 5 if label == "nurse" else 15))
        for label, n in many.items()
        for i in range(50 - n)
    ]
    _, found, p = measured(gender, rows, original, permutations=499)
    assert (found["within cells"].cells, found["within cells"].augmented_n) == (2, 50)
    assert p["distance, all rows", ENERGY] < 0.01
    assert p["distance, within cells", ENERGY] > 0.05
    assert "pairs" not in found


def test_cells_that_only_one_side_has_are_left_out(gender, row):
    rows = [row("male", "nurse", text(i, 5)) for i in range(5)]
    rows += [row("male", "poet", text(i, 9)) for i in range(4)]
    original = [row("male", "nurse", text(20 + i, 5)) for i in range(6)]
    original += [row("female", "nurse", text(30 + i, 5)) for i in range(7)]
    _, found, _ = measured(gender, rows, original, permutations=9)
    sizes = {scope: (d.augmented_n, d.original_n, d.cells) for scope, d in found.items()}
    assert sizes == {"all rows": (9, 13, 1), "within cells": (5, 6, 1)}


def test_pairs_are_texts_and_their_seeds_and_see_a_small_shift(gender, row):
    original = [row("male", "nurse", text(i, 5 + 3 * i), id=f"o{i}") for i in range(30)]
    rows = [row("male", "nurse", text(50 + i, 6 + 3 * i), seed_id=f"o{i}") for i in range(20)]
    rows += [row("male", "nurse", text(90 + i, 60), seed_id="o0") for i in range(5)]
    rows += [row("male", "nurse", text(80, 7), seed_id="elsewhere")]
    distances, found, p = measured(gender, rows, original, permutations=999)
    assert distances.augmented_rows == 21  # one text a seed, and the one of another file
    assert (found["pairs"].augmented_n, found["pairs"].original_n) == (20, 20)
    assert p["distance, pairs", MEAN] < 0.01
    assert p["distance, all rows", MEAN] > 0.05


def test_too_few_pairs_are_not_tested(gender, row):
    original = [row("male", "nurse", text(i, 5), id=f"o{i}") for i in range(9)]
    rows = [row("male", "nurse", text(20 + i, 6), seed_id=f"o{i}") for i in range(5)]
    assert list(measured(gender, rows, original, permutations=9)[1]) == ["all rows"]


def test_at_most_a_thousand_rows_a_side_whatever_their_order(gender, row):
    rows = [row("male", "nurse", text(i, 1 + i % 9), id=f"a{i}") for i in range(MOST + 200)]
    original = [row("male", "nurse", text(i, 1 + i % 7), id=f"o{i}") for i in range(50)]
    distances, found, _ = measured(gender, rows, original, permutations=9)
    assert (found["all rows"].augmented_n, found["all rows"].original_n) == (MOST, 50)
    assert (distances.augmented_rows, distances.original_rows) == (MOST + 200, 50)
    again = measured(gender, rows[::-1], original[::-1], permutations=9)[1]
    assert again["all rows"].energy == pytest.approx(found["all rows"].energy)


def test_texts_without_a_word_are_left_out(gender, row):
    rows = [row("male", "nurse", "..."), row("male", "nurse", "")]
    distances, found, _ = measured(gender, rows, [row("male", "nurse", "A text.")])
    assert (distances.augmented_rows, found) == (0, {})
