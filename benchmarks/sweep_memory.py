"""Claims: a worker's resident memory after 50 arms is at most 1.1 times that after 5, and an arm
takes as long at the end as at the beginning (at most 5 % longer).

One worker trains and scores arm after arm on the lab's model, which it loads once. Printed are its
resident memory after 5 and after all arms, and the median CPU seconds of the first and the last
third, and their ratios.

    python benchmarks/sweep_memory.py [--arms 50] [--tasks 'bias_inherit_*'] [--limit 8]
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from pathlib import Path

import psutil

EARLY = 5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--arms", type=int, default=50)
    parser.add_argument("--tasks", default="bias_inherit_*")
    parser.add_argument("--limit", type=int, default=8)
    options = parser.parse_args()
    if options.arms <= EARLY:
        parser.error(f"--arms: more than {EARLY}")

    with tempfile.TemporaryDirectory() as folder:
        memory, seconds = watched(Path(folder), options.arms, options.tasks, options.limit)
    part = len(seconds) // 3
    early, late = (statistics.median(some) for some in (seconds[:part], seconds[-part:]))
    print(
        f"resident: {memory[EARLY - 1] / 1e6:.0f} MB after {EARLY} arms, {memory[-1] / 1e6:.0f} MB "
        f"after {len(memory)}: {memory[-1] / memory[EARLY - 1]:.3f} x (claim: at most 1.1)"
    )
    print(
        f"CPU seconds of an arm: {early:.2f} in the first third, {late:.2f} in the last: "
        f"{late / early:.3f} x (claim: at most 1.05)"
    )


def watched(work: Path, arms: int, tasks: str, limit: int) -> tuple[list[int], list[float]]:
    """Make arms; return the worker's resident bytes after each, and its CPU seconds for each."""
    from bias_inherit.runs.data import DataWriter, data_sets
    from bias_inherit.runs.executors import LocalExecutor
    from bias_inherit.runs.grid import parse_grid
    from bias_inherit.runs.plan import make_plan
    from bias_inherit.runs.worker import Job

    content = {
        "grid": {"axes": "gender", "ratios": 0, "seeds": list(range(arms))},
        "data": {"per_cell": 12},
        "training": {"epochs": 1},
        "scoring": {"tasks": tasks, "limit": limit, "batch_size": 64},
    }
    grid = parse_grid(content, "the benchmark's grid")
    plan = make_plan(grid)
    for one in data_sets(plan, work):
        DataWriter(plan, work, print).write(one)

    executor, memory, seconds, before = LocalExecutor([{"OMP_NUM_THREADS": "1"}]), [], [], 0.0
    try:
        for each in plan.arms:
            executor.submit(Job(each.name, work, grid))
            done = executor.wait()
            while not done:
                done = executor.wait()
            assert done[0].outcome is not None and done[0].outcome.error is None, done
            (process,) = map(psutil.Process, executor._pools[0]._processes or {})
            memory.append(process.memory_info().rss)
            spent = sum(process.cpu_times()[:2])
            seconds.append(spent - before)
            before = spent
    finally:
        executor.close()
    return memory, seconds


if __name__ == "__main__":
    main()
