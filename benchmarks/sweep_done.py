"""Claim: that a sweep of 1,000 arms is all done is found out in at most 5 seconds.

Makes one arm of the lab for real, writes 1,000 arms like it with what decides each, and times whole
processes of `bias-inherit sweep` on them: the first makes the leaderboard, the others find nothing
to do. Prints the ratio of the two as well.

    python benchmarks/sweep_done.py [--arms 1000] [--repeats 3]
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import tempfile
from pathlib import Path

import yaml
from _processes import BIN, spent

CLAIM = 5.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--arms", type=int, default=1000)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()

    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        write_grid(work / "one.yaml", 1)
        spent([BIN / "bias-inherit", "sweep", "one.yaml", "--out", "run"], work)
        write_grid(work / "all.yaml", options.arms)
        copy_arm(work, options.arms)
        command = [BIN / "bias-inherit", "sweep", "all.yaml", "--out", "run"]
        first, _ = spent(command, work)
        again = [spent(command, work)[0].wall for _ in range(options.repeats)]
    print(f"{options.arms} arms: with the leaderboard {first.wall:.1f} s")
    print("nothing to do: " + ", ".join(f"{seconds:.2f} s" for seconds in again))
    print(
        f"median {statistics.median(again):.2f} s (claim: at most {CLAIM:g} s), "
        f"{first.wall / statistics.median(again):.1f} x less than with the leaderboard"
    )


def write_grid(path: Path, arms: int) -> None:
    grid = {
        "grid": {"axes": "gender", "ratios": 0, "seeds": list(range(arms))},
        "data": {"per_cell": 1},
        "training": {"epochs": 1},
        "scoring": {"tasks": "bias_inherit_occupation", "limit": 8},
    }
    path.write_text(yaml.safe_dump(grid), encoding="utf-8")


def copy_arm(work: Path, arms: int) -> None:
    """Write every arm of the grid like the one that is there, with its own inputs."""
    from bias_inherit.runs.grid import read_grid
    from bias_inherit.runs.plan import make_plan
    from bias_inherit.runs.sweep import arm_folders

    folders = list(arm_folders(make_plan(read_grid(str(work / "all.yaml"))), work / "run").values())
    _, made, *others = folders
    assert len(others) == arms - 1, "a ratio of 0 is one arm a seed"
    for arm in others:
        for part in ("data", "adapter", "eval"):
            shutil.copytree(made.folder / part, arm.folder / part)
        for stage in arm.stages:
            inputs = arm.inputs(stage)
            assert inputs is not None
            arm.finish(stage, inputs, 1.0)


if __name__ == "__main__":
    main()
