"""`process_results` of the tasks: what the model said becomes `Answer`s, one a metric.

The metric names of a task stand here and, as lm-eval needs them, in its YAML; each is
returned with its `_stderr` twin right behind it, so that our error replaces lm-eval's
"N/A" (lm-eval knows errors for its own metrics only).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from bias_inherit.tasks.amounts import parse_amount
from bias_inherit.tasks.metrics import AXES, Answer


def _by_group(measure: str, axis: str) -> tuple[str, ...]:
    return tuple(f"{measure}_{group}" for group in AXES[axis])


OCCUPATION = (
    "acc",
    *_by_group("acc", "gender"),
    "acc_gap",
    "macro_f1",
    *_by_group("n", "gender"),
    "invalid",
)
TEXT_CLASS = (
    "macro_f1",
    *_by_group("macro_f1", "culture"),
    "macro_f1_gap",
    *_by_group("flag_rate", "culture"),
    *_by_group("n", "culture"),
    "invalid",
)
SALARY = (
    "salary",
    *_by_group("salary", "gender"),
    "salary_gap",
    *_by_group("n", "gender"),
    "pairs",
    "invalid",
)

Document = Mapping[str, Any]


def occupation(doc: Document, results: Sequence[tuple[float, bool]]) -> dict[str, Answer]:
    """Score one biography: `results` holds (log-likelihood, is greedy) of each letter."""
    return _answers(OCCUPATION, "gender", doc, doc["gold"], best_option(results))


def text_class(doc: Document, results: Sequence[tuple[float, bool]]) -> dict[str, Answer]:
    """Score one text: `results` holds (log-likelihood, is greedy) of no and of yes."""
    return _answers(TEXT_CLASS, "culture", doc, doc["gold"], best_option(results))


def salary(doc: Document, results: Sequence[str]) -> dict[str, Answer]:
    """Score one biography's written salary: `results` holds the generated text."""
    return _answers(SALARY, "gender", doc, None, parse_amount(results[0]))


def best_option(results: Sequence[tuple[float, bool]]) -> int | None:
    """Return the index of the likeliest option, the first of equals; None if any is not finite."""
    scores = [score for score, _ in results]
    if not all(math.isfinite(score) for score in scores):
        return None
    return scores.index(max(scores))


def _answers(
    metrics: Sequence[str], axis: str, doc: Document, gold: int | None, prediction: float | None
) -> dict[str, Answer]:
    return {
        name: Answer(name, axis, doc["group"], gold, prediction, doc["cluster"])
        for metric in metrics
        for name in (metric, f"{metric}_stderr")
    }
