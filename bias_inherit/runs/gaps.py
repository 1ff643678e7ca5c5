"""The gap that a model was just scored with, for whoever watches."""

from __future__ import annotations

from pathlib import Path

from bias_inherit.reports.results import read_runs


def latest_gap(scores: Path) -> str | None:
    """Return the first task's headline gap in words; None where no task has one.

    Args:
        scores: a folder of lm-eval's results.
    """
    for run in read_runs([scores]):
        for task, result in run.tasks.items():
            part = result.headline.gap if result.headline is not None else None
            value = None if part is None else result.metrics.get(part.metric)
            if part is not None and value is not None:
                return f"{task.removeprefix('bias_inherit_')} {part.metric} {value:+.3f}"
    return None
