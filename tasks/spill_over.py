"""lm-eval's tasks that tell of spill-over: ability, truthfulness, safety (`spill_over.yaml`)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from bias_inherit.store import read_yaml

_FILE = Path(__file__).with_name("spill_over.yaml")


class Place(NamedTuple):
    """What a task tells of, and the metric that stands for it."""

    kind: str
    metric: str


@lru_cache
def spill_over() -> Mapping[str, Mapping[str, str]]:
    """Return by kind each task with its metric."""
    found: Mapping[str, Mapping[str, str]] = read_yaml(_FILE)
    return found


def place_of(task: str) -> Place | None:
    """Return what a task of lm-eval's tells of; None for one that is not among these."""
    found = (Place(kind, tasks[task]) for kind, tasks in spill_over().items() if task in tasks)
    return next(found, None)
