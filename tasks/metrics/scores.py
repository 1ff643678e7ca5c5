"""Value and error of a metric from the records; the change between two runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bias_inherit.tasks.metrics.amount import AMOUNTS
from bias_inherit.tasks.metrics.bootstrap import (
    Array,
    Statistic,
    draw,
    hangs_on_one,
    number,
    spread,
)
from bias_inherit.tasks.metrics.choice import CHOICE
from bias_inherit.tasks.metrics.family import Family
from bias_inherit.tasks.metrics.groups import AXES
from bias_inherit.tasks.metrics.occupation import OCCUPATION
from bias_inherit.tasks.metrics.offers import OFFERS
from bias_inherit.tasks.metrics.pmi import relative
from bias_inherit.tasks.metrics.record import Record
from bias_inherit.tasks.metrics.selection import SELECTION
from bias_inherit.tasks.metrics.similarity import SIMILARITY
from bias_inherit.tasks.metrics.story import STORIES
from bias_inherit.tasks.metrics.text import TEXT

FAMILIES: Mapping[str, Family] = {
    "choice": CHOICE,
    "occupation": OCCUPATION,
    "text": TEXT,
    "amount": AMOUNTS,
    "offers": OFFERS,
    "selection": SELECTION,
    "story": STORIES,
    "similarity": SIMILARITY,
}


NULL, EXCESS = "_null", "_excess"
"""Endings of a range's null value (`null.py`), and of the range minus it."""


def split(metric: str) -> tuple[str, str]:
    """Return a metric's name without such an ending, and the ending or ""."""
    ending = next((end for end in (NULL, EXCESS) if metric.endswith(end)), "")
    return metric.removesuffix(ending), ending


def value(metric: str, records: Sequence[Record]) -> float | None:
    """Return a metric of the records; None where it has no data."""
    return _Answers.of(records).value(metric)


def stderr(metric: str, records: Sequence[Record]) -> float | Literal["N/A"]:
    """Return the standard error of a metric of the records.

    A count has the error 0. The error of an excess is that of the range: the null value hardly
    depends on the sample, and has none of its own. "N/A" (lm-eval's word) where the metric has no
    data, or would have none without one single cluster, or a stratum holds a single cluster: one
    says nothing about their spread.
    """
    answers = _Answers.of(records)
    name, ending = split(metric)
    measure, _ = answers.parse(name)
    if measure in answers.family.counts:
        return 0.0 if answers.records else "N/A"
    if ending == NULL or answers.value(name) is None:
        return "N/A"
    error = answers.error(name)
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

    after, before = _Answers.of(records), _Answers.of(baseline)
    now, then = after.value(metric), before.value(metric)
    if now is None or then is None:
        return None, None
    name, ending = split(metric)
    return now - then, None if ending == NULL else after.error(name, before)


def deviations(metric: str, records: Sequence[Record]) -> Array | None:
    """Return a metric of the bootstrap samples minus that of the records, shape (DRAWS,).

    Runs on the same documents are drawn jointly, also where they were asked in other forms: what
    is computed from the deviations of several is paired by document. None where there is no data
    or no error.
    """
    return _Answers.of(sorted(records, key=_document)).deviations(split(metric)[0])


def _document(record: Record) -> tuple[str, str, int]:
    return record.cluster, record.group, -1 if record.gold is None else record.gold


