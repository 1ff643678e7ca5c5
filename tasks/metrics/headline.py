"""The headline: which metrics stand for a task, and how their numbers are to be read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, ValidationError

Kind = Literal["share", "amount", "similarity", "unknown"]
"""What a number is: a share of something and a similarity have ends, an amount has a unit, and
of an unknown one nothing is assumed."""

_SHARES = ("acc", "acc_norm", "exact_match", "f1", "macro_f1")
"""Metrics of others that are shares by their name, where their value lies in [0, 1]."""


@dataclass(frozen=True)
class Part:
    """One metric of a headline.

    Attributes:
        metric: its name in lm-eval's results.
        kind: see `Kind`.
        ends: the least and the largest possible value; None where nobody declared them.
        filter: lm-eval's filter that the value went through.
    """

    metric: str
    kind: Kind = "unknown"
    ends: tuple[float, float] | None = None
    filter: str = "none"


@dataclass(frozen=True)
class Headline:
    """The score of a task and, where it has one, its bias gap.

    Attributes:
        score, gap: the metrics.
        gap_n: the metric that counts the pairs behind the gap.
        reads: which way the gap is signed, and what zero means.
        unit: of an amount.
        gap_unit: of the gap, where that is an amount.
    """

    score: Part
    gap: Part | None = None
    gap_n: str | None = None
    reads: str = ""
    unit: str | None = None
    gap_unit: str | None = None

    @classmethod
    def from_metadata(cls, metadata: Any) -> Headline | None:
        """Return the headline that a task's `metadata` declares; None where it declares none.

        `metadata` may be anything: older lm-eval wrote a list, and other tasks write what they
        like.
        """
        declared = metadata.get("headline") if isinstance(metadata, Mapping) else None
        if not isinstance(declared, Mapping):
            return None
        try:
            said = _Declared.model_validate(declared)
        except ValidationError:  # somebody else's entry of that name
            return None

        kind: Kind = "share" if said.unit is None else "amount"
        is_share = kind == "share"
        score = Part(said.score, kind, (0.0, 1.0) if is_share else None)
        gap_unit = said.gap_unit if "gap_unit" in said.model_fields_set else said.unit
        gap = None
        if said.gap is not None:
            gap = _gap(said.gap, gap_unit, said.gap_range)
        return cls(score, gap, said.gap_n, said.reads, said.unit, gap_unit)


def _gap(metric: str, unit: str | None, ends: tuple[float, float] | None) -> Part:
    """Return a gap: an amount by its unit, a share by its ends, else of an unknown kind."""
    if unit is not None:
        return Part(metric, "amount")
    return Part(metric, "unknown" if ends is None else "share", ends)


class _Declared(BaseModel):
    """A headline as a task's YAML writes it."""

    score: str
    gap: str | None = None
    gap_n: str | None = None
    gap_range: tuple[float, float] | None = (-1.0, 1.0)
    gap_unit: str | None = None
    reads: str = ""
    unit: str | None = None


def undeclared(metric: str, value: float | None, filter_: str = "none") -> Part:
    """Return the part of a metric that no task declares: a share only by a share's name."""
    is_share = metric in _SHARES and value is not None and 0.0 <= value <= 1.0
    if is_share:
        return Part(metric, "share", (0.0, 1.0), filter_)
    return Part(metric, "unknown", None, filter_)
