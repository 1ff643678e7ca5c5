"""Models asked in several forms: the mean, the spread over forms, and claims that one turns round.

Every form asks about the same documents, so the error of a mean over forms comes from documents
drawn jointly. That error says nothing of other wordings: for those see the spread. Means are of
the forms that ask the same question (`Form.is_counted`); a form that says the group outright is
compared with the one that does not.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from bias_inherit.arms import Arm
from bias_inherit.errors import InputError
from bias_inherit.reports.changes import change, records_of
from bias_inherit.reports.components import Components, components
from bias_inherit.reports.estimates import Ends, Estimate, interval
from bias_inherit.reports.leaderboard import baseline_of
from bias_inherit.reports.results import Run, TaskResult
from bias_inherit.tasks.configs import documents_of, task_files
from bias_inherit.tasks.forms.form import Form, forms_of
from bias_inherit.tasks.metrics import deviations
from bias_inherit.tasks.metrics.headline import Part

Array = NDArray[np.float64]
ByForm: TypeAlias = Mapping[int, TaskResult]


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
class _Model:
    """A model, with its results by task and form."""

    run: Run
    tasks: dict[str, dict[int, TaskResult]]


def compare_forms(
    runs: Sequence[Run], baseline: str | None = None
) -> tuple[list[FormSection], list[Explicit]]:
    """Return a section for each headline metric, and explicit minus implicit.

    Args:
        runs: results of models in several forms.
        baseline: name of the model that all are compared with; None compares each arm with the
            gamma = 0 arm of its axis, seed and base.

    Raises:
        InputError: no task was asked in two forms, or no model has the name `baseline`.
    """
    models = _models(runs)
    if not any(len(forms) > 1 for model in models for forms in model.tasks.values()):
        raise InputError(
            "no model was asked in two forms: score with --forms all, or with lm_eval once for "
            "each form (--metadata '{\"form\": 2}')"
        )
    if baseline is not None and all(model.run.name != baseline for model in models):
        names = ", ".join(sorted({model.run.name for model in models}))
        raise InputError(f"unknown baseline '{baseline}': known are {names}")

    tasks = sorted({task for model in models for task in model.tasks})
    sections = [
        section
        for task in tasks
        for is_gap in (False, True)
        for section in _section(task, is_gap, models, baseline)
    ]
    explicit = [one for task in tasks for model in models for one in _explicit(task, model)]
    return sections, explicit


def _models(runs: Iterable[Run]) -> list[_Model]:
    found: dict[tuple[object, ...], _Model] = {}
    for run in runs:
        args = tuple(sorted(run.file.model_args.items()))
        arm = None if run.arm is None else run.arm.model_dump_json()
        model = found.setdefault((run.name, arm, run.base, args), _Model(run, {}))
        for task, result in run.tasks.items():
            model.tasks.setdefault(task, {})[result.form] = result
    return list(found.values())


def _forms(task: str) -> Mapping[int, Form]:
    """Return the forms of a task of ours; none of somebody else's."""
    return forms_of(documents_of(task)) if task in task_files() else {}


def _section(
    task: str, is_gap: bool, models: Sequence[_Model], baseline: str | None
) -> Iterable[FormSection]:
    counted = {number for number, form in _forms(task).items() if form.is_counted}
    asked = [(model, _of(model, task, counted)) for model in models]
    asked = [(model, results) for model, results in asked if results]
    forms = tuple(sorted({form for _, results in asked for form in results}))
    if len(forms) < 2:
        return

    headline = next(iter(asked[0][1].values())).headline
    part = None if headline is None else headline.gap if is_gap else headline.score
    if headline is None or part is None:
        return
    unit = headline.gap_unit if is_gap else headline.unit
    rows = []
    for model, results in asked:
        before = _before(model, models, baseline)
        others = _of(before, task, counted) if before is not None else {}
        rows.append(_row(model, results, others, part))
    yield FormSection(task, part.metric, unit, is_gap, forms, rows, _components(asked, part))


def _of(model: _Model, task: str, counted: set[int]) -> dict[int, TaskResult]:
    results = model.tasks.get(task, {})
    return {form: results[form] for form in sorted(results) if form in counted}


def _before(model: _Model, models: Sequence[_Model], baseline: str | None) -> _Model | None:
    if baseline is not None:
        named = next(other for other in models if other.run.name == baseline)
    else:
        run = baseline_of(model.run, [other.run for other in models])
        named = next((other for other in models if other.run is run), model)
    return None if named is model else named


