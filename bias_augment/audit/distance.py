"""How far D_a's texts are from D_o's in an embedding, with permutation tests.

Two statistics, both a quadratic form in the signed weights w of the rows (D_a's positive and
of sum 1, D_o's negative and of sum -1), so that thousands of permutations are one matrix
product:

- the norm of the difference of the means: sqrt(w' K w), K the inner products;
- the multivariate energy distance (Szekely and Rizzo 2004, 2013) as a V-statistic, the pairs
  of a row with itself included: 2 E|X-Y| - E|X-X'| - E|Y-Y'| = -w' D w, D the Euclidean
  distances. scipy's one-dimensional `energy_distance` is its square root.

Three scopes, each with its own null hypothesis:

- "all rows": the origin is exchangeable over all rows. A difference in the mix of labels or
  groups counts as one. Where D_a was written from rows of this D_o the rows are not
  independent; the test then errs on the side of seeing nothing.
- "within cells": the origin is exchangeable within each label and group that both have. The
  statistics are averages over these cells, weighted by D_a's rows, so that a difference in
  the mix of labels and groups is none.
- "pairs": in each pair of a row of D_o and a text written from it, which of the two is the
  original is exchangeable (each pair is swapped or not; for the mean, a sign-flip test).
  Moving seed and text together would leave every pair's difference as it is and test nothing.

At most one text of a seed is used, so that D_a's rows are independent of one another, and at
most `MOST` rows a side, picked by hash.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from bias_inherit.bias_augment.audit.estimates import Array, NullTest, drawn_p
from bias_inherit.bias_augment.audit.words import words
from bias_inherit.bias_augment.axes.axis import Axis
from bias_inherit.rows import Example
from bias_inherit.store import stable_rank

Strata: TypeAlias = NDArray[np.int64]

MOST = 1000
"""Rows a side, and pairs."""

PERMUTATIONS = 2000
PAIRS = "pairs"
NULLS = {
    "all rows": "origin exchangeable over all rows",
    "within cells": "origin exchangeable within each label and group",
    PAIRS: "either text of a pair could be the original",
}
"""The scopes and their null hypotheses."""

FEWEST_PAIRS = 6
"""With fewer pairs no sign-flip test can give a p below 0.05."""

MEAN = "norm of the mean difference"
ENERGY = "energy distance"


@dataclass(frozen=True)
class Encoder:
    """What turns n texts into an array of shape (n, dimensions)."""

    name: str
    is_toy: bool
    encode: Callable[[Sequence[str]], Array]


@dataclass(frozen=True)
class Distance:
    """D_a against D_o in one scope; see the module's text.

    Attributes:
        scope: all rows, within cells, or pairs.
        augmented_n, original_n: rows that were compared.
        cells: strata that were compared, each within itself; 1 where there is one.
        mean_difference: norm, in the encoder's own units; 0 is equal means, never negative.
        relative: the same over the root mean square distance of a row from its own side's
            mean (in its cell), so without a unit.
        energy: energy distance, in the encoder's units; 0 is no difference, never negative.
        coefficient: energy / (2 E|X-Y|), from 0 (no difference) to 1.
        by_chance: what 95 % of the permutations stay below, on the scale of the coefficient:
            it lies above 0 by chance alone.
    """

    scope: str
    augmented_n: int
    original_n: int
    cells: int
    mean_difference: float
    relative: float | None
    energy: float
    coefficient: float
    by_chance: float


@dataclass(frozen=True)
class Distances:
    """All scopes that the data allow, and how many usable rows there were to pick from."""

    encoder: str
    is_toy: bool
    augmented_rows: int
    original_rows: int
    scopes: list[Distance]


@dataclass(frozen=True)
class _Sides:
    """Rows to compare in a scope, and the stratum of each row (D_a's, then D_o's)."""

    scope: str
    augmented: Sequence[Example]
    original: Sequence[Example]
    strata: Strata


def measure_distances(
    axis: Axis,
    rows: Sequence[Example],
    original: Sequence[Example],
    encoder: Encoder,
    seed: int = 0,
    permutations: int = PERMUTATIONS,
) -> tuple[Distances, list[NullTest]]:
    """Return distances, and tests, in each scope that has rows on both sides.

    Args:
        axis: of the rows.
        rows: of D_a.
        original: of D_o.
        encoder: gives the vectors.
        seed: of the draw of rows, and of the permutations.
        permutations: of each test.
    """
    usable = _one_a_seed([row for row in rows if words(row["text"])], seed)
    others = _by_rank([row for row in original if words(row["text"])], seed)
    sides = [
        side
        for side in _scopes(axis, usable, others)
        if len(side.augmented) and len(side.original) and len(side.strata) > 2
    ]

    texts = {row["text"]: 0 for side in sides for row in (*side.augmented, *side.original)}
    place = {text: i for i, text in enumerate(texts)}
    vectors = encoder.encode(list(place)).astype(np.float64) if place else np.zeros((0, 1))

    generator = np.random.default_rng(seed)
    scopes: list[Distance] = []
    tests: list[NullTest] = []
    for side in sides:
        x, y = (
            vectors[[place[row["text"]] for row in part]]
            for part in (side.augmented, side.original)
        )
        distance, more = compare(side.scope, x, y, side.strata, permutations, generator)
        scopes.append(distance)
        tests += more
    return Distances(encoder.name, encoder.is_toy, len(usable), len(others), scopes), tests


def _scopes(axis: Axis, rows: Sequence[Example], original: Sequence[Example]) -> list[_Sides]:
    sample, base = rows[:MOST], original[:MOST]
    sides = [_Sides("all rows", sample, base, np.zeros(len(sample) + len(base), np.int64))]

    cells = [{_cell(axis, row) for row in side} for side in (sample, base)]
    shared = {cell: i for i, cell in enumerate(sorted(cells[0] & cells[1]))}
    if len(cells[0] | cells[1]) > 1:
        kept = [[row for row in side if _cell(axis, row) in shared] for side in (sample, base)]
        strata = [shared[_cell(axis, row)] for side in kept for row in side]
        sides.append(_Sides("within cells", kept[0], kept[1], np.array(strata, np.int64)))

    seeds = {str(row["id"]): row for row in original}
    written = [row for row in rows if row.get("seed_id") in seeds][:MOST]
    if len(written) >= FEWEST_PAIRS:
        pairs = [seeds[row["seed_id"]] for row in written]
        sides.append(_Sides(PAIRS, written, pairs, np.zeros(2 * len(pairs), np.int64)))
    return sides


def _cell(axis: Axis, row: Example) -> tuple[str, str]:
    return str(row["label"]), row["group"][axis.axis]


def _by_rank(rows: Sequence[Example], seed: int) -> list[Example]:
    return sorted(rows, key=lambda row: stable_rank(seed, str(row["id"])))


def _one_a_seed(rows: Sequence[Example], seed: int) -> list[Example]:
    """Return one row of each seed, and the rows without one, in the order of their ranks."""
    first: dict[str, Example] = {}
    for row in _by_rank(rows, seed):
        first.setdefault(str(row.get("seed_id") or row["id"]), row)
    return list(first.values())


def compare(
    scope: str,
    x: Array,
    y: Array,
    strata: Strata,
    permutations: int,
    generator: np.random.Generator,
) -> tuple[Distance, list[NullTest]]:
    """Return the distance of x from y and its tests.

    Args:
        scope: a key of `NULLS`; in "pairs" x[i] and y[i] are a pair.
        x, y: vectors, shapes (n, d) and (m, d).
        strata: shape (n + m,), of the rows of x and then of y; each has rows of both.
        permutations: how many to draw from `generator`.
    """
    n = len(x)
    rows = np.concatenate([x, y])

    share = np.bincount(strata[:n]) / n
    if scope == PAIRS:
        weights = swap_weights(n, permutations, generator)
    else:
        weights = stratum_weights(n, strata, permutations, generator)

    together = strata[:, np.newaxis] == strata
    apart = cdist(rows, rows) * together / share[strata]
    centred = rows - rows.mean(axis=0)
    squares = _quadratic(centred @ centred.T, weights)
    energies = _quadratic(-apart, weights)

    between = -2 * _between(apart, weights[:, 0], n)
    spread = _spread(x, strata[:n]) + _spread(y, strata[n:])
    within = math.sqrt(spread / len(rows))
    mean = math.sqrt(max(0.0, float(squares[0])))
    energy = max(0.0, float(energies[0]))

    distance = Distance(
        scope,
        n,
        len(y),
        len(share),
        mean,
        mean / within if within > 0 else None,
        energy,
        energy / between if between > 0 else 0.0,
        max(0.0, float(np.quantile(energies[1:], 0.95))) / between if between > 0 else 0.0,
    )
    tests = [
        NullTest(
            f"distance, {scope}",
            statistic,
            value,
            len(rows),
            NULLS[scope],
            f"{permutations:,} permutations",
            drawn_p(float(drawn[0]), drawn[1:]),
        )
        for statistic, value, drawn in ((MEAN, mean, squares), (ENERGY, energy, energies))
    ]
    return distance, tests


def stratum_weights(
    n: int, strata: Strata, permutations: int, generator: np.random.Generator
) -> Array:
    """Return signed weights, shape (rows, 1 + permutations); the first column is as observed.

    In each stratum the weights of D_a's rows (the first n rows) sum to the stratum's share of
    D_a and D_o's to minus that; a permutation shuffles which rows of the stratum are D_a's.

    Args:
        n: rows of D_a.
        strata: of each row, D_a's first, shape (rows,).
        permutations: how many.
        generator: draws them.
    """
    weights = np.empty((len(strata), 1 + permutations))
    for stratum, many in Counter(strata.tolist()).items():
        members = np.flatnonzero(strata == stratum)
        inside = int((members < n).sum())
        observed = np.where(members < n, 1 / n, -inside / n / (many - inside))
        weights[members, 0] = observed
        shuffled = np.tile(observed[:, np.newaxis], (1, permutations))
        weights[members, 1:] = generator.permuted(shuffled, axis=0)
    return weights


def swap_weights(n: int, permutations: int, generator: np.random.Generator) -> Array:
    """Return signed weights of n pairs, shape (2 n, 1 + permutations); any pair may be swapped."""
    signs = generator.choice((-1.0, 1.0), size=(n, 1 + permutations))
    signs[:, 0] = 1
    return np.concatenate([signs, -signs]) / n


def _quadratic(form: Array, weights: Array) -> Array:
    """Return w' M w for each column of weights, shape (columns,)."""
    values: Array = np.einsum("ij,ij->j", weights, form @ weights)
    return values


def _between(apart: Array, weights: Array, n: int) -> float:
    return float(weights[:n] @ apart[:n, n:] @ weights[n:])


def _spread(rows: Array, strata: Strata) -> float:
    """Return the sum of squared distances from the mean of a row's stratum."""
    means = np.stack([rows[strata == s].mean(axis=0) for s in range(int(strata.max()) + 1)])
    return float(((rows - means[strata]) ** 2).sum())
