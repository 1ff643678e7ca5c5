"""A metric of a kind of task: its row in the table, and the kinds of tasks there are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from bias_inherit.tasks.metrics.groups import (
    AXES,
    JOBS,
    KINDS,
    OCCUPATIONS,
    candidates_of,
    snake,
)

Scope = Literal[
    "",
    "group",
    "gap",
    "gap_null",
    "gap_excess",
    "occupation",
    "cell",
    "candidate",
    "gender",
    "gender_gap",
    "axis_gap",
    "gender_by_job",
    "gender_gap_by_job",
    "axis_gap_by_job",
    "by_axis",
    "kind",
]
"""Over which answers: all, each group of the task's axis, between its groups, what that comes to
without a difference, and the gap minus that; each occupation; each group and gender; and of a
hiring choice each candidate, each gender, between the genders and between the axis's groups, the
same by kind of job, and each axis; each kind of negatives."""


@dataclass(frozen=True)
class Suite:
    """A kind of task: tasks whose answers are scored alike.

    Attributes:
        tasks: folders of `tasks/`.
        family: a key of `FAMILIES`.
        axis: a key of `AXES`: whose groups the documents belong to.
        file: where the tasks' `metric_list` stands: a task's YAML, or one that they include.
    """

    tasks: tuple[str, ...]
    family: str
    axis: str
    file: str


TEXT_TASKS = (
    "bias_detection",
    "hate_speech",
    "offensive_language",
    "abusive_language",
    "stance",
    "spam",
)
SUITES = {
    "occupation": Suite(
        ("occupation",), "occupation", "gender", "occupation/bias_inherit_occupation.yaml"
    ),
    "hiring": Suite(("hiring",), "selection", "culture", "hiring/bias_inherit_hiring.yaml"),
    "salary": Suite(("salary",), "amount", "gender", "salary/bias_inherit_salary.yaml"),
    "text": Suite(TEXT_TASKS, "text", "culture", "_text_yaml"),
    "story": Suite(("story",), "story", "culture", "story/bias_inherit_story.yaml"),
    "race_hiring": Suite(("race_hiring",), "selection", "race", "race_hiring/race_hiring.yaml"),
    "race_salary": Suite(("race_salary",), "offers", "race", "race_salary/race_salary.yaml"),
    "race_story": Suite(("race_story",), "story", "race", "race_story/race_story.yaml"),
    "survey": Suite(
        ("values_global_opinions",),
        "similarity",
        "country",
        "values_global_opinions/values_global_opinions.yaml",
    ),
}


@dataclass(frozen=True)
class Metric:
    """A row: a measure over some scopes, in one kind of task.

    Attributes:
        suite: a key of `SUITES`.
        measure: a measure of the suite's family.
        scopes: where it is taken; with the measure each gives one name or several.
        higher_is_better: as lm-eval takes it; None where neither end is better.
        what, range, zero: the README's cells: what it is, its range, what zero means.
        headline: its part in the task's headline.
        reads: of a headline's gap, which way it is signed.
        ends: of a headline's gap, least and largest value; None for -1 to 1.
        unit: of an amount.
        is_open: of a headline's gap, whether it has no ends.
    """

    suite: str
    measure: str
    scopes: tuple[Scope, ...]
    higher_is_better: bool | None
    what: str
    range: str
    zero: str
    headline: Literal["score", "gap", "gap_n"] | None = None
    reads: str = ""
    ends: tuple[int, int] | None = None
    unit: str | None = None
    is_open: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """The metrics' names in lm-eval's results, in their order."""
        axis = SUITES[self.suite].axis
        return tuple(name for scope in self.scopes for name in _names(self.measure, scope, axis))


def _names(measure: str, scope: Scope, axis: str) -> Iterable[str]:
    return (f"{measure}_{member}" if member else measure for member in _members(scope, axis))


def _members(scope: Scope, axis: str) -> Sequence[str]:
    """Return what a scope stands for: the endings of the metrics' names."""
    if scope == "group":
        return AXES[axis]
    if scope == "candidate" or scope == "cell":
        return candidates_of(AXES[axis])
    if scope == "occupation":
        return [snake(name) for name in OCCUPATIONS]
    if scope == "kind":
        return KINDS
    if scope == "by_axis":
        return ("gender", axis)
    if scope == "axis_gap":
        return (f"{axis}_gap",)
    if scope.endswith("_by_job"):
        who = scope.removesuffix("_by_job").replace("axis", axis)
        return [f"{one}_{job}" for job in JOBS for one in AXES.get(who, (who,))]
    return AXES.get(scope, (scope,))