def _row(model: _Model, results: ByForm, before: ByForm, part: Part) -> FormRow:
    first = next(iter(results.values()))
    values = {form: _estimate(result, part) for form, result in results.items()}
    changes: dict[int, Estimate] = {}
    widest = (
        None if part.ends is None else (part.ends[0] - part.ends[1], part.ends[1] - part.ends[0])
    )
    for form, result in results.items():
        if form in before:
            found = change(result, before[form], part.metric, result.n, widest)
            if found is not None:
                changes[form] = found.estimate

    known = [estimate.value for estimate in values.values() if estimate.value is not None]
    mean_change = _mean_change(results, before, part, changes, widest)
    return FormRow(
        model=model.run.name,
        arm=model.run.arm,
        n=first.n,
        values=values,
        mean=_mean(results, part, known),
        spread=float(np.std(known, ddof=1)) if len(known) > 1 else None,
        changes=changes,
        mean_change=mean_change,
        claim=_claim(changes, mean_change),
    )


def _estimate(result: TaskResult, part: Part) -> Estimate:
    found = result.measured(part.metric)
    if found is None:
        return interval(None, None, result.n, part.ends)
    return interval(found.value, found.stderr, result.n, part.ends)


def _mean(results: ByForm, part: Part, known: Sequence[float]) -> Estimate:
    if not known:
        return Estimate(None, None, None, None)
    deviated = [_deviations(result, part) for result in results.values()]
    there = [each for each in deviated if each is not None]
    error = _error(np.mean(there, axis=0)) if len(there) == len(known) else None
    return _normal(float(np.mean(known)), error, part.ends)


def _mean_change(
    results: ByForm, before: ByForm, part: Part, changes: Mapping[int, Estimate], ends: Ends | None
) -> Estimate | None:
    known = [c.value for c in changes.values() if c.value is not None]
    if not known:
        return None
    deviated = []
    for form in changes:
        now, then = _deviations(results[form], part), _deviations(before[form], part)
        if now is not None and then is not None:
            deviated.append(now - then)
    error = _error(np.mean(deviated, axis=0)) if len(deviated) == len(known) else None
    return _normal(float(np.mean(known)), error, ends)


def _normal(value: float, error: float | None, ends: Ends | None) -> Estimate:
    """Return a normal interval, cut at its ends: a mean over forms is no share of n documents."""
    if error is None or error == 0.0:
        return Estimate(value, error, None, None)
    found = interval(value, error, None, None)
    low, high = found.low, found.high
    if ends is not None and low is not None and high is not None:
        low, high = max(ends[0], low), min(ends[1], high)
    return Estimate(value, error, low, high)


def _deviations(result: TaskResult, part: Part) -> Array | None:
    if not result.logged:
        return None
    records = records_of(result, result.logged, part.metric)
    return deviations(part.metric, records) if records else None


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


def _components(asked: Sequence[tuple[_Model, ByForm]], part: Part) -> Components | None:
    """Return the components over the models that were asked in every form; None below 2 by 2."""
    forms = sorted({form for _, results in asked for form in results})
    whole = [results for _, results in asked if len(results) == len(forms)]
    values: list[list[float]] = []
    deviated: list[list[Array]] = []
    for results in whole:
        found = [_estimate(results[form], part).value for form in forms]
        moved = [_deviations(results[form], part) for form in forms]
        if None in found or any(each is None for each in moved):
            continue
        values.append([value for value in found if value is not None])
        deviated.append([each for each in moved if each is not None])
    if len(values) < 2 or len(forms) < 2:
        return None
    return components(np.array(values), np.array(deviated))


def _explicit(task: str, model: _Model) -> Iterable[Explicit]:
    results = model.tasks.get(task, {})
    for number, form in _forms(task).items():
        implicit = form.explicit_of
        if implicit is None or number not in results or implicit not in results:
            continue
        for metric in form.compared:
            found = change(results[number], results[implicit], metric, results[number].n, None)
            if found is not None:
                unit = _unit(results[number], metric)
                forms = (number, implicit)
                yield Explicit(
                    task, model.run.name, metric, unit, forms, found.estimate, found.paired
                )


def _unit(result: TaskResult, metric: str) -> str | None:
    """Return the unit of an amount, or of a gap of amounts."""
    headline = result.headline
    is_amount = headline is not None and metric.startswith(headline.score.metric)
    return headline.unit if headline is not None and is_amount else None
