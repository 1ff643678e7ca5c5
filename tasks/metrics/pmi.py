"""Option words scored by pointwise mutual information.

The log-likelihood of an option's words after a question, minus that after the same question without
what it is about: what the text tells of the option, and not how frequent or how long its words are.
Holtzman et al. 2021, Surface Form Competition (arXiv 2104.08315), domain-conditional PMI.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from bias_inherit.tasks.metrics.record import Record
from bias_inherit.tasks.metrics.similarity import likely_similarity


def relative(records: Sequence[Record]) -> list[Record] | None:
    """Return the records of questions, read from their likelihoods minus their baseline's.

    Records without a baseline stay as they are.

    Returns:
        None where a baseline is not among the records (`--samples` may leave it out): then
        nothing can be told.
    """
    if not any(record.baseline for record in records):
        return list(records)
    baselines = {r.cluster: r.likelihoods for r in records if r.baseline == r.cluster}

    read: list[Record] = []
    for record in records:
        if record.baseline == record.cluster:
            continue
        if record.baseline is None:
            read.append(record)
            continue
        before = baselines.get(record.baseline)
        if before is None or record.likelihoods is None:
            return None
        read.append(_read(record, [a - b for a, b in zip(record.likelihoods, before, strict=True)]))
    return read


def _read(record: Record, scores: Sequence[float]) -> Record:
    if not all(math.isfinite(score) for score in scores):
        return replace(record, likelihoods=scores)
    if record.shares is not None:
        prediction = likely_similarity(scores, record.shares)
        return replace(record, likelihoods=scores, prediction=prediction)
    return replace(record, likelihoods=scores, prediction=scores.index(max(scores)))
