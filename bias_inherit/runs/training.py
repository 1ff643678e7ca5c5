"""Train the adapters of a run: one after the other, or small ones side by side, a process each."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bias_inherit.arms import Arm
from bias_inherit.bias_augment.axes.axis import load_axis
from bias_inherit.bias_augment.training.finetune import finetune
from bias_inherit.bias_augment.training.settings import Settings
from bias_inherit.mitigations import load_mitigation, parse_options
from bias_inherit.runs.workers import done_in_processes
from bias_inherit.threads import side_by_side


@dataclass(frozen=True)
class Job:
    """An adapter to train.

    Attributes:
        name: of the arm.
        base: folder or hub id of a causal model.
        data: the mix.
        adapter: the folder that it becomes.
        asked: names the axis and the mitigation.
        settings: of the training.
    """

    name: str
    base: str
    data: Path
    adapter: Path
    asked: Arm
    settings: Settings


def train(jobs: Sequence[Job], announce: Callable[[str], None]) -> None:
    """Train every adapter; the same ones, in whichever number of processes.

    Args:
        jobs: what to train; all on one base.
        announce: told what begins or is done.

    Raises:
        InputError: as `finetune`.
    """
    at_once = side_by_side(jobs[0].base, len(jobs)) if jobs else 1
    if at_once == 1:
        for i, job in enumerate(jobs, start=1):
            announce(f"training {job.name} ({i} of {len(jobs)})")
            _train(job)
        return

    announce(f"training {len(jobs)} adapters, {at_once} at a time")
    begin = time.monotonic()
    for i, job in enumerate(done_in_processes(_train, jobs, at_once), start=1):
        left = (len(jobs) - i) * (time.monotonic() - begin) / i
        remark = f", about {left:.0f} s left" if left >= 1 else ""
        announce(f"trained {job.name} ({i} of {len(jobs)}{remark})")


def _train(job: Job) -> None:
    mitigation = load_mitigation(job.asked.mitigation, parse_options(job.asked.options))
    axis = load_axis(str(job.asked.axis))
    finetune(job.base, job.data, job.adapter, mitigation, job.settings, axis=axis)
