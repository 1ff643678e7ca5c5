"""The leaderboard: score and bias gap of every model, and their changes from gamma = 0.

A task that declares no headline shows each of its metrics. A change from the baseline is paired
by document where both runs kept their samples, and says so where not; runs that cannot be
compared have none, and say why. Nothing is corrected for looking at many rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bias_inherit.arms import Arm
from bias_inherit.errors import InputError, unknown
from bias_inherit.reports.changes import Change, change
from bias_inherit.reports.comparable import difference
from bias_inherit.reports.estimates import Ends, Estimate, interval
from bias_inherit.reports.results import Run, TaskResult
from bias_inherit.tasks.metrics.headline import Headline, Part, undeclared
from bias_inherit.tasks.metrics.table import group_counts
from bias_inherit.tasks.spill_over import place_of as spill_over_of

FEW = 10
"""Fewer pairs, or positives of a class, than this are marked: an interval on them means little."""


@dataclass(frozen=True)
class Row:
    """One model on one task.

    Attributes:
        model: the run's label.
        score, gap: None where the task has none.
        score_change: score minus the baseline's: what a mitigation, or the text, costs in use.
        change: gap minus the baseline's gap.
        gap_n: pairs or sets behind the gap, where the task counts them apart.
        paired: whether both changes are paired by document; None where there is none.
        baseline: the label of the run that it is compared with.
        not_compared: why there is no change although there is a baseline; None elsewhere.
        n: documents scored; None is unknown.
        groups: documents of each group.
        few_positives: groups with fewer than `FEW` documents of the positive class.
        invalid: share of answers that could not be read.
        path: the result file.
    """

    task: str
    model: str
    arm: Arm | None
    score: Estimate
    score_change: Estimate | None
    gap: Estimate | None
    gap_n: int | None
    change: Estimate | None
    paired: bool | None
    baseline: str | None
    not_compared: str | None
    n: int | None
    groups: Mapping[str, int]
    few_positives: Mapping[str, int]
    invalid: float | None
    path: str


@dataclass(frozen=True)
class Section:
    """One task's part of the leaderboard; of a task without a headline, one metric's part.

    `gap_n` names what the rows' `gap_n` counts: pairs, or sets. `spill_over` is what a task of
    lm-eval's own tells of: ability, truthfulness or safety.
    """

    task: str
    score: str
    gap: str | None
    reads: str
    unit: str | None
    gap_unit: str | None
    gap_n: str | None
    is_declared: bool = True
    spill_over: str | None = None
    rows: list[Row] = field(default_factory=list)

    @property
    def title(self) -> str:
        """The task, with the metric where the task itself names none."""
        return self.task if self.is_declared else f"{self.task}: {self.score}"


def leaderboard(
    runs: Sequence[Run], baseline: str | None = None, metrics: Sequence[str] = ()
) -> list[Section]:
    """Return a section for each task, with a row for each run that has it.

    Args:
        runs: what to compare.
        baseline: name of the run that all are compared with; None compares each arm with the
            gamma = 0 arm of the same axis, seed and base.
        metrics: show these metrics in place of the tasks' headlines.

    Raises:
        InputError: no run has the name `baseline`, or several have; or no task has one of
            `metrics`.
    """
    against = None if baseline is None else _named(runs, baseline)
    sections: dict[tuple[str, str], Section] = {}
    for run in sorted(runs, key=_order):
        compared = against or baseline_of(run, runs)
        for result in run.tasks.values():
            for headline in _headlines(result, metrics):
                key = (result.task, headline.score.metric + headline.score.filter)
                section = sections.setdefault(key, _section(result, headline))
                section.rows.append(_row(run, result, headline, compared))

    found = {section.score for section in sections.values()}
    for metric in metrics:
        if not any(metric in (name, name.partition(",")[0]) for name in found):
            known = {name for run in runs for task in run.tasks.values() for name in task.metrics}
            raise unknown("metric", metric, known)
    return [sections[key] for key in sorted(sections, key=lambda key: key[0])]


def _headlines(result: TaskResult, metrics: Sequence[str]) -> list[Headline]:
    """Return what to show of a task: its headline, the metrics asked for, or all it has."""
    if result.headline is not None and not metrics:
        return [result.headline]
    shown = [m for m in result.entry.measured if not m.metric.endswith("_stderr")]
    place = spill_over_of(result.task)
    if place is not None and not metrics:
        shown = [m for m in shown if m.metric == place.metric][:1] or shown
    if metrics:
        shown = [m for m in shown if m.name in metrics or m.metric in metrics]
    return [Headline(undeclared(m.metric, m.value, m.filter)) for m in shown]


def _section(result: TaskResult, headline: Headline) -> Section:
    place = spill_over_of(result.task)
    stands = place is not None and headline.score.metric == place.metric
    return Section(
        task=result.task,
        score=_name(headline.score),
        gap=None if headline.gap is None else headline.gap.metric,
        reads=headline.reads,
        unit=headline.unit,
        gap_unit=headline.gap_unit,
        gap_n=headline.gap_n,
        is_declared=result.headline is headline or len(result.entry.measured) == 1 or stands,
        spill_over=place.kind if place is not None and stands else None,
    )


def _name(part: Part) -> str:
    return part.metric if part.filter in ("none", "") else f"{part.metric},{part.filter}"


def _order(run: Run) -> tuple[object, ...]:
    arm = run.arm or Arm()
    ratio = float(arm.ratio or 0)
    return (
        run.arm is not None,
        str(arm.axis),
        ratio > 0,
        arm.bias_type or "",
        arm.mitigation != "none",
        arm.mitigation_label,
        ratio,
        arm.seed,
        arm.round or 0,
        run.label,
    )


def _named(runs: Sequence[Run], name: str) -> Run:
    """Return the run of that label, or the only one of that name.

    Raises:
        InputError: there is none, or there are several.
    """
    exact = [run for run in runs if run.label == name]
    found = exact or [run for run in runs if run.name == name]
    if not found:
        raise unknown("baseline", name, {run.label for run in runs})
    if len(found) > 1:
        labels = " or ".join(f"'{run.label}'" for run in found)
        raise InputError(f"baseline '{name}': {len(found)} models are called so: say {labels}")
    return found[0]


def baseline_of(run: Run, runs: Sequence[Run]) -> Run | None:
    """Return the gamma = 0 arm of a run's axis, seed and base, if it can in the same form."""
    if run.arm is None:
        return None
    matches = (
        other
        for other in runs
        if other.arm is not None and other.base == run.base and other.arm.is_baseline_of(run.arm)
    )
    return min(matches, key=lambda other: other.forms != run.forms, default=None)


