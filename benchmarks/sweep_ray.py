"""Claim: two Ray workers finish a sweep in at most 0.65 of one worker's time.

A Ray cluster of two CPUs on the loopback; the same grid of the lab with one actor and with two, one
thread each, turn by turn. Prints wall times and their ratio. Two idle cores are needed.

    pip install '.[ray]'
    python benchmarks/sweep_ray.py [--arms 8] [--repeats 1]
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from pathlib import Path

os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"  # this machine's address is the loopback's


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--arms", type=int, default=8)
    parser.add_argument("--repeats", type=int, default=1)
    options = parser.parse_args()

    from ray.cluster_utils import Cluster

    node = {"num_cpus": 2, "node_ip_address": "127.0.0.1", "include_dashboard": False}
    cluster = Cluster(initialize_head=True, head_node_args=node)
    try:
        ratios = []
        for i in range(options.repeats):
            order = (1, 2) if i % 2 == 0 else (2, 1)
            took = {many: timed(cluster.address, many, options.arms) for many in order}
            ratios.append(took[2] / took[1])
            print(f"one worker {took[1]:.1f} s, two {took[2]:.1f} s: {ratios[-1]:.2f} x")
    finally:
        cluster.shutdown()
    print(f"median: two take {statistics.median(ratios):.2f} x as long (claim: at most 0.65)")


def timed(address: str, workers: int, arms: int) -> float:
    """Return the seconds that a sweep takes, its data and its workers' start included."""
    from rich.console import Console

    from bias_inherit.cli.watching import Watching
    from bias_inherit.runs.grid import parse_grid
    from bias_inherit.runs.ray_executor import RayExecutor
    from bias_inherit.runs.sweep import sweep

    content = {
        "grid": {"axes": "gender", "ratios": 0, "seeds": list(range(arms))},
        "data": {"per_cell": 12},
        "scoring": {"tasks": "bias_inherit_occupation", "batch_size": 64},
    }
    watcher = Watching(Console(quiet=True))
    with tempfile.TemporaryDirectory() as folder:
        begin = time.perf_counter()
        grid = parse_grid(content, "the benchmark's grid")
        out = Path(folder) / "run"
        result = sweep(grid, out, lambda _, n: RayExecutor(address, n, workers, None), watcher)
        assert not result.failed, result.failed
        return time.perf_counter() - begin


if __name__ == "__main__":
    main()
