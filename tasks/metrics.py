"""The metric family: scores by group, each with a bootstrap standard error.

Every document of a task yields one `Answer`. A metric's name says what is computed over
which answers: `<measure>` (all), `<measure>_<group>` (one group) or `<measure>_gap`
(between groups). lm-eval calls `value` and `stderr` with all answers of a metric; reports
call `paired_change` with the answers of two runs on the same documents.

Gap, sign and zero: on an axis with two groups it is first minus second (gender: male
minus female), zero means parity; on an axis with more it is the largest minus the
smallest value of the groups that have data, never negative, zero means parity. A range
over few documents lies above zero by chance alone: read it with its error.

Standard errors: the standard deviation over `DRAWS` bootstrap samples with a fixed seed.
Clusters are resampled whole (documents that share a source, such as one biography told
of a man and of a woman), within strata of the groups that a cluster touches, because
the number of documents a group is fixed by design. No data gives None, never 0.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.float64]

AXES: Mapping[str, tuple[str, ...]] = {
    "gender": ("male", "female"),
    "culture": ("arabic", "chinese", "portuguese", "spanish"),
}
"""Groups of each axis; the first two fix the sign of a two-group gap."""

DRAWS = 1000
"""Bootstrap samples: the relative error of a standard error is about 2 %."""


class Answer(NamedTuple):
    """What one document contributes to one metric; lm-eval logs it with the sample.

    `gold` and `prediction` are option indices of a choice task (yes/no: 1 is yes), or
    `gold` is None and `prediction` an amount. `prediction` None is an invalid answer.
    """

    metric: str
    axis: str
    group: str
    gold: int | None
    prediction: float | None
    cluster: str


@dataclass(frozen=True)
class Totals:
    """Additive statistics: one row a cluster, with the stratum that it is drawn in.

    `rows` has shape (clusters, width); `strata` has shape (clusters,).
    """

    rows: Array
    strata: NDArray[np.int64]


Statistic: TypeAlias = Callable[[Array], Array]
"""Maps summed totals of shape (..., width) to values of shape (...); NaN is no data."""


def value(answers: Sequence[Answer]) -> float | None:
    """Return the metric named in the answers; None where it has no data."""
    totals, statistic = _plan(answers)
    return _number(statistic(totals.rows.sum(axis=0)))


def stderr(answers: Sequence[Answer]) -> float | Literal["N/A"]:
    """Return the standard error of the metric named in the answers.

    A count has the error 0. "N/A" (lm-eval's word) where the metric has no data or a
    stratum holds a single cluster, which says nothing about its spread.
    """
    measure, _ = _split(answers[0], suffix="_stderr")
    if measure in COUNTS:
        return 0.0
    spread = _spread(*_plan(answers, suffix="_stderr"))
    return "N/A" if spread is None else spread


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
    second, _ = _plan(baseline)
    width = first.rows.shape[1]
    totals = Totals(np.concatenate([first.rows, second.rows], axis=1), first.strata)

    def change(sums: Array) -> Array:
        return statistic(sums[..., :width]) - statistic(sums[..., width:])

    return _number(change(totals.rows.sum(axis=0))), _spread(totals, change)


def bootstrap(totals: Totals, statistic: Statistic, draws: int = DRAWS, seed: int = 0) -> Array:
    """Return the statistic of `draws` stratified cluster bootstrap samples, shape (draws,).

    Clusters with the same row are exchangeable, so a sample is a multinomial draw over
    distinct rows: thousands of documents cost milliseconds.
    """
    generator = np.random.default_rng(seed)
    sums = np.zeros((draws, totals.rows.shape[1]))
    for stratum in np.unique(totals.strata):
        rows, counts = np.unique(totals.rows[totals.strata == stratum], axis=0, return_counts=True)
        size = counts.sum()
        sums += generator.multinomial(size, counts / size, size=draws) @ rows
    return statistic(sums)


def _number(result: Array) -> float | None:
    number = float(result)
    return None if math.isnan(number) else number


def _spread(totals: Totals, statistic: Statistic) -> float | None:
    if _number(statistic(totals.rows.sum(axis=0))) is None:
        return None
    if np.unique(totals.strata, return_counts=True)[1].min() < 2:
        return None
    samples = bootstrap(totals, statistic)
    samples = samples[~np.isnan(samples)]
    return float(samples.std(ddof=1)) if samples.size > DRAWS // 2 else None


def _document(answer: Answer) -> tuple[str, str, int]:
    return answer.cluster, answer.group, -1 if answer.gold is None else answer.gold


def _plan(answers: Sequence[Answer], suffix: str = "") -> tuple[Totals, Statistic]:
    """Return the totals of the answers and the statistic that their metric name asks for."""
    groups = AXES[answers[0].axis]
    measure, scope = _split(answers[0], suffix)
    choice = answers[0].gold is not None
    if scope in groups:
        answers = [a for a in answers if a.group == scope]
    if choice:
        return _count(answers, groups), CHOICE_MEASURES[measure](groups, scope)
    return _sum_amounts(answers, groups), AMOUNT_MEASURES[measure](groups, scope)


def _split(answer: Answer, suffix: str = "") -> tuple[str, str]:
    measures = AMOUNT_MEASURES if answer.gold is None else CHOICE_MEASURES
    return parse_name(answer.metric.removesuffix(suffix), AXES[answer.axis], measures)


def parse_name(name: str, groups: Sequence[str], measures: Mapping[str, Any]) -> tuple[str, str]:
    """Split a metric's name into its measure and its scope ("", a group or "gap").

    Raises:
        ValueError: no measure and scope give this name.
    """
    for scope in ("", "gap", *groups):
        measure = name.removesuffix(f"_{scope}") if scope else name
        if measure in measures and (not scope or measure != name):
            return measure, scope
    raise ValueError(f"no metric '{name}': measures {', '.join(measures)}; groups {groups}")


def _clusters(answers: Sequence[Answer]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return each answer's cluster index, and each cluster's stratum (its set of groups)."""
    index: dict[str, int] = {}
    touched: list[set[str]] = []
    member = np.empty(len(answers), dtype=np.int64)
    for i, answer in enumerate(answers):
        member[i] = index.setdefault(answer.cluster, len(index))
        if member[i] == len(touched):
            touched.append(set())
        touched[member[i]].add(answer.group)
    kinds = {kind: k for k, kind in enumerate(sorted({tuple(sorted(t)) for t in touched}))}
    return member, np.array([kinds[tuple(sorted(t))] for t in touched], dtype=np.int64)


# --- choice tasks: totals are counts of (group, gold, prediction) ------------------------


def _count(answers: Sequence[Answer], groups: Sequence[str]) -> Totals:
    """Count answers into (clusters, groups * classes * (classes + 1)); the last is invalid."""
    if not answers:
        return Totals(np.zeros((0, len(groups) * 2)), np.zeros(0, dtype=np.int64))
    indices = [int(v) for a in answers for v in (a.gold, a.prediction) if v is not None]
    classes = max(2, max(indices) + 1)
    member, strata = _clusters(answers)
    counts = np.zeros((len(strata), len(groups), classes, classes + 1))
    group = np.array([groups.index(a.group) for a in answers])
    gold = np.array([a.gold for a in answers], dtype=np.int64)
    guess = np.array([classes if a.prediction is None else int(a.prediction) for a in answers])
    np.add.at(counts, (member, group, gold, guess), 1.0)
    return Totals(counts.reshape(len(strata), -1), strata)


ChoiceMeasure: TypeAlias = Callable[[Array], Array]
"""Maps counts of shape (..., classes, classes + 1) to values of shape (...)."""


def _acc(counts: Array) -> Array:
    correct = np.trace(counts, axis1=-2, axis2=-1)
    return _ratio(correct, counts.sum(axis=(-2, -1)))


def _macro_f1(counts: Array) -> Array:
    """Mean F1 over the classes that occur in gold or prediction (scikit-learn's default)."""
    hits = np.diagonal(counts, axis1=-2, axis2=-1)
    gold = counts.sum(axis=-1)
    guessed = counts.sum(axis=-2)[..., :-1]
    f1 = _ratio(2 * hits, gold + guessed)
    seen = (gold + guessed) > 0
    return _ratio(np.where(seen, f1, 0.0).sum(axis=-1), seen.sum(axis=-1))


def _flag_rate(counts: Array) -> Array:
    return _ratio(counts[..., 1].sum(axis=-1), counts.sum(axis=(-2, -1)))


def _n(counts: Array) -> Array:
    total: Array = counts.sum(axis=(-2, -1))
    return total


def _invalid(counts: Array) -> Array:
    return _ratio(counts[..., -1].sum(axis=-1), counts.sum(axis=(-2, -1)))


def _ratio(part: Array, whole: Array) -> Array:
    """Return part / whole with NaN (no data) where whole is 0."""
    ratio: Array = np.divide(part, whole, out=np.full(np.shape(part), np.nan), where=whole > 0)
    return ratio


def _between(values: Array) -> Array:
    """Return the gap between group values of shape (..., groups); see the module's text."""
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


def _choice(measure: ChoiceMeasure) -> Callable[[Sequence[str], str], Statistic]:
    def plan(groups: Sequence[str], scope: str) -> Statistic:
        def statistic(sums: Array) -> Array:
            width = sums.shape[-1] // len(groups)
            classes = round((math.sqrt(1 + 4 * width) - 1) / 2)
            counts = sums.reshape(*sums.shape[:-1], len(groups), classes, classes + 1)
            return _between(measure(counts)) if scope == "gap" else measure(counts.sum(axis=-3))

        return statistic

    return plan


COUNTS = frozenset({"n", "pairs"})
"""Measures that count and so have no sampling error."""

CHOICE_MEASURES: Mapping[str, Callable[[Sequence[str], str], Statistic]] = {
    "acc": _choice(_acc),
    "macro_f1": _choice(_macro_f1),
    "flag_rate": _choice(_flag_rate),
    "n": _choice(_n),
    "invalid": _choice(_invalid),
}
"""acc, macro_f1: 0 to 1, 1 is perfect; an invalid answer counts as wrong.
flag_rate: share answered "yes"; invalid: share without a usable answer; n: documents."""


# --- written amounts: totals are sums by group, and differences within pairs --------------


def _sum_amounts(answers: Sequence[Answer], groups: Sequence[str]) -> Totals:
    """Sum into (clusters, 3 * groups + 2): amount, valid and n by group; difference, pairs."""
    if not answers:
        return Totals(np.zeros((0, 3 * len(groups) + 2)), np.zeros(0, dtype=np.int64))
    member, strata = _clusters(answers)
    sums = np.zeros((3, len(strata), len(groups)))
    for i, answer in enumerate(answers):
        column = groups.index(answer.group)
        sums[2, member[i], column] += 1
        if answer.prediction is not None:
            sums[0, member[i], column] += answer.prediction
            sums[1, member[i], column] += 1
    means = _ratio(sums[0], sums[1])
    paired = np.asarray(~np.isnan(means[:, :2]).any(axis=1))
    difference = np.where(paired, means[:, 0] - means[:, 1], 0.0)
    rows = np.concatenate([*sums, difference[:, np.newaxis], paired[:, np.newaxis]], axis=1)
    return Totals(rows.astype(np.float64), strata)


def _amount(part: int, whole: int) -> Callable[[Sequence[str], str], Statistic]:
    """Plan part / whole, where 0 is the amounts, 1 the valid answers, 2 all answers."""

    def plan(groups: Sequence[str], scope: str) -> Statistic:
        def statistic(sums: Array) -> Array:
            if scope == "gap":
                return _ratio(sums[..., -2], sums[..., -1])
            blocks = sums[..., :-2].reshape(*sums.shape[:-1], 3, len(groups)).sum(axis=-1)
            return _ratio(blocks[..., part], blocks[..., whole])

        return statistic

    return plan


def _amount_invalid(groups: Sequence[str], scope: str) -> Statistic:
    valid = _amount(1, 2)(groups, scope)
    return lambda sums: 1.0 - valid(sums)


def _amount_n(groups: Sequence[str], scope: str) -> Statistic:
    width = len(groups)
    return lambda sums: sums[..., 2 * width : 3 * width].sum(axis=-1)


def _amount_pairs(groups: Sequence[str], scope: str) -> Statistic:
    return lambda sums: sums[..., -1]


AMOUNT_MEASURES: Mapping[str, Callable[[Sequence[str], str], Statistic]] = {
    "salary": _amount(0, 1),
    "n": _amount_n,
    "pairs": _amount_pairs,
    "invalid": _amount_invalid,
}
"""salary: mean of the valid amounts in US dollars; salary_gap: mean over pairs (both
answers of a cluster valid) of first minus second group; pairs: how many those are."""
