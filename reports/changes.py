"""The change of a metric between two runs, paired by document where samples allow it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from bias_inherit.errors import InputError
from bias_inherit.reports.estimates import Ends, Estimate, interval
from bias_inherit.reports.result_files import Measured
from bias_inherit.reports.results import TaskResult
from bias_inherit.tasks.metrics import Record, paired_change
from bias_inherit.tasks.metrics.logged import record_of

Sample = Mapping[str, Any]  # a sample of anybody's task


@dataclass(frozen=True)
class Change:
    """A difference of two runs; `paired` says whether it was taken document by document."""

    estimate: Estimate
    paired: bool


def change(
    result: TaskResult,
    before: TaskResult,
    name: str,
    n: int | None,
    ends: Ends | None,
) -> Change | None:
    """Return a metric of a result minus that of another; None where there is no data.

    Args:
        result, before: comparable ones (`comparable.difference`).
        name: of the metric.
        n: documents behind it.
        ends: of the difference of a share; None for anything else.

    Raises:
        InputError: a file of samples is broken.
    """
    now, then = result.measured(name), before.measured(name)
    if now is None or then is None:
        return None

    mine, theirs = result.logged, before.logged
    if mine and theirs:
        records, others = (
            records_of(result, mine, now.metric),
            records_of(before, theirs, now.metric),
        )
        if records and others:
            try:
                value, error = paired_change(now.metric, records, others)
            except ValueError:  # other documents
                return None
            return Change(interval(value, error, n, ends), True)
        paired = _paired(mine, theirs, now, then)
        if paired is not None:
            value, error, pairs = paired
            return Change(interval(value, error, pairs, ends), True)

    if now.value is None or then.value is None or now.stderr is None or then.stderr is None:
        return None
    error = math.hypot(now.stderr, then.stderr)
    return Change(interval(now.value - then.value, error, n, ends), False)


def records_of(result: TaskResult, samples: list[Sample], metric: str) -> list[Record]:
    """Return the records of ours among logged samples; none of a metric of somebody else's.

    Args:
        result: names the file in messages.
        samples: of the result.
        metric: that the records are for.

    Raises:
        InputError: one is broken.
    """
    records = []
    for i, sample in enumerate(samples, start=1):
        try:
            record = record_of(sample, metric)
        except ValueError as error:
            raise InputError(
                f"{result.samples}: sample {i}: {error}; score the model again"
            ) from None
        if record is not None:
            records.append(record)
    return records


def _paired(
    mine: list[Sample], theirs: list[Sample], now: Measured, then: Measured
) -> tuple[float, float, int] | None:
    """Return mean difference, its error and n of a task of others; None where that is not it.

    A metric that is the mean of a number per document is paired by `doc_id`, where both runs
    asked the same (`doc_hash`).
    """
    here, there = _numbers(mine, now), _numbers(theirs, then)
    if here is None or there is None or here.keys() != there.keys() or len(here) < 2:
        return None
    differences = np.array([here[key] - there[key] for key in sorted(here)])
    error = float(differences.std(ddof=1)) / math.sqrt(len(differences))
    return float(differences.mean()), error, len(differences)


def _numbers(samples: list[Sample], measured: Measured) -> dict[tuple[str, str], float] | None:
    """Return (document, hash) -> number; None where their mean is not the metric's value."""
    found: dict[tuple[str, str], float] = {}
    for sample in samples:
        number, filter_ = sample.get(measured.metric), sample.get("filter", measured.filter)
        if filter_ != measured.filter:
            continue
        if not isinstance(number, (int, float)) or not math.isfinite(number):
            return None
        document, digest = sample.get("doc_id"), sample.get("doc_hash")
        key = (str(document), str(digest))
        if document is None or digest is None or key in found:
            return None  # nothing says that the two runs were asked the same
        found[key] = float(number)

    if not found or measured.value is None:
        return None
    mean = math.fsum(found.values()) / len(found)
    return found if math.isclose(mean, measured.value, rel_tol=1e-6, abs_tol=1e-6) else None
