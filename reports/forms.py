"""Models asked in several forms: the mean, the spread over forms, and claims that one turns round.

Every form asks about the same documents, so the error of a mean over forms comes from documents
drawn jointly; where they are not the same there is none. That error says nothing of other wordings:
for those see the spread. Only results under the same conditions (chat template, examples, data) are
taken together. Means are of the forms that ask the same question (`Form.is_counted`); a form that
says the group outright is compared with the one that does not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from bias_inherit.arms import Arm
from bias_inherit.errors import InputError, unknown
from bias_inherit.reports.changes import change, records_of
from bias_inherit.reports.comparable import difference
from bias_inherit.reports.components import Components, components
from bias_inherit.reports.estimates import Ends, Estimate, interval
from bias_inherit.reports.leaderboard import baseline_of, widest_ends
from bias_inherit.reports.results import Run, TaskResult, conditions, to_stderr
from bias_inherit.tasks.configs import documents_of, task_files
from bias_inherit.tasks.forms.form import forms_of
from bias_inherit.tasks.metrics import deviations
from bias_inherit.tasks.metrics.headline import Part

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Claim:
    """A difference that some interval puts off 0, and the forms that point the other way.

    Attributes:
        sign: 1 or -1: of the mean, or where its interval holds 0 of the first form that does not.
        against: forms whose value has the other sign.
        clearly: those among them whose interval does not hold 0.
    """

    sign: int
    against: tuple[int, ...]
    clearly: tuple[int, ...]


@dataclass(frozen=True)
class FormRow:
    """A model on one metric in several forms.

    Attributes:
        values: by form.
        mean: over the forms.
        spread: standard deviation over the forms; None for a single one.
        changes, mean_change: the same of the change from the baseline; empty and None without.
        claim: of the change from the baseline.
        n: documents in the default form, or the first that there is.
    """

    model: str
    arm: Arm | None
    n: int | None
    values: Mapping[int, Estimate]
    mean: Estimate
    spread: float | None
    changes: Mapping[int, Estimate]
    mean_change: Estimate | None
    claim: Claim | None


@dataclass(frozen=True)
class FormSection:
    """A metric of a task: a row a model, and where the variance comes from."""

    task: str
    metric: str
    unit: str | None
    is_gap: bool
    forms: tuple[int, ...]
    rows: list[FormRow] = field(default_factory=list)
    components: Components | None = None


@dataclass(frozen=True)
class Explicit:
    """A metric where the group is said outright, minus the same where it is not: -2 to 2 for what
    lies in -1 to 1; 0 is no difference, above 0 the metric is larger where the group is said."""

    task: str
    model: str
    metric: str
    unit: str | None
    forms: tuple[int, int]
    estimate: Estimate
    paired: bool


@dataclass(frozen=True)
class _Cell:
    """A metric of a model in one form.

    Attributes:
        moved: the metric in bootstrap samples minus its value; None without samples.
        clusters: of the documents that it is over; empty without samples.
    """

    result: TaskResult
    estimate: Estimate
    moved: Array | None
    clusters: frozenset[str]


@dataclass(frozen=True)
class _Asked:
    """A model that a task was put to under the same conditions, in some forms.

    Attributes:
        how: the conditions, and the documents' source.
        results: by form.
    """

    run: Run
    how: tuple[tuple[str, str], ...]
    results: dict[int, TaskResult]


def compare_forms(
    runs: Sequence[Run], baseline: str | None = None, tell: Callable[[str], None] = to_stderr
) -> tuple[list[FormSection], list[Explicit]]:
    """Return a section for each headline metric, and explicit minus implicit.

    Args:
        runs: results of models in several forms.
        baseline: name of the model that all are compared with; None compares each arm with the
            gamma = 0 arm of its axis, seed and base.
        tell: told in a line of each result that a newer one of the same model supersedes.

    Raises:
        InputError: no task was asked in two forms, or no model has the name `baseline`.
    """
    known = {run.name for run in runs}
    if baseline is not None and baseline not in known:
        raise unknown("baseline", baseline, known)

    tasks = sorted({task for run in runs for task in run.tasks if task in task_files()})
    asked = {task: _asked(task, runs, tell) for task in tasks}
    if not any(len(one.results) > 1 for some in asked.values() for one in some):
        raise InputError(
            "no model was asked in two forms: score with --forms all, or with lm_eval once for "
            "each form (--metadata '{\"form\": 2}')"
        )
    sections = [
        section
        for task in tasks
        for is_gap in (False, True)
        for section in _section(task, is_gap, asked[task], baseline)
    ]
    explicit = [one for task in tasks for each in asked[task] for one in _explicit(task, each)]
    return sections, explicit


def _asked(task: str, runs: Iterable[Run], tell: Callable[[str], None]) -> list[_Asked]:
    """Return the models that a task was put to, each with the results that belong together."""
    found: dict[tuple[object, ...], _Asked] = {}
    for run in sorted((run for run in runs if task in run.tasks), key=lambda run: run.file.date):
        result = run.tasks[task]
        how = {**conditions(result), "source": str(result.provenance.get("source"))}
        how["sha256"] = str(result.provenance.get("sha256"))
        del how["form"]
        arm = None if run.arm is None else run.arm.model_dump_json()
        args = tuple(sorted(run.file.model_args.items()))
        alike = tuple(sorted(how.items()))
        one = found.setdefault((run.name, arm, run.base, args, alike), _Asked(run, alike, {}))
        older = one.results.get(result.form)
        if older is not None:
            tell(f"{older.path}: {task} in form {result.form} is superseded by {result.path}")
        one.results[result.form] = result
    return list(found.values())


def _named(asked: Sequence[_Asked]) -> list[str]:
    """Return the models' names; of those with one name with what they differ in."""
    names = []
    for one in asked:
        first = next(other for other in asked if other.run.name == one.run.name)
        shared = [form for form in one.results if form in first.results]
        told = difference(one.results[shared[0]], first.results[shared[0]]) if shared else None
        apart = "" if one is first else f" ({told or 'another model of that name'})"
        names.append(f"{one.run.name}{apart}")
    return names


