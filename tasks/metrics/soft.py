"""Option probabilities: what a choice weighs where the model gives log-likelihoods."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bias_inherit.tasks.metrics.bootstrap import Array
from bias_inherit.tasks.metrics.record import Record


def probabilities(answers: Sequence[Record], chosen: Sequence[int | None], options: int) -> Array:
    """Return the probability of each option, shape (answers, options); NaN for an invalid answer.

    The softmax of the log-likelihoods. An answer without them (a written reply) gives its whole
    weight to the option that it chose.

    Args:
        answers: n records.
        chosen: the option that each chose, in the order of the likelihoods; None is invalid.
        options: how many there are.
    """
    found = np.full((len(answers), options), np.nan)
    for row, answer, option in zip(found, answers, chosen, strict=True):
        if option is None:
            continue
        if answer.likelihoods is not None and len(answer.likelihoods) == options:
            scores = np.asarray(answer.likelihoods, dtype=np.float64)
            weights = np.exp(scores - scores.max())
            row[:] = weights / weights.sum()
        else:
            row[:] = 0.0
            row[option] = 1.0
    return found
