"""Measures of a ranking: they need every answer's score, and no threshold."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bias_inherit.tasks.metrics.bootstrap import Array
from bias_inherit.tasks.metrics.record import Record


def yes_margin(answers: Sequence[Record]) -> Array:
    """Return the log-likelihood of yes minus that of no, shape (answers,); NaN without both."""
    pairs = [
        answer.likelihoods
        if answer.prediction is not None and answer.likelihoods is not None
        else (np.nan, np.nan)
        for answer in answers
    ]
    scores = np.array([pair[:2] for pair in pairs], dtype=np.float64).reshape(-1, 2)
    return scores[:, 1] - scores[:, 0]


def auroc(answers: Sequence[Record]) -> tuple[float, Array]:
    """Return the area under the ROC curve of yes minus no, and each answer's influence on it.

    The probability that a text whose answer is yes is ranked above one whose answer is no; ties
    count half. The influences are the placement values of DeLong et al. 1988, centred and divided
    by the number of texts of that label: the area's variance is the sum over clusters of the
    squared sums of their influences (Obuchowski 1997).
    """
    margin = yes_margin(answers)
    gold = np.array([answer.gold or 0 for answer in answers])
    positive = np.flatnonzero(~np.isnan(margin) & (gold == 1))
    negative = np.flatnonzero(~np.isnan(margin) & (gold == 0))
    influence = np.zeros(len(answers))
    if not len(positive) or not len(negative):
        return np.nan, influence

    above = _placements(margin[positive], margin[negative])
    below = 1.0 - _placements(margin[negative], margin[positive])
    area = float(above.mean())
    influence[positive] = (above - area) / len(positive)
    influence[negative] = (below - area) / len(negative)
    return area, influence


def _placements(scores: Array, others: Array) -> Array:
    """Return the share of the others that lie below each score; ties count half."""
    ranked = np.sort(others)
    left, right = (np.searchsorted(ranked, scores, side=side) for side in ("left", "right"))
    return (left + right) / (2 * len(others))
