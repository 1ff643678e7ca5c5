"""lm-eval's aggregations: one object a metric, by its name, as the task files ask for them.

lm-eval hands an aggregation the records of all documents, and not the metric's name; so
`!function bias_inherit.tasks.metrics.aggregate.acc_gap` is an object that knows its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from bias_inherit.tasks.metrics.metric import SUITES
from bias_inherit.tasks.metrics.record import Record
from bias_inherit.tasks.metrics.scores import stderr, value
from bias_inherit.tasks.metrics.table import metric_names

ERROR = "_stderr"


@dataclass(frozen=True, repr=False)
class Aggregation:
    """Records -> the value of a metric, or under its `_stderr` name the error of it."""

    name: str

    def __call__(self, records: Sequence[Record]) -> float | Literal["N/A"] | None:
        """Return the value or the error; None and "N/A" are no data."""
        if self.name.endswith(ERROR):
            return stderr(self.name.removesuffix(ERROR), records)
        return value(self.name, records)

    def __repr__(self) -> str:
        return f"bias_inherit metric {self.name}"  # lm-eval writes it into its results


def __getattr__(name: str) -> Aggregation:
    if not any(name in metric_names(suite) for suite in SUITES):
        raise AttributeError(f"module '{__name__}' has no metric '{name}'")
    return Aggregation(name)