def _row(run: Run, result: TaskResult, headline: Headline, baseline: Run | None) -> Row:
    groups = _counts(result, "n") if result.headline is not None else {}
    fewest = min((n for n in groups.values() if n), default=result.n)
    score, gap = headline.score, headline.gap

    before = baseline.tasks.get(result.task) if baseline is not None else None
    if baseline is run:
        before = None
    forbidden = None if before is None else difference(result, before)
    score_change = gap_change = None
    if before is not None and forbidden is None:
        score_change = change(result, before, _name(score), result.n, widest_ends(score.ends))
        if gap is not None:
            gap_change = change(result, before, gap.metric, fewest, widest_ends(gap.ends))

    return Row(
        task=result.task,
        model=run.label,
        arm=run.arm,
        score=_estimate(result, score, result.n),
        score_change=_of(score_change),
        gap=None if gap is None else _estimate(result, gap, fewest),
        gap_n=_gap_n(result, headline),
        change=_of(gap_change),
        paired=_paired(score_change, gap_change),
        baseline=baseline.label if baseline is not None else None,
        not_compared=forbidden,
        n=result.n,
        groups=groups,
        few_positives=_few_positives(result, groups),
        invalid=result.metrics.get("invalid") if result.headline is not None else None,
        path=str(result.path),
    )


def _of(found: Change | None) -> Estimate | None:
    return None if found is None else found.estimate


def _paired(score: Change | None, gap: Change | None) -> bool | None:
    found = [each.paired for each in (score, gap) if each is not None]
    return all(found) if found else None


def widest_ends(ends: Ends | None) -> Ends | None:
    """Return the ends of a difference of two values between `ends`."""
    return None if ends is None else (ends[0] - ends[1], ends[1] - ends[0])


def _estimate(result: TaskResult, part: Part, n: int | None) -> Estimate:
    found = result.measured(_name(part))
    if found is None:
        return interval(None, None, n, part.ends)
    return interval(found.value, found.stderr, n, part.ends)


def _counts(result: TaskResult, measure: str) -> dict[str, int]:
    """Return how many documents of each group a task of ours says it has."""
    named = group_counts(result.metrics, measure)
    values = {group: result.metrics[metric] for group, metric in named.items()}
    return {group: int(value) for group, value in values.items() if value is not None}


def _gap_n(result: TaskResult, headline: Headline) -> int | None:
    pairs = result.metrics.get(headline.gap_n) if headline.gap_n else None
    return None if pairs is None else int(pairs)


def _few_positives(result: TaskResult, groups: Mapping[str, int]) -> dict[str, int]:
    positives = _counts(result, "positives") if groups else {}
    return {group: n for group, n in positives.items() if n < FEW and groups.get(group)}
