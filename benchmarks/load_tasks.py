"""Claim: the task set loads in under a second.

Times building the ten tasks with their documents, in one process after the imports, against
lm-eval's scan of its own task folder, which the plain command does first. Prints the ratio.

    python benchmarks/load_tasks.py [--repeats 3]
"""

from __future__ import annotations

import argparse
import logging
import statistics
import time

from lm_eval.tasks import TaskManager

from bias_inherit.harness.loading import tasks_folder


def ours() -> float:
    begin = time.perf_counter()
    manager = TaskManager(include_path=str(tasks_folder()), include_defaults=False)
    loaded = manager.load(manager.match_tasks(["bias_inherit_*"]))["tasks"]
    assert len(loaded) == 10
    return time.perf_counter() - begin


def scan() -> float:
    begin = time.perf_counter()
    TaskManager()
    return time.perf_counter() - begin


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=3)
    repeats = parser.parse_args().repeats
    logging.disable(logging.WARNING)
    times = [(ours(), scan()) for _ in range(repeats)]
    print(f"first load {times[0][0]:.2f} s")
    for i, (mine, theirs) in enumerate(times):
        print(f"run {i + 1}: ten tasks {mine:.2f} s, scan of the built-in ones {theirs:.2f} s")
    ratio = statistics.median(theirs / mine for mine, theirs in times)
    print(f"median: the scan takes {ratio:.0f} x as long")


if __name__ == "__main__":
    main()
