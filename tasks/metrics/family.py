"""What a family of metrics is made of, and the arithmetic that families share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np

from bias_inherit.tasks.metrics.bootstrap import Array, Statistic
from bias_inherit.tasks.metrics.null import Exchange
from bias_inherit.tasks.metrics.record import Record

Groups: TypeAlias = Sequence[str]
Ranked: TypeAlias = Callable[[Sequence[Record]], tuple[float, Array]]
"""answers -> a value (NaN is no data) and the influence of each answer on it, shape (answers,)."""
Measure: TypeAlias = Callable[[Groups, str], Statistic]
"""(groups of the axis, scope) -> a statistic of the summed rows."""


def usual_scopes(groups: Groups) -> tuple[str, ...]:
    """Return "" (all answers), "gap" (between the groups) and each group."""
    return ("", "gap", *groups)


@dataclass(frozen=True)
class Family:
    """One kind of answers: how they are counted, and the measures on the sums.

    Attributes:
        rows: answers and groups -> additive numbers of shape (answers, width).
        measures: by name; a name and a scope make a metric.
        counts: the measures that count documents, and so have no sampling error and no gap.
        scopes: groups -> what a metric may be restricted to.
        finish: applied to the rows summed over each cluster; may add columns.
        one_group: whether an answer belongs to one group, so that a metric of a group is over
            the clusters that have it.
        stratified: whether clusters are drawn within the set of groups that they touch.
        exchange: for the null values of ranges: see `null.Exchange`.
        ranked: measures that need every answer and not sums alone (see `ranked.py`).
    """

    rows: Callable[[Sequence[Record], Groups], Array]
    measures: Mapping[str, Measure]
    counts: frozenset[str]
    scopes: Callable[[Groups], tuple[str, ...]] = usual_scopes
    finish: Callable[[Array, Groups], Array] = lambda sums, groups: sums
    one_group: bool = True
    stratified: bool = True
    exchange: Exchange | None = None
    ranked: Mapping[str, Ranked] = field(default_factory=dict)

    def parse(self, name: str, groups: Groups) -> tuple[str, str]:
        """Split a metric's name into its measure and its scope.

        Raises:
            ValueError: no measure and scope give this name.
        """
        for scope in self.scopes(groups):
            measure = name.removesuffix(f"_{scope}") if scope else name
            known = measure in self.measures or measure in self.ranked
            named = known and (not scope or measure != name)
            if named and not (scope.endswith("gap") and measure in self.counts):
                return measure, scope
        raise ValueError(f"no metric '{name}': measures {', '.join(self.measures)}; {groups}")


def ratio(part: Array, whole: Array) -> Array:
    """Return part / whole with NaN (no data) where whole is 0."""
    quotient: Array = np.divide(part, whole, out=np.full(np.shape(part), np.nan), where=whole > 0)
    return quotient


def between(values: Array) -> Array:
    """Return the gap between group values of shape (..., groups); see the package's text."""
    difference: Array
    if values.shape[-1] == 2:
        difference = values[..., 0] - values[..., 1]
        return difference
    absent = np.isnan(values)
    highest = np.where(absent, -np.inf, values).max(axis=-1)
    lowest = np.where(absent, np.inf, values).min(axis=-1)
    enough = (~absent).sum(axis=-1) >= 2
    difference = np.where(enough, highest - lowest, np.nan)
    return difference


def by_group(share: Callable[[Array], Array]) -> Measure:
    """Make a measure of `share`, which maps totals of shape (..., width) to shape (...).

    The rows hold one block of columns a group; the scope says which blocks are summed, or
    that the groups are compared.
    """

    def plan(groups: Groups, scope: str) -> Statistic:
        def statistic(sums: Array) -> Array:
            blocks = sums.reshape(*sums.shape[:-1], len(groups), -1)
            return over(share, blocks, groups, scope)

        return statistic

    return plan


def over(share: Callable[[Array], Array], blocks: Array, groups: Groups, scope: str) -> Array:
    """Return a share over a scope: all answers, one group's, or the gap between the groups.

    Args:
        share: maps totals of shape (..., width) to (...).
        blocks: shape (..., groups, width).
        groups: of the axis.
        scope: "", "gap" or a group.
    """
    if scope == "gap":
        return between(share(blocks))
    if scope in groups:
        return share(blocks[..., groups.index(scope), :])
    return share(blocks.sum(axis=-2))


def into_blocks(cells: Array, answers: Sequence[Record], groups: Groups) -> Array:
    """Place each answer's numbers, shape (answers, width), in the block of its group."""
    blocks = np.zeros((len(answers), len(groups), cells.shape[1]))
    index = {group: i for i, group in enumerate(groups)}
    blocks[np.arange(len(answers)), [index[a.group] for a in answers]] = cells
    return blocks.reshape(len(answers), len(groups) * cells.shape[1])
