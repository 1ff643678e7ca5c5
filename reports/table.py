"""Results and leaderboards as rows of plain values, for tables such as pandas'."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from bias_inherit.reports.leaderboard import Section
from bias_inherit.reports.results import Run

Value = str | int | float | None
_ARM = ("axis", "bias_type", "ratio", "mitigation", "seed", "round")
COLUMNS = ["model", *_ARM, "task", "form", "metric", "filter", "value", "stderr", "n", "path"]


def result_rows(runs: Iterable[Run]) -> Iterator[dict[str, Value]]:
    """Yield one row per model, task, form, metric and filter; None is no data."""
    for run in runs:
        arm = _arm(run)

        for result in run.tasks.values():
            for measured in result.entry.measured:
                yield {
                    "model": run.label,
                    **arm,
                    "task": result.task,
                    "form": result.form,
                    "metric": measured.metric,
                    "filter": measured.filter,
                    "value": measured.value,
                    "stderr": measured.stderr,
                    "n": result.n,
                    "path": str(result.path),
                }


def _arm(run: Run) -> dict[str, Value]:
    if run.arm is None:
        return dict.fromkeys(_ARM)
    told: dict[str, Value] = {name: getattr(run.arm, name) for name in _ARM}
    return told | {"ratio": run.ratio}


def board_rows(sections: Sequence[Section]) -> Iterator[dict[str, Value]]:
    """Yield one row per task and model: value, ends of the interval and n of each estimate."""
    for section in sections:
        for row in section.rows:
            told: dict[str, Value] = {"task": section.task, "model": row.model, "n": row.n}
            told |= {"metric": section.score, "gap_metric": section.gap}
            for name in ("score", "score_change", "gap", "change"):
                estimate = getattr(row, name)
                for part in ("value", "low", "high"):
                    told[f"{name}_{part}"] = getattr(estimate, part, None)
            yield told | {"paired": row.paired, "not_compared": row.not_compared}