def _section(
    task: str, is_gap: bool, asked: Sequence[_Asked], baseline: str | None
) -> Iterable[FormSection]:
    counted = [number for number, form in forms_of(documents_of(task)).items() if form.is_counted]
    forms = tuple(f for f in counted if any(f in one.results for one in asked))
    headline = next((r.headline for one in asked for r in one.results.values()), None)
    part = None if headline is None else headline.gap if is_gap else headline.score
    if len(forms) < 2 or headline is None or part is None:
        return

    cells = [
        {form: _cell(one.results[form], part) for form in forms if form in one.results}
        for one in asked
    ]
    rows = []
    for one, name, own in zip(asked, _named(asked), cells, strict=True):
        before = _before(one, asked, baseline)
        if own:
            rows.append(_row(one.run, name, own, {} if before is None else cells[before], part))
    unit = headline.gap_unit if is_gap else headline.unit
    yield FormSection(task, part.metric, unit, is_gap, forms, rows, _components(cells, forms))


def _cell(result: TaskResult, part: Part) -> _Cell:
    found = result.measured(part.metric)
    value, error = (None, None) if found is None else (found.value, found.stderr)
    records = records_of(result, result.logged, part.metric)
    moved = deviations(part.metric, records) if records else None
    clusters = frozenset(record.cluster for record in records if record.baseline != record.cluster)
    return _Cell(result, interval(value, error, result.n, part.ends), moved, clusters)


def _before(one: _Asked, asked: Sequence[_Asked], baseline: str | None) -> int | None:
    """Return which of those asked under the same conditions a model is compared with."""
    alike = [i for i, other in enumerate(asked) if other.how == one.how and other is not one]
    if baseline is not None:
        return next((i for i in alike if asked[i].run.name == baseline), None)
    run = baseline_of(one.run, [asked[i].run for i in alike])
    return next((i for i in alike if asked[i].run is run), None)


