"""Records as lm-eval logged them, in today's form and in that of schema 1."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bias_inherit.tasks.metrics.groups import AXES
from bias_inherit.tasks.metrics.record import RECORD, Record
from bias_inherit.tasks.metrics.scores import FAMILIES


def record_of(sample: Mapping[str, Any], metric: str) -> Record | None:
    """Return the record of a logged sample; None for a sample that is not ours.

    Schema 1 logged, for every metric, the list metric, family, axis, group, gold, prediction,
    cluster.

    Raises:
        ValueError: the sample holds a record of ours that is broken.
    """
    logged = sample.get(RECORD)
    if isinstance(logged, dict) and logged.get("family") in FAMILIES:
        record = Record.from_json(logged)
        if record is None or not _is_sound(record):
            raise ValueError("its record is broken")
        return record

    old = sample.get(metric)
    if not isinstance(old, list) or len(old) != 7 or old[0] != metric:
        return None
    if not all(isinstance(old[i], str) for i in (1, 2, 3, 6)):
        return None
    record = Record(*old[1:7])
    return record if _is_sound(record) else None


def _is_sound(record: Record) -> bool:
    if record.family not in FAMILIES or record.axis not in AXES:
        return False
    if record.group and record.group not in AXES[record.axis]:
        return False
    about = record.about or {}
    if not isinstance(about, dict) or not all(isinstance(v, str) for v in about.values()):
        return False
    if not (record.place is None or isinstance(record.place, int)):
        return False
    gold_fits = record.gold is None or isinstance(record.gold, int)
    numbers = record.prediction if isinstance(record.prediction, list) else [record.prediction]
    return gold_fits and all(n is None or isinstance(n, (int, float)) for n in numbers)