class _Answers:
    """The answers of a run, from which all of its metrics are computed.

    What metrics share is computed once: lm-eval asks for each of them, with the same records.
    """

    def __init__(self, records: Sequence[Record]) -> None:
        self.asked = records
        self.records = relative(records) or []
        self.family = FAMILIES[records[0].family]
        self.groups = AXES[records[0].axis]
        self._ranked: dict[tuple[str, str], tuple[float, Array]] = {}
        self._strata: dict[str, NDArray[np.int64]] = {}

    @classmethod
    def of(cls, records: Sequence[Record]) -> _Answers:
        """Return the answers of these very records, as they were prepared last, or anew."""
        key = tuple(map(id, records))
        if key not in _PREPARED:
            while len(_PREPARED) >= _KEPT:
                del _PREPARED[next(iter(_PREPARED))]
            _PREPARED[key] = cls(list(records))  # holds them, so that no other takes their ids
        return _PREPARED[key]

    def parse(self, metric: str) -> tuple[str, str]:
        """Return measure and scope of a metric's name."""
        return self.family.parse(metric, self.groups)

    def value(self, metric: str) -> float | None:
        """Return a metric; None where it has no data."""
        name, ending = split(metric)
        measure, scope = self.parse(name)
        if not self.records:
            return None
        if measure in self.family.ranked:
            return number(self._influences(measure, scope)[0])

        statistic = self.family.measures[measure](self.groups, scope)
        found = number(statistic(self._totals.sum(axis=0)))
        if found is None or not ending:
            return found
        null = self._mean_of(statistic, self._exchanged)
        if null is None or ending == NULL:
            return null
        return found - null

    def error(self, name: str, before: _Answers | None = None) -> float | None:
        """Return the standard error of a metric, or of its change from another run."""
        measure, scope = self.parse(name)
        if not self.records:
            return None
        if measure in self.family.ranked:
            if self._ranks_one(scope):
                return None
            influence = self._influences(measure, scope)[1]
            if before is not None:
                influence = influence - before._influences(measure, scope)[1]
            return self._error_of(influence)

        statistic = self.family.measures[measure](self.groups, scope)
        if hangs_on_one(statistic, self._totals):
            return None
        samples = statistic(self._drawn)
        if before is not None:
            samples = samples - statistic(before._drawn)
        return spread(samples, self._strata_of(scope))

    def deviations(self, name: str) -> Array | None:
        """Return a metric of the drawn samples minus that of the answers, shape (DRAWS,)."""
        measure, scope = self.parse(name)
        if not self.records:
            return None
        if measure in self.family.ranked:
            if self._ranks_one(scope):
                return None
            member, strata = self._clusters
            influence = self._influences(measure, scope)[1]
            by_cluster = np.zeros(len(strata))
            np.add.at(by_cluster, member, influence)
            return draw(by_cluster[:, np.newaxis], strata)[:, 0]

        found = self.value(name)
        if found is None or self.error(name) is None:
            return None
        statistic = self.family.measures[measure](self.groups, scope)
        return statistic(self._drawn) - found

    @cached_property
    def _clusters(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        member, strata = _clusters(self.records, self.groups)
        return member, strata if self.family.stratified else np.zeros_like(strata)

    @cached_property
    def _totals(self) -> Array:
        """The finished sums of each cluster, shape (clusters, width)."""
        member, strata = self._clusters
        rows = self.family.rows(self.records, self.groups)
        sums = np.zeros((len(strata), rows.shape[1]))
        np.add.at(sums, member, rows)
        return self.family.finish(sums, self.groups)

    @cached_property
    def _drawn(self) -> Array:
        """Totals of the bootstrap samples, shape (draws, width)."""
        return draw(self._totals, self._clusters[1])

    @cached_property
    def _exchanged(self) -> Array:
        """Totals where the groups are exchanged, shape (exchanges, width)."""
        if self.family.exchange is None:
            raise ValueError("this family of metrics has no null values")
        return self.family.exchange(self._totals, self.groups, np.random.default_rng(0))

    @staticmethod
    def _mean_of(statistic: Statistic, totals: Array) -> float | None:
        found = statistic(totals)
        known = found[~np.isnan(found)]
        return float(known.mean()) if known.size else None

    def _of_group(self, scope: str) -> NDArray[np.bool_]:
        """Return which answers a scope is over, shape (answers,)."""
        one = self.family.one_group and scope in self.groups
        return np.array([not one or record.group == scope for record in self.records])

    def _strata_of(self, scope: str) -> NDArray[np.int64]:
        """Return the strata of the clusters that a scope is over."""
        of = scope if self.family.one_group and scope in self.groups else ""
        if of not in self._strata:
            member, strata = self._clusters
            self._strata[of] = strata[np.unique(member[self._of_group(of)])]
        return self._strata[of]

    def _ranks_one(self, scope: str) -> bool:
        """Return whether all answers of a label, in a scope, are of one cluster."""
        mine = np.flatnonzero(self._of_group(scope)).tolist()
        labels: dict[int | None, set[str]] = {}
        for record in (self.records[i] for i in mine):
            labels.setdefault(record.gold, set()).add(record.cluster)
        return min(map(len, labels.values()), default=0) < 2

    def _influences(self, measure: str, scope: str) -> tuple[float, Array]:
        """Return a ranked measure, and the influence of each answer, shape (answers,)."""
        key = (measure, scope)
        if key not in self._ranked:
            self._ranked[key] = self._rank(measure, scope)
        return self._ranked[key]

    def _rank(self, measure: str, scope: str) -> tuple[float, Array]:
        mine = np.flatnonzero(self._of_group(scope)).tolist()
        found, own = self.family.ranked[measure]([self.records[i] for i in mine])
        influence = np.zeros(len(self.records))
        influence[mine] = own
        return found, influence

    def _error_of(self, influence: Array) -> float | None:
        """Return the error of a value from the influence of each answer, summed by cluster."""
        member, strata = self._clusters
        clusters = np.bincount(member, influence, minlength=len(strata))
        many = int((np.bincount(member, influence != 0, minlength=len(strata)) > 0).sum())
        scale = many / (many - 1) if many > 1 else 1.0
        return float(np.sqrt((clusters**2).sum() * scale))


_KEPT = 4
_PREPARED: dict[tuple[int, ...], _Answers] = {}
"""The last answers that were asked about."""


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
