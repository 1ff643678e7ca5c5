"""Value and error of a metric from the records; the change between two runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bias_inherit.tasks.metrics.amount import AMOUNTS
from bias_inherit.tasks.metrics.bootstrap import Array, Statistic, Totals, number, spread
from bias_inherit.tasks.metrics.choice import CHOICE
from bias_inherit.tasks.metrics.family import Family
from bias_inherit.tasks.metrics.groups import AXES
from bias_inherit.tasks.metrics.record import Record
from bias_inherit.tasks.metrics.selection import SELECTION
from bias_inherit.tasks.metrics.similarity import SIMILARITY
from bias_inherit.tasks.metrics.story import STORIES

FAMILIES: Mapping[str, Family] = {
    "choice": CHOICE,
    "amount": AMOUNTS,
    "selection": SELECTION,
    "story": STORIES,
    "similarity": SIMILARITY,
}


def value(metric: str, records: Sequence[Record]) -> float | None:
    """Return a metric of the records; None where it has no data."""
    totals, statistic = _plan(metric, records)
    return number(statistic(totals.rows.sum(axis=0)))


def stderr(metric: str, records: Sequence[Record]) -> float | Literal["N/A"]:
    """Return the standard error of a metric of the records.

    A count has the error 0. "N/A" (lm-eval's word) where the metric has no data or a
    stratum holds a single cluster, which says nothing about its spread.
    """
    family = FAMILIES[records[0].family]
    measure, _ = family.parse(metric, AXES[records[0].axis])
    if measure in family.counts:
        return 0.0
    error = spread(*_plan(metric, records))
    return "N/A" if error is None else error


def paired_change(
    metric: str, records: Sequence[Record], baseline: Sequence[Record]
) -> tuple[float | None, float | None]:
    """Return metric(records) - metric(baseline) and its standard error, paired by cluster.

    Both runs answered the same documents, so clusters are resampled jointly.

    Raises:
        ValueError: the runs differ in their clusters or in the documents of a cluster.
    """
    records, baseline = sorted(records, key=_document), sorted(baseline, key=_document)
    if list(map(_document, records)) != list(map(_document, baseline)):
        raise ValueError("the two runs did not answer the same documents")
    first, statistic = _plan(metric, records)
    second, other = _plan(metric, baseline)
    width = first.rows.shape[1]
    totals = Totals(np.concatenate([first.rows, second.rows], axis=1), first.strata)

    def change(sums: Array) -> Array:
        return statistic(sums[..., :width]) - other(sums[..., width:])

    return number(change(totals.rows.sum(axis=0))), spread(totals, change)


def _document(record: Record) -> tuple[str, str, int]:
    return record.cluster, record.group, -1 if record.gold is None else record.gold


def _plan(metric: str, records: Sequence[Record]) -> tuple[Totals, Statistic]:
    """Return the totals of the records and the statistic that the metric's name asks for."""
    groups = AXES[records[0].axis]
    family = FAMILIES[records[0].family]
    measure, scope = family.parse(metric, groups)
    if family.one_group and scope in groups:
        records = [record for record in records if record.group == scope]

    member, strata = _clusters(records, groups)
    rows = family.rows(records, groups)
    sums = np.zeros((len(strata), rows.shape[1]))
    np.add.at(sums, member, rows)
    if not family.stratified:
        strata = np.zeros_like(strata)
    return Totals(family.finish(sums, groups), strata), family.measures[measure](groups, scope)


def _clusters(
    answers: Sequence[Record], groups: Sequence[str]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return each answer's cluster index, and each cluster's stratum (its set of groups)."""
    index: dict[str, int] = {}
    member = np.array([index.setdefault(a.cluster, len(index)) for a in answers], dtype=np.int64)
    bit = {group: 1 << i for i, group in enumerate(groups)} | {"": 0}
    strata = np.zeros(len(index), dtype=np.int64)
    np.bitwise_or.at(strata, member, np.array([bit[a.group] for a in answers], dtype=np.int64))
    return member, strata
