"""The leaderboard: score and bias gap of every model, and their changes from gamma = 0.

Intervals are 95 % normal ones from the standard errors (value +- 1.96 se), cut where a
share ends (scores at 0 and 1, gaps at -1 and 1). A share whose error is 0 (everything
right, say) gets the rule of three, +-3/n, instead of no width at all; an amount without
spread gets no interval. A change from the baseline is paired by document where both runs
kept their samples, and says so where not. Nothing is corrected for looking at many rows.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from statistics import NormalDist
from typing import Any, TypeAlias

from bias_inherit import store
from bias_inherit.errors import unknown
from bias_inherit.reports.results import Run, TaskResult
from bias_inherit.tasks.metrics import paired_change

Z = NormalDist().inv_cdf(0.975)

FEW = 10
"""Fewer pairs, or positives of a class, than this are marked: an interval on them means little."""

MANY_GROUPS = 8
"""Of more groups than this, those without data are not listed."""

Ends: TypeAlias = tuple[float, float]
SCORE: Ends = (0.0, 1.0)
GAP: Ends = (-1.0, 1.0)


@dataclass(frozen=True)
class Estimate:
    """A value with its standard error and 95 % interval; None is no data."""

    value: float | None
    stderr: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Row:
    """One model on one task."""

    task: str
    model: str
    arm: Mapping[str, Any] | None
    score: Estimate
    score_change: Estimate | None
    """Score minus the baseline's score: what a mitigation, or the text itself, costs in use."""
    gap: Estimate | None
    gap_n: int | None
    """Pairs behind the gap, where the task counts them apart."""
    change: Estimate | None
    """Gap minus the baseline's gap."""
    paired: bool | None
    """Whether both changes are paired by document; None where there is none."""
    baseline: str | None
    n: int
    groups: Mapping[str, int]
    few_positives: Mapping[str, int]
    """Groups with fewer than `FEW` documents of the positive class, and how many they have."""
    invalid: float | None


@dataclass(frozen=True)
class Section:
    """One task's part of the leaderboard."""

    task: str
    score: str
    gap: str | None
    reads: str
    unit: str | None
    rows: list[Row] = field(default_factory=list)


def leaderboard(runs: Sequence[Run], baseline: str | None = None) -> list[Section]:
    """Return a section for each task, with a row for each run that has it.

    The baseline of an arm is the gamma = 0 arm of the same axis, seed and base; `baseline`
    names another run for all.

    Raises:
        InputError: no run has the name `baseline`.
    """
    if baseline is not None and baseline not in {run.name for run in runs}:
        raise unknown("baseline", baseline, {run.name for run in runs})
    sections: dict[str, Section] = {}
    for run in sorted(runs, key=_order):
        against = _baseline(run, runs, baseline)
        for task, result in run.tasks.items():
            section = sections.setdefault(task, _section(result))
            section.rows.append(_row(run, result, against))
    return [sections[task] for task in sorted(sections)]


def _order(run: Run) -> tuple[Any, ...]:
    arm = run.arm or {}
    return (
        run.arm is not None,
        str(arm.get("axis")),
        (arm.get("ratio") or 0) > 0,
        str(arm.get("bias_type") or ""),
        arm.get("mitigation") not in (None, "none"),
        str(arm.get("mitigation") or ""),
        arm.get("ratio") or 0,
        arm.get("seed") or 0,
        arm.get("round") or 0,
        run.name,
    )


def _baseline(run: Run, runs: Sequence[Run], named: str | None) -> Run | None:
    if named is not None:
        return next(other for other in runs if other.name == named)
    if run.arm is None:
        return None
    same = ("axis", "seed")
    matches = [
        other
        for other in runs
        if other.arm is not None
        and other.ratio == 0
        and other.base == run.base
        and all(other.arm.get(key) == run.arm.get(key) for key in same)
    ]
    return matches[0] if matches else None


def _section(result: TaskResult) -> Section:
    headline = result.headline
    return Section(
        task=result.task,
        score=headline["score"],
        gap=headline.get("gap"),
        reads=headline.get("reads", ""),
        unit=headline.get("unit"),
    )


def _row(run: Run, result: TaskResult, baseline: Run | None) -> Row:
    headline = result.headline
    gap_name = headline.get("gap")
    is_share = headline.get("unit") is None
    groups = {
        name.removeprefix("n_"): int(value)
        for name, value in result.metrics.items()
        if name.startswith("n_") and value is not None
    }
    fewest = min((n for n in groups.values() if n), default=result.n)
    before = baseline.tasks.get(result.task) if baseline is not None else None
    low, high = headline.get("gap_range", GAP)
    ends, widest = (float(low), float(high)), (float(low - high), float(high - low))
    change = score_change = paired = None
    if before is not None and baseline is not run:
        score_change, paired = _change(
            result, before, headline["score"], result.n, (-1.0, 1.0) if is_share else None
        )
        if gap_name:
            change, paired = _change(result, before, gap_name, fewest, widest if is_share else None)
    gap = _estimate(result, gap_name, fewest, ends if is_share else None) if gap_name else None
    pairs = result.metrics.get(headline.get("gap_n", ""))
    return Row(
        task=result.task,
        model=run.name,
        arm=run.arm,
        score=_estimate(result, headline["score"], result.n, SCORE if is_share else None),
        score_change=score_change,
        gap=gap,
        gap_n=None if pairs is None else int(pairs),
        change=change,
        paired=paired,
        baseline=baseline.name if baseline is not None else None,
        n=result.n,
        groups=groups,
        few_positives=_few_positives(result, groups),
        invalid=result.metrics.get("invalid"),
    )


