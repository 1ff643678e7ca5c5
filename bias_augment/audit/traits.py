"""Shares of low traits (powerless, cold, …) in the texts about each group.

The lexicon, its dimensions and what counts as a hit are those of the story task
(`tasks/traits.py`): English words. Texts of fewer than 20 words, or that refuse, are not
read; they are counted as too short, never as texts without traits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bias_inherit.bias_augment.audit.estimates import Array, Estimate, interval
from bias_inherit.bias_augment.axes.axis import Axis
from bias_inherit.bias_augment.data.shares import wilson
from bias_inherit.manifests import Share
from bias_inherit.rows import Example
from bias_inherit.tasks.metrics.bootstrap import draw
from bias_inherit.tasks.metrics.story import DIMENSIONS
from bias_inherit.tasks.reading.traits import count_traits, load_lexicon


@dataclass(frozen=True)
class Traits:
    """One dimension in the texts of one group.

    Attributes:
        low: share of low among all hits, low / (low + high), from 0 (only high ends) to 1
            (only low ones); its n is the number of texts that were read, and its interval
            comes from a bootstrap of them. For beliefs neither end is negative by itself.
        hits: how many hits the share is of.
        coverage: texts with at least one hit, of those that were read.
        too_short: texts that were not read.
    """

    dimension: str
    group: str
    low: Estimate
    hits: int
    coverage: Share
    too_short: int


@dataclass(frozen=True)
class TraitGap:
    """The difference of low shares between groups; 0 is parity.

    Of two groups the first minus the second, from -1 to 1. Of more, the group with the
    largest share minus that with the smallest, never negative; these two are picked after the
    look, so the value lies above 0 by chance alone, and the interval does not correct for it.
    """

    dimension: str
    groups: tuple[str, str]
    difference: Estimate


def count_group_traits(
    axis: Axis, rows: Sequence[Example], seed: int = 0
) -> tuple[list[Traits], list[TraitGap]]:
    """Return low shares by dimension and group, and the gap of each dimension."""
    lexicon = load_lexicon()
    counted: dict[str, list[list[int]]] = {group: [] for group in axis.groups}
    too_short = dict.fromkeys(axis.groups, 0)
    for row in rows:
        group = row["group"][axis.axis]
        counts = count_traits(row["text"], lexicon)
        if counts is None:
            too_short[group] += 1
        else:
            counted[group].append(counts[:-1])

    traits, gaps = [], []
    for d, dimension in enumerate(DIMENSIONS):
        # a group without a text has no columns until it is reshaped
        hits = {}
        for group, told in counted.items():
            table = np.array(told, np.float64).reshape(-1, 2 * len(DIMENSIONS))
            hits[group] = table[:, 2 * d : 2 * d + 2]

        shares, draws = _shares(list(hits.values()), seed)
        for i, (group, found) in enumerate(hits.items()):
            low = _estimate(float(shares[i]), draws[:, i], len(found))
            read = wilson(int(found.any(axis=1).sum()), len(found))
            traits.append(Traits(dimension, group, low, int(found.sum()), read, too_short[group]))

        known = [i for i in range(len(hits)) if not np.isnan(shares[i])]
        if len(known) < 2:
            continue
        if len(hits) > 2:
            known.sort(key=lambda i: -shares[i])
        first, second = known[0], known[-1]

        names = list(hits)
        gap = _estimate(
            float(shares[first] - shares[second]),
            draws[:, first] - draws[:, second],
            min(len(hits[names[first]]), len(hits[names[second]])),
        )
        gaps.append(TraitGap(dimension, (names[first], names[second]), gap))
    return traits, gaps


def _shares(hits: Sequence[Array], seed: int) -> tuple[Array, Array]:
    """Return low shares, shape (groups,), and bootstrap draws of them, shape (draws, groups)."""
    rows = np.concatenate(
        [np.pad(found, ((0, 0), (2 * i, 2 * (len(hits) - 1 - i)))) for i, found in enumerate(hits)]
    )
    strata = np.repeat(np.arange(len(hits)), [len(found) for found in hits])

    def statistic(sums: Array) -> Array:
        low, both = sums[..., ::2], sums[..., ::2] + sums[..., 1::2]
        return np.divide(low, both, out=np.full_like(low, np.nan), where=both > 0)

    return statistic(rows.sum(axis=0)), statistic(draw(rows, strata, seed=seed))


def _estimate(value: float, draws: Array, n: int) -> Estimate:
    if np.isnan(value):
        return Estimate(None, None, None, n)
    return Estimate(value, *(interval(draws) if n > 1 else (None, None)), n)
