"""The table of metrics: one row each, from which task files and READMEs are written.

A row is a measure over some scopes in one kind of task. Adding a metric is a row in the file of its
kind in `tables/` (and its function in the family's file, where it is new), then `make tasks`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache

from bias_inherit.errors import InputError
from bias_inherit.tasks.metrics.groups import AXES
from bias_inherit.tasks.metrics.metric import SUITES, Metric
from bias_inherit.tasks.metrics.tables import hiring, occupation, race, salary, story, survey, text

TABLE: tuple[Metric, ...] = (
    *occupation.ROWS,
    *hiring.ROWS,
    *salary.ROWS,
    *text.ROWS,
    *story.ROWS,
    *survey.ROWS,
    *race.ROWS,
)


def check(table: Sequence[Metric]) -> None:
    """Check a table.

    Raises:
        InputError: two rows of a suite give one name, a suite is unknown, or has not one score.
    """
    seen: dict[tuple[str, str], Metric] = {}
    for row in table:
        if row.suite not in SUITES:
            raise InputError(f"metric table: unknown suite '{row.suite}' ({', '.join(SUITES)})")
        for name in row.names:
            if seen.setdefault((row.suite, name), row) is not row:
                raise InputError(f"metric table: duplicate name '{name}' in the suite {row.suite}")
    for suite in SUITES:
        scores = [row for row in table if row.suite == suite and row.headline == "score"]
        if len(scores) != 1:
            raise InputError(f"metric table: {suite} needs one headline score, has {len(scores)}")


check(TABLE)


def rows_of(suite: str) -> list[Metric]:
    """Return a suite's rows, in their order."""
    return [row for row in TABLE if row.suite == suite]


@lru_cache
def metric_names(suite: str) -> tuple[str, ...]:
    """Return the names of a suite's metrics, each with its error's right behind it.

    So our error replaces lm-eval's "N/A" (lm-eval knows errors for its own metrics only).
    """
    names = (name for row in rows_of(suite) for name in row.names)
    return tuple(twin for name in names for twin in (name, f"{name}_stderr"))


def group_counts(metrics: Iterable[str], measure: str = "n") -> dict[str, str]:
    """Return group -> metric of those names that count a group's documents.

    Only whole names of groups that `AXES` knows: a metric of somebody else's that begins with
    `n_` is no group.

    Args:
        metrics: names in a task's results.
        measure: "n", or "positives".
    """
    known = set(metrics)
    groups = (group for axis in AXES.values() for group in axis)
    return {group: f"{measure}_{group}" for group in groups if f"{measure}_{group}" in known}
