"""Small grids on the lab, and an executor in this process."""

from __future__ import annotations

import pytest

from bias_inherit.runs import worker
from bias_inherit.runs.executors import Done
from bias_inherit.runs.grid import parse_grid
from bias_inherit.runs.sweep import sweep
from bias_inherit.runs.worker import work

TYPE = "contextual-single-explicit"
SMALL = {
    "grid": [{"axes": "gender", "bias_types": TYPE, "ratios": [0, "50%"]}],
    "data": {"per_cell": 1},
    "training": {"epochs": 1},
    "scoring": {"tasks": "bias_inherit_occupation", "limit": 4},
}


def small(**changes):
    """Return a grid of the base and two arms, with changes by dotted name."""
    content = {key: dict(v) if isinstance(v, dict) else list(v) for key, v in SMALL.items()}
    content["grid"] = [dict(block) for block in content["grid"]]
    for name, value in changes.items():
        room, _, key = name.partition("__")
        if room == "grid" and key:
            content["grid"][0][key] = value
        elif key:
            content.setdefault(room, {})[key] = value
        else:
            content[room] = value
    return parse_grid(content, "small")


class Here:
    """Does a job at a time, in this process; remembers which."""

    slots = 1

    def __init__(self):
        worker._PLANS.clear()  # a process of its own would have none
        worker._MAKERS.clear()
        self.asked, self.waiting, self.is_closed = [], [], False

    def submit(self, job):
        self.asked.append(job)
        self.waiting.append(job)

    def wait(self):
        job = self.waiting.pop(0)
        return [Done(job, work(job))]

    def close(self):
        self.is_closed = True


class Quiet:
    """A watcher that keeps what it is told."""

    def __init__(self):
        self.lines, self.outcomes, self.counts = [], [], []

    def say(self, line):
        self.lines.append(line)

    def begin(self, done, total):
        self.counts.append((done, total))

    def ended(self, arm, outcome):
        self.outcomes.append(outcome)

    def tick(self, running):
        pass


@pytest.fixture
def run(tmp_path):
    """Sweep a grid into a folder; return the result and the names of the jobs, in their order."""

    def of(grid, out=None, executor=None, **more):
        here = executor or Here()
        result = sweep(grid, out or tmp_path / "run", lambda base, jobs: here, Quiet(), **more)
        return result, [job.name for job in here.asked]

    return of
