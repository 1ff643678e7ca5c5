"""One line of the score table in an adapter's model card."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ScoreLine:
    """A metric of a task with what is needed to read it.

    Attributes:
        task, metric: their names in lm-eval's results.
        value: None is no data.
        stderr: None is unknown.
        n: documents, or pairs, behind the value; None is unknown.
        reads: which way the metric is signed, "" for one that is not.
        unit: of an amount.
        documents: the source of the documents, as the task's provenance names it.
    """

    task: str
    metric: str
    value: float | None
    stderr: float | None
    n: int | None
    reads: str = ""
    unit: str | None = None
    documents: str | None = None
