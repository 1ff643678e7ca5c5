"""Value and error of a metric from its answers; the change between two runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bias_inherit.tasks.metrics.amount import AMOUNTS
from bias_inherit.tasks.metrics.answer import AXES, Answer
from bias_inherit.tasks.metrics.bootstrap import Array, Statistic, Totals, number, spread
from bias_inherit.tasks.metrics.choice import CHOICE
from bias_inherit.tasks.metrics.family import Family
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


def value(answers: Sequence[Answer]) -> float | None:
    """Return the metric named in the answers; None where it has no data."""
    totals, statistic = _plan(answers)
    return number(statistic(totals.rows.sum(axis=0)))


def stderr(answers: Sequence[Answer]) -> float | Literal["N/A"]:
    """Return the standard error of the metric named in the answers.

    A count has the error 0. "N/A" (lm-eval's word) where the metric has no data or a
    stratum holds a single cluster, which says nothing about its spread.
    """
    family = FAMILIES[answers[0].kind]
    measure, _ = family.parse(_name(answers[0]), AXES[answers[0].axis])
    if measure in family.counts:
        return 0.0
    error = spread(*_plan(answers))
    return "N/A" if error is None else error


def paired_change(
    answers: Sequence[Answer], baseline: Sequence[Answer]
) -> tuple[float | None, float | None]:
    """Return metric(answers) - metric(baseline) and its standard error, paired by cluster.

    Both runs answered the same documents, so clusters are resampled jointly.

    Raises:
        ValueError: the runs differ in their clusters or in the documents of a cluster.
    """
    answers, baseline = sorted(answers, key=_document), sorted(baseline, key=_document)
    if list(map(_document, answers)) != list(map(_document, baseline)):
        raise ValueError("the two runs did not answer the same documents")
    first, statistic = _plan(answers)
    second, other = _plan(baseline)
    width = first.rows.shape[1]
    totals = Totals(np.concatenate([first.rows, second.rows], axis=1), first.strata)

    def change(sums: Array) -> Array:
        return statistic(sums[..., :width]) - other(sums[..., width:])

    return number(change(totals.rows.sum(axis=0))), spread(totals, change)


def _name(answer: Answer) -> str:
    return answer.metric.removesuffix("_stderr")


def _document(answer: Answer) -> tuple[str, str, int]:
    return answer.cluster, answer.group, -1 if answer.gold is None else answer.gold


def _plan(answers: Sequence[Answer]) -> tuple[Totals, Statistic]:
    """Return the totals of the answers and the statistic that their metric name asks for."""
    groups = AXES[answers[0].axis]
    family = FAMILIES[answers[0].kind]
    measure, scope = family.parse(_name(answers[0]), groups)
    if family.one_group and scope in groups:
        answers = [a for a in answers if a.group == scope]
    member, strata = _clusters(answers, groups)
    rows = family.rows(answers, groups)
    sums = np.zeros((len(strata), rows.shape[1]))
    np.add.at(sums, member, rows)
    if not family.stratified:
        strata = np.zeros_like(strata)
    return Totals(family.finish(sums, groups), strata), family.measures[measure](groups, scope)


def _clusters(
    answers: Sequence[Answer], groups: Sequence[str]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return each answer's cluster index, and each cluster's stratum (its set of groups)."""
    index: dict[str, int] = {}
    member = np.array([index.setdefault(a.cluster, len(index)) for a in answers], dtype=np.int64)
    bit = {group: 1 << i for i, group in enumerate(groups)} | {"": 0}
    strata = np.zeros(len(index), dtype=np.int64)
    np.bitwise_or.at(strata, member, np.array([bit[a.group] for a in answers], dtype=np.int64))
    return member, strata
