"""The null value of a range: what it comes to where groups do not differ at all.

The largest minus the smallest of several groups, a root mean square, a distance from an even use:
such measures are above 0 by chance alone, the more so the fewer documents there are. The null value
is their mean over random exchanges of the groups: among clusters of one group each which group it
is, within clusters of several which part is whose. That keeps how many there are of each, and the
clusters. Good 2005, Permutation, Parametric and Bootstrap Tests of Hypotheses.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from bias_inherit.tasks.metrics.bootstrap import Array

Exchange: TypeAlias = Callable[[Array, Sequence[str], np.random.Generator], Array]
"""(finished sums of each cluster, groups, generator) -> totals of each exchange, of the same width,
shape (EXCHANGES, width); columns that no range of the family reads may be 0."""

EXCHANGES = 200
"""Random exchanges: the mean's own error is a fourteenth of the measure's spread by chance."""


def among(
    content: Array, owner: NDArray[np.int64], k: int, generator: np.random.Generator
) -> Array:
    """Exchange which group a cluster is of, and return the totals, shape (EXCHANGES, k, w).

    Args:
        content: of each cluster, shape (n, w).
        owner: its group, shape (n,).
        k: how many groups.
        generator: draws the exchanges.
    """
    sizes = np.bincount(owner, minlength=k)
    totals = np.zeros((EXCHANGES, k, content.shape[1]))
    held = np.flatnonzero(sizes)
    if not len(held):
        return totals

    starts = np.concatenate([[0], np.cumsum(sizes[held])[:-1]])
    for exchanged in totals:
        shuffled = content[generator.permutation(len(content))]
        exchanged[held] = np.add.reduceat(shuffled, starts, axis=0)
    return totals


def within(blocks: Array, generator: np.random.Generator) -> Array:
    """Exchange the groups' parts of each cluster, and return the totals, shape (EXCHANGES, k, w).

    A group that a cluster does not have stays absent in it.

    Args:
        blocks: shape (n, k, w).
        generator: draws the exchanges.
    """
    n, k, w = blocks.shape
    present = np.asarray(blocks.any(axis=2))
    if k == 2 and present.all():
        swapped = generator.integers(2, size=(EXCHANGES, n)).astype(np.float64)
        change = (swapped @ (blocks[:, 1] - blocks[:, 0])).reshape(EXCHANGES, 1, w)
        both: Array = blocks.sum(axis=0) + np.concatenate([change, -change], axis=1)
        return both

    totals = np.zeros((EXCHANGES, k, w))
    if not n:
        return totals
    # only the parts that are there, those that go to one group together
    there = np.arange(k) < present.sum(axis=1, keepdims=True)
    goes_to = np.argsort(~present, axis=1, kind="stable")[there]
    together = np.argsort(goes_to, kind="stable")
    held, starts = np.unique(goes_to[together], return_index=True)
    rows = np.broadcast_to(np.arange(n)[:, np.newaxis], (n, k))[there][together]
    for exchanged in totals:
        keys = np.where(present, generator.random((n, k)), 2.0)
        comes_from = np.argsort(keys, axis=1)[there][together]
        exchanged[held] = np.add.reduceat(blocks[rows, comes_from], starts, axis=0)
    return totals


def exchange_blocks(
    blocks: Array, classes: NDArray[np.int64], generator: np.random.Generator
) -> Array:
    """Exchange within the clusters of several groups, and among the others of each class.

    Args:
        blocks: shape (n, k, w), a block a group.
        classes: of each cluster: only those of one class are exchanged, shape (n,).
        generator: draws the exchanges.
    """
    present = np.asarray(blocks.any(axis=2))
    groups = present.sum(axis=1)
    several, single = np.flatnonzero(groups > 1), np.flatnonzero(groups <= 1)
    k, w = blocks.shape[1:]
    totals = within(blocks[several], generator) if len(several) else np.zeros((EXCHANGES, k, w))
    for one in np.unique(classes[single]):
        own = single[classes[single] == one]
        content, owner = blocks[own].sum(axis=1), present[own].argmax(axis=1)
        totals = totals + among(content, owner, k, generator)
    return totals
