"""Train the adapters of a run: one after the other, or small ones side by side, a process each."""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from bias_inherit.arms import Arm
from bias_inherit.bias_augment.axes.axis import load_axis
from bias_inherit.bias_augment.training.finetune import finetune
from bias_inherit.bias_augment.training.settings import Settings
from bias_inherit.mitigations import load_mitigation, parse_options
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
    fresh = multiprocessing.get_context("spawn")  # torch's threads do not survive a fork
    with ProcessPoolExecutor(at_once, mp_context=fresh, initializer=be_quiet) as pool:
        waiting = {pool.submit(_train, job): job for job in jobs}
        try:
            for i, done in enumerate(as_completed(waiting), start=1):
                done.result()
                announce(f"trained {waiting[done].name} ({i} of {len(jobs)})")
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _train(job: Job) -> None:
    mitigation = load_mitigation(job.asked.mitigation, parse_options(job.asked.options))
    axis = load_axis(str(job.asked.axis))
    finetune(job.base, job.data, job.adapter, mitigation, job.settings, axis=axis)


def be_quiet() -> None:
    """Keep the bars and notices of several processes out of one terminal; errors are raised."""
    sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115  for the process's life
    sys.stdout = sys.stderr
