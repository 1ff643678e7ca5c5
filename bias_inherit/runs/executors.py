"""Where the jobs of a sweep are done: in processes of this machine, each of which keeps a base.

An executor has a number of slots, takes as many jobs, and says which is done. A job whose process
died is lost, and nothing else.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from typing import Protocol

from bias_inherit.runs.processes import end, processes
from bias_inherit.runs.worker import Job, Outcome, work
from bias_inherit.threads import SET_BY_USER, cores, side_by_side

GPUS = "CUDA_VISIBLE_DEVICES"
POLL = 1.0
"""Seconds after which a waiting executor lets its user look around."""


@dataclass(frozen=True)
class Done:
    """A job that ended; `outcome` is None where its process died."""

    job: Job
    outcome: Outcome | None


class Executor(Protocol):
    """What the sweep asks of it."""

    @property
    def slots(self) -> int:
        """How many jobs it does at a time now."""

    def submit(self, job: Job) -> None:
        """Begin a job; there is a free slot."""

    def wait(self) -> list[Done]:
        """Return what ended; after about a second also nothing."""

    def close(self) -> None:
        """End all of it at once; what is in work is given up."""


class LocalExecutor:
    """Processes side by side, each with its share of the cores, or a GPU of its own.

    Args:
        environments: of each process.
    """

    def __init__(self, environments: list[Mapping[str, str]]) -> None:
        self.slots = len(environments)
        self._environments = environments
        self._pools = [self._pool(i) for i in range(self.slots)]
        self._running: dict[Future[Outcome], tuple[int, Job]] = {}

    def submit(self, job: Job) -> None:
        """Begin a job in a process that has none."""
        busy = {slot for slot, _ in self._running.values()}
        slot = next(i for i in range(self.slots) if i not in busy)
        self._running[self._pools[slot].submit(work, job)] = slot, job

    def wait(self) -> list[Done]:
        """Return what ended; after about a second also nothing."""
        ended, _ = wait(self._running, POLL, FIRST_COMPLETED)
        found = []
        for future in ended:
            slot, job = self._running.pop(future)
            try:
                found.append(Done(job, future.result()))
            except BrokenProcessPool:
                self._pools[slot].shutdown(wait=False, cancel_futures=True)
                self._pools[slot] = self._pool(slot)
                found.append(Done(job, None))
        return found

    def close(self) -> None:
        """End the processes: at once where one has a job."""
        for pool in self._pools:
            end(pool, at_once=bool(self._running))

    def _pool(self, slot: int) -> ProcessPoolExecutor:
        return processes(1, {**self._environments[slot], "TQDM_DISABLE": "1"}, is_silent=True)


def local(base: str, jobs: int, workers: int | None = None) -> LocalExecutor:
    """Return an executor for a base on this machine.

    On GPUs a process each; on a CPU as many as cores and memory hold, with one thread each where
    the base is small.

    Args:
        base: folder or hub id of a causal model.
        jobs: how many there are to do.
        workers: how many processes; None chooses.
    """
    import torch

    gpus = _gpus(torch.cuda.device_count())
    if gpus:
        many = min(workers or len(gpus), max(1, jobs))
        return LocalExecutor([{GPUS: gpus[i % len(gpus)]} for i in range(many)])

    many = workers or side_by_side(base, max(1, jobs))
    threads = os.environ.get(SET_BY_USER) or str(1 if many > 1 else cores())
    return LocalExecutor([{SET_BY_USER: threads}] * many if many > 1 else [{}])


def _gpus(count: int) -> list[str]:
    """Return the names of the GPUs that this process may use."""
    named = [name for name in os.environ.get(GPUS, "").split(",") if name]
    return named[:count] if named else [str(i) for i in range(count)]