def _few_positives(result: TaskResult, groups: Mapping[str, int]) -> dict[str, int]:
    positives = {group: result.metrics.get(f"positives_{group}") for group in groups}
    return {
        group: int(many)
        for group, many in positives.items()
        if many is not None and many < FEW and groups[group]
    }


def _estimate(result: TaskResult, metric: str, n: int, ends: Ends | None) -> Estimate:
    return interval(result.metrics.get(metric), result.errors.get(metric), n, ends)


def interval(value: float | None, stderr: float | None, n: int, ends: Ends | None) -> Estimate:
    """Return the value with its 95 % interval (see the module's text).

    `n` is the number of documents (of the smallest group, for a gap) behind the value;
    `ends` are the least and largest possible values of a share, None for an amount.
    """
    if value is None or stderr is None:
        return Estimate(value, stderr, None, None)
    if ends is None:
        if stderr == 0.0:
            return Estimate(value, stderr, None, None)
        return Estimate(value, stderr, value - Z * stderr, value + Z * stderr)
    half = Z * stderr if stderr > 0.0 else 3 / max(n, 1)
    return Estimate(value, stderr, max(ends[0], value - half), min(ends[1], value + half))


def _change(
    result: TaskResult, before: TaskResult, metric: str, n: int, ends: Ends | None
) -> tuple[Estimate | None, bool | None]:
    if result.documents != before.documents:
        return None, None
    answers, others = result.answers(metric), before.answers(metric)
    if answers and others:
        try:
            return interval(*paired_change(answers, others), n, ends), True
        except ValueError:
            return None, None
    now, then = result.metrics.get(metric), before.metrics.get(metric)
    errors = result.errors.get(metric), before.errors.get(metric)
    if now is None or then is None or errors[0] is None or errors[1] is None:
        return None, None
    return interval(now - then, math.hypot(errors[0], errors[1]), n, ends), False


def to_json(sections: Sequence[Section]) -> dict[str, Any]:
    """Return the leaderboard as plain values, with a schema version."""
    return {"schema": store.SCHEMA, "kind": "leaderboard", "tasks": [asdict(s) for s in sections]}


def to_markdown(sections: Sequence[Section]) -> str:
    """Return the leaderboard as Markdown: one table a task."""
    return "\n\n".join(_markdown(section) for section in sections) + "\n"


CHANGE = "change from baseline [95 % CI]"


def _markdown(section: Section) -> str:
    header = ["model", "ratio", f"{section.score} [95 % CI]", CHANGE]
    if section.gap:
        header += [f"{section.gap} [95 % CI]", CHANGE]
    lines = [_cells(row, section) for row in section.rows]
    notes = [f"{section.gap}: {section.reads}."] if section.gap and section.reads else []
    for name, show in _NOTES:
        shown = [show(row) for row in section.rows]
        if len(set(shown)) > 1:
            header.append(name)
            lines = [[*line, cell] for line, cell in zip(lines, shown, strict=True)]
        elif shown[0]:
            notes.append(f"{name}: {shown[0]}.")
    widths = [max(len(line[i]) for line in [header, *lines]) for i in range(len(header))]

    def join(cells: Sequence[str]) -> str:
        return "| " + " | ".join(c.ljust(w) for c, w in zip(cells, widths, strict=True)) + " |"

    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    title = f"### {section.task}\n" + (f"\n{' '.join(notes)}\n" if notes else "")
    return "\n".join([title, join(header), rule, *map(join, lines)])


def _show_n(row: Row) -> str:
    known = {name: n for name, n in row.groups.items() if n or len(row.groups) <= MANY_GROUPS}
    groups = ", ".join(f"{name} {n}" for name, n in known.items())
    return f"{row.n} ({groups})" if groups else str(row.n)


def _show_few(row: Row) -> str:
    return ", ".join(f"{name} {n}" for name, n in row.few_positives.items())


def _show_invalid(row: Row) -> str:
    return "" if row.invalid is None else f"{100 * row.invalid:.1f} %"


_NOTES: Sequence[tuple[str, Callable[[Row], str]]] = (
    ("n", _show_n),
    (f"fewer than {FEW} positives", _show_few),
    ("invalid answers", _show_invalid),
)


def _cells(row: Row, section: Section) -> list[str]:
    ratio = "" if row.arm is None else f"{100 * (row.arm.get('ratio') or 0):g} %"
    cells = [row.model, ratio, _show(row.score, section.unit)]
    cells.append(_show_change(row, row.score_change, section.unit))
    if section.gap:
        few = ", too few" if row.gap_n is not None and row.gap_n < FEW else ""
        pairs = "" if row.gap_n is None else f" ({row.gap_n} pairs{few})"
        cells.append(_show(row.gap, section.unit, signed=True) + pairs)
        cells.append(_show_change(row, row.change, section.unit))
    return cells


def _show_change(row: Row, change: Estimate | None, unit: str | None) -> str:
    if change is None:
        return "baseline" if row.baseline == row.model else ""
    return _show(change, unit, signed=True) + (" (unpaired)" if row.paired is False else "")


def _show(estimate: Estimate | None, unit: str | None, signed: bool = False) -> str:
    if estimate is None or estimate.value is None:
        return "no data"

    def number(value: float) -> str:
        sign = "+" if signed else ""
        return f"{value:{sign},.0f}" if unit else f"{value:{sign}.3f}"

    text = number(estimate.value) + (f" {unit}" if unit else "")
    if estimate.low is None or estimate.high is None:
        return text + (" (no spread)" if estimate.stderr == 0 else "")
    return f"{text} [{number(estimate.low)}, {number(estimate.high)}]"
