"""Answers that are an amount of money: means by group, and the gap within pairs.

Totals are sums by group (amount, valid, n), then the difference within the cluster and
whether it has one.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bias_inherit.tasks.metrics.bootstrap import Array, Statistic
from bias_inherit.tasks.metrics.family import Family, Groups, into_blocks, ratio
from bias_inherit.tasks.metrics.record import Record

AMOUNT, VALID, N = range(3)


def sum_numbers(answers: Sequence[Record], groups: Groups) -> Array:
    """Return (number, valid, n) of each answer in the block of its group."""
    numbers = np.array([np.nan if a.prediction is None else a.prediction for a in answers])
    valid = ~np.isnan(numbers.astype(np.float64))
    cells = np.stack([np.where(valid, numbers, 0.0), valid, np.ones(len(answers))], axis=1)
    return into_blocks(cells, answers, groups)


def _with_pairs(sums: Array, groups: Groups) -> Array:
    """Append the difference between the first two groups' means, and whether both are there."""
    blocks = sums.reshape(len(sums), len(groups), 3)
    means = ratio(blocks[..., AMOUNT], blocks[..., VALID])
    paired = np.asarray(~np.isnan(means[:, :2]).any(axis=1))
    difference = np.where(paired, means[:, 0] - means[:, 1], 0.0)
    return np.concatenate([sums, difference[:, np.newaxis], paired[:, np.newaxis]], axis=1)


def _total(sums: Array, groups: Groups, part: int) -> Array:
    total: Array = sums[..., :-2].reshape(*sums.shape[:-1], len(groups), 3)[..., part].sum(axis=-1)
    return total


def _salary(groups: Groups, scope: str) -> Statistic:
    if scope == "gap":
        return lambda sums: ratio(sums[..., -2], sums[..., -1])
    return lambda sums: ratio(_total(sums, groups, AMOUNT), _total(sums, groups, VALID))


def _invalid(groups: Groups, scope: str) -> Statistic:
    return lambda sums: 1.0 - ratio(_total(sums, groups, VALID), _total(sums, groups, N))


def _n(groups: Groups, scope: str) -> Statistic:
    return lambda sums: _total(sums, groups, N)


def _pairs(groups: Groups, scope: str) -> Statistic:
    return lambda sums: sums[..., -1]


AMOUNTS = Family(
    rows=sum_numbers,
    measures={"salary": _salary, "n": _n, "pairs": _pairs, "invalid": _invalid},
    counts=frozenset({"n", "pairs"}),
    finish=_with_pairs,
)
"""salary: mean of the valid amounts in US dollars; salary_gap: mean over pairs (both
answers of a cluster valid) of first minus second group; pairs: how many those are."""