def _row(
    run: Run, name: str, own: Mapping[int, _Cell], before: Mapping[int, _Cell], part: Part
) -> FormRow:
    widest = widest_ends(part.ends)
    found = {
        form: change(cell.result, before[form].result, part.metric, cell.result.n, widest)
        for form, cell in own.items()
        if form in before
    }
    changes = {form: each.estimate for form, each in found.items() if each is not None}
    differences = [_difference(own[form], before[form]) for form in changes]

    known = [cell for cell in own.values() if cell.estimate.value is not None]
    values = [cell.estimate.value for cell in known if cell.estimate.value is not None]
    changed = [each.value for each in changes.values() if each.value is not None]
    mean_change = _mean(changed, differences, widest) if changed else None
    return FormRow(
        model=name,
        arm=run.arm,
        n=next(iter(own.values())).result.n,
        values={form: cell.estimate for form, cell in own.items()},
        mean=_mean(values, _joint(known), part.ends),
        spread=float(np.std(values, ddof=1)) if len(values) > 1 else None,
        changes=changes,
        mean_change=mean_change,
        claim=_claim(changes, mean_change),
    )


def _joint(cells: Sequence[_Cell]) -> list[Array | None]:
    """Return the deviations of cells; None of each where they are not over the same documents."""
    same = len({cell.clusters for cell in cells}) == 1
    return [cell.moved if same else None for cell in cells]


def _difference(now: _Cell, then: _Cell) -> Array | None:
    if now.moved is None or then.moved is None or now.clusters != then.clusters:
        return None
    return now.moved - then.moved


def _mean(values: Sequence[float], moved: Sequence[Array | None], ends: Ends | None) -> Estimate:
    """Return the mean of values with a normal interval: it is no share of n documents."""
    if not values:
        return Estimate(None, None, None, None)
    there = [each for each in moved if each is not None]
    error = _error(np.mean(there, axis=0)) if len(there) == len(values) else None
    value = float(np.mean(values))
    if error is None or error == 0.0:
        return Estimate(value, error, None, None)

    found = interval(value, error, None, None)
    low, high = found.low, found.high
    if ends is not None and low is not None and high is not None:
        low, high = max(ends[0], low), min(ends[1], high)
    return Estimate(value, error, low, high)


def _error(samples: Array) -> float | None:
    known = samples[~np.isnan(samples)]
    return float(known.std(ddof=1)) if known.size > len(samples) // 2 else None


def _claim(changes: Mapping[int, Estimate], mean: Estimate | None) -> Claim | None:
    """Return what the changes claim; None where no interval leaves 0."""
    sign = next((s for s in map(_side, [mean, *changes.values()]) if s), 0)
    if not sign:
        return None
    against = [form for form, each in changes.items() if (each.value or 0.0) * sign < 0.0]
    clearly = [form for form in against if _side(changes[form])]
    return Claim(sign, tuple(against), tuple(clearly))


def _side(estimate: Estimate | None) -> int:
    """Return on which side of 0 an interval lies; 0 where it holds 0, or there is none."""
    if estimate is None or estimate.low is None or estimate.high is None:
        return 0
    return 1 if estimate.low > 0.0 else -1 if estimate.high < 0.0 else 0


def _components(rows: Sequence[Mapping[int, _Cell]], forms: Sequence[int]) -> Components | None:
    """Return the components over the models that were asked in every form; None below 2 by 2.

    All about the same documents: the first such model's.
    """
    values: list[list[float]] = []
    moved: list[list[Array]] = []
    documents: frozenset[str] | None = None
    for row in rows:
        cells = [row[form] for form in forms if form in row]
        known = [cell.estimate.value for cell in cells if cell.estimate.value is not None]
        joint = [each for each in _joint(cells) if each is not None]
        if len(known) < len(forms) or len(joint) < len(forms):
            continue
        if documents in (None, cells[0].clusters):
            documents = cells[0].clusters
            values.append(known)
            moved.append(joint)
    if len(values) < 2:
        return None
    return components(np.array(values), np.array(moved))


def _explicit(task: str, asked: _Asked) -> Iterable[Explicit]:
    results = asked.results
    for number, form in forms_of(documents_of(task)).items():
        implicit = form.explicit_of
        if implicit is None or number not in results or implicit not in results:
            continue
        for metric in form.compared:
            found = change(results[number], results[implicit], metric, results[number].n, None)
            if found is not None:
                unit = _unit(results[number], metric)
                forms = (number, implicit)
                name = asked.run.name
                yield Explicit(task, name, metric, unit, forms, found.estimate, found.paired)


def _unit(result: TaskResult, metric: str) -> str | None:
    """Return the unit of an amount, or of a gap of amounts."""
    headline = result.headline
    is_amount = headline is not None and metric.startswith(headline.score.metric)
    return headline.unit if headline is not None and is_amount else None
