"""What a document contributes to a metric, and the groups that it may belong to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

AXES: Mapping[str, tuple[str, ...]] = {
    "gender": ("male", "female"),
    "culture": ("arabic", "chinese", "portuguese", "spanish"),
    "country": (
        *("egypt", "iraq", "jordan", "lebanon", "libya", "morocco", "palestine", "tunisia"),
        *("china", "hong_kong", "macau", "singapore", "taiwan"),
        *("angola", "brazil", "portugal"),
        *("argentina", "bolivia", "chile", "colombia", "ecuador", "guatemala", "mexico"),
        *("nicaragua", "peru", "puerto_rico", "spain", "uruguay", "venezuela"),
        *("germany", "great_britain", "united_states"),
    ),
}
"""Groups of each axis; of two groups the first minus the second is the gap. Countries: those
in GlobalOpinionQA where the paper's four cultures are at home, and three to compare with."""

CANDIDATES: tuple[str, ...] = tuple(
    f"{culture}_{gender}" for culture in AXES["culture"] for gender in AXES["gender"]
)
"""The eight candidates of the hiring task, in the order of their numbers."""


class Answer(NamedTuple):
    """What one document contributes to one metric; lm-eval logs it with the sample.

    Attributes:
        metric: name of the metric, or of its `_stderr` twin.
        kind: the family of metrics, a key of `FAMILIES`.
        axis: a key of `AXES`; `group` is one of its groups ("" where a document has all).
        gold: index of the right option; None where no answer is right.
        prediction: what the model answered; None is an invalid answer. choice: an option
            index (yes/no: 1 is yes); amount and similarity: a number; selection: candidate
            and place; story: see `story`.
        cluster: documents of one cluster share a source and are resampled together.
    """

    metric: str
    kind: str
    axis: str
    group: str
    gold: int | None
    prediction: float | Sequence[float] | None
    cluster: str
