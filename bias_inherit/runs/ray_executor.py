"""The jobs of a sweep on a Ray cluster: an actor a worker, which holds a base.

An actor works in the run folder itself where its machine sees it, and else in a folder of its own:
what an arm needs, and what it becomes, then goes through Ray's object store. Ray places the actors,
and begins others where a machine is lost; that is all the scheduling there is.
"""

from __future__ import annotations

import logging
import os
import socket
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bias_inherit import store
from bias_inherit.errors import InputError, one_line
from bias_inherit.runs.executors import POLL, Done
from bias_inherit.runs.parcel import needed, pack, unpack
from bias_inherit.runs.worker import Job, Outcome, folder_of, work
from bias_inherit.threads import SET_BY_USER

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MARK = ".seen"
"""A file in the run folder by which an actor knows that it sees that very folder."""
ANSWER = 10.0
"""Seconds in which a cluster answers, or does not."""


class RayWorker:
    """What an actor is: it makes one job after the other."""

    def make(self, job: Job, mark: str, parcel: bytes | None) -> tuple[Outcome | None, bytes]:
        """Make a job; return what became of it, and the arm where the folder is not shared.

        Args:
            job: what to make.
            mark: what stands in the run folder's `MARK`.
            parcel: what the job needs, for a machine that does not see the folder; None asks
                whether this one does: the outcome is None where it does not.
        """
        seen = job.out / MARK
        if seen.is_file() and seen.read_text(encoding="utf-8") == mark:
            return work(job), b""
        if parcel is None:
            return None, b""
        with tempfile.TemporaryDirectory() as folder:
            here = replace(job, out=Path(folder))
            unpack(parcel, here.out)
            outcome = work(here)
            return outcome, pack(here.out, [folder_of(here).folder])


class RayExecutor:
    """Actors on a cluster that is there.

    Args:
        address: of the cluster; None is that in RAY_ADDRESS, or the one on this machine.
        jobs: how many there are to do.
        workers: how many actors; None is as many as the cluster holds.
        gpus: of an actor, also a fraction; None is a whole one where the cluster has any.

    Raises:
        InputError: Ray is not installed, no cluster answers, or it has no such resources.
    """

    def __init__(
        self, address: str | None, jobs: int, workers: int | None, gpus: float | None
    ) -> None:
        try:
            import ray
        except ImportError:
            raise InputError("--executor ray needs Ray: pip install 'bias-inherit[ray]'") from None
        self._ray: Any = ray
        self._connect(address)
        there = self._ray.cluster_resources()
        has_gpus = there.get("GPU", 0.0) > 0
        self._needs = {"CPU": 1.0, "GPU": gpus if gpus is not None else float(has_gpus)}
        if not self._fits(there):
            self.close()
            raise InputError(
                f"the Ray cluster has {there.get('GPU', 0):g} GPUs and {there.get('CPU', 0):g} "
                f"CPUs: no worker of {self._needs['GPU']:g} GPUs fits"
            )
        self._most = min(workers or jobs, jobs)
        self._actors: dict[int, Any] = {}
        self._running: dict[Any, tuple[int, Job]] = {}
        self._by_parcel: set[int] = set()
        self._mark = os.urandom(8).hex()
        self._grow()

    @property
    def slots(self) -> int:
        """How many actors there are: fewer once a machine is lost, more once one joins."""
        return len(self._actors)

    def _fits(self, resources: Mapping[str, float]) -> bool:
        return all(resources.get(name, 0.0) >= need for name, need in self._needs.items())

    def _grow(self) -> None:
        """Begin actors where the cluster has room; one that waits for room would hold its job."""
        free, there = dict(self._ray.available_resources()), self._ray.cluster_resources()
        room = min(there.get(name, 0.0) // need for name, need in self._needs.items() if need)
        most = max(1, min(self._most, int(room)))
        while len(self._actors) < most and (self._fits(free) or not self._actors):
            slot = next(i for i in range(self._most) if i not in self._actors)
            self._actors[slot] = self._actor()
            free = {name: free.get(name, 0.0) - need for name, need in self._needs.items()}

    def _connect(self, address: str | None) -> None:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        wanted = address or os.environ.get("RAY_ADDRESS") or "auto"
        try:
            _knock(wanted)
            self._ray.init(
                address=wanted,
                log_to_driver=False,
                logging_level=logging.ERROR,
                configure_logging=False,
            )
        except Exception as error:  # whatever Ray raises where nobody answers
            raise InputError(
                f"no Ray cluster answers at '{wanted}' ({one_line(error)}): start one with `ray "
                "start --head`, and name its address with --address"
            ) from None

    def _actor(self) -> Any:
        variables = {"TQDM_DISABLE": "1"}
        if not self._needs["GPU"]:
            variables[SET_BY_USER] = os.environ.get(SET_BY_USER, "1")
        made = self._ray.remote(RayWorker).options(
            num_cpus=self._needs["CPU"],
            num_gpus=self._needs["GPU"],
            runtime_env={"env_vars": variables},
        )
        return made.remote()

    def submit(self, job: Job) -> None:
        """Begin a job with an actor that has none."""
        busy = {slot for slot, _ in self._running.values()}
        slot = next(i for i in self._actors if i not in busy)
        self._begin(slot, job, slot in self._by_parcel)

    def _begin(self, slot: int, job: Job, by_parcel: bool) -> None:
        store.write_text(job.out / MARK, self._mark)
        parcel = pack(job.out, needed(folder_of(job), job.twin)) if by_parcel else None
        shared = replace(job, out=job.out.resolve())
        self._running[self._actors[slot].make.remote(shared, self._mark, parcel)] = slot, job

    def wait(self) -> list[Done]:
        """Return what ended; after about a second also nothing."""
        ended, _ = self._ray.wait(list(self._running), num_returns=1, timeout=POLL)
        if len(self._actors) < self._most:
            self._grow()
        return [done for reference in ended for done in self._ended(reference)]

    def _ended(self, reference: Any) -> Sequence[Done]:
        slot, job = self._running.pop(reference)
        try:
            outcome, parcel = self._ray.get(reference)
        except self._ray.exceptions.RayError:  # the actor, or its machine, is lost
            self._ray.kill(self._actors.pop(slot))
            self._by_parcel.discard(slot)
            return [Done(job, None)]
        if outcome is None:  # its machine does not see the folder
            self._by_parcel.add(slot)
            self._begin(slot, job, by_parcel=True)
            return []
        if parcel:
            unpack(parcel, job.out)
        return [Done(job, outcome)]

    def close(self) -> None:
        """End the actors at once."""
        for actor in getattr(self, "_actors", {}).values():
            self._ray.kill(actor)
        self._ray.shutdown()


def _knock(address: str) -> None:
    """Connect once to an address of the form host:port: Ray itself tries for minutes.

    Raises:
        OSError: nobody answers.
    """
    host, _, port = address.rpartition("://")[2].rpartition(":")
    if host and port.isdigit():
        socket.create_connection((host, int(port)), ANSWER).close()
