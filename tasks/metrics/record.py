"""The record: what one document contributes to every metric of its task.

lm-eval asks `process_results` for a value a metric and logs each of them with the sample. All
metrics of ours are computed from the same record, so it is handed to every metric and logged
once, under the name `record`.
"""

from __future__ import annotations

from collections.abc import ItemsView, KeysView, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

RECORD = "record"
"""Its name in a logged sample."""


@dataclass(frozen=True)
class Record:
    """What a document asked, what the model answered, and how it was read.

    Attributes:
        family: the kind of answers, a key of `FAMILIES`.
        axis: a key of `AXES`; `group` is one of its groups ("" where a document has all).
        group: see `axis`.
        gold: index of the right option; None where no answer is right.
        prediction: what the answer was read as; None is an invalid answer. choice: an option's
            index (yes/no: 1 is yes); amount and similarity: a number; selection: candidate and
            place; story: trait counts (`story.py`).
        cluster: documents of one cluster share a source and are resampled together.
        answer: what the model said: the chosen option, or the line that was read.
        likelihoods: the log-likelihood of each option, where the model gives them; of occupations
            and candidates in the order of `OCCUPATIONS` and `CANDIDATES`, wherever they stood.
        place: the place (0 to …) of the letter that was chosen, where letters are.
        baseline: the cluster of the same question without what it is about, whose log-likelihoods
            are subtracted before anything is read (`pmi.py`); that question's own record names its
            own cluster. Until then there is no prediction.
        shares: of a survey question the real share of each option, where there is a baseline.
        about: what else a measure counts by: `held_by` and `pay` of a job, the `occupation` that a
            salary is for, the `gender` of a story's name, the `kind` of a negative text.
    """

    family: str
    axis: str
    group: str
    gold: int | None
    prediction: float | Sequence[float] | None
    cluster: str
    answer: str | None = None
    likelihoods: Sequence[float] | None = None
    place: int | None = None
    about: Mapping[str, str] | None = None
    baseline: str | None = None
    shares: Sequence[float] | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the record as it is logged, without what it does not have."""
        return {k: v for k, v in vars(self).items() if v is not None or k not in _OPTIONAL}

    @classmethod
    def from_json(cls, value: Any) -> Record | None:
        """Return a logged record; None for anything that has not its form."""
        if not isinstance(value, dict) or not _REQUIRED <= value.keys() <= _FIELDS:
            return None
        texts = all(isinstance(value[name], str) for name in ("family", "axis", "group", "cluster"))
        return cls(**value) if texts else None


_FIELDS = set(Record.__dataclass_fields__)
_OPTIONAL = {"answer", "likelihoods", "place", "about", "baseline", "shares"}
_REQUIRED = _FIELDS - _OPTIONAL


class Scored(Mapping[str, Any]):
    """What `process_results` returns: the record for each metric, and once for the log.

    lm-eval aggregates what `items` yields (each metric with the record) and logs what `keys`
    names (the record alone, as JSON). So a sample holds one copy and not one per metric.
    """

    def __init__(self, record: Record, metrics: Sequence[str]) -> None:
        self.record = record
        self.metrics = tuple(metrics)

    def __getitem__(self, name: str) -> Any:
        if name == RECORD:
            return self.record.to_json()
        if name in self.metrics:
            return self.record
        raise KeyError(name)

    def __iter__(self) -> Any:
        return iter((RECORD,))

    def __len__(self) -> int:
        return 1

    def keys(self) -> KeysView[str]:
        """Return what is logged with a sample."""
        return {RECORD: None}.keys()

    def items(self) -> ItemsView[str, Any]:
        """Return what is aggregated: every metric with the record."""
        return dict.fromkeys(self.metrics, self.record).items()
