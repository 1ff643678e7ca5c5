"""Claim: the `lab` grid takes at most 35 minutes on two cores, at most 1.3 times that beside a busy
process, and an arm takes as long at the end as at the beginning (growth at most 5 %).

Runs the preset as a user does: one bias type at one ratio, all mitigations, both axes, and says how
long the whole would take at that rate, start included; or with --whole all of it. With --busy it is
run again beside a process that computes all the time: of three on two cores each has two thirds of
one, so 1.5 times as long is to be expected, and more than is claimed. Growth is that of the seconds
that scoring an arm takes, from the first third of the arms to the last: of the whole grid alone.

    python benchmarks/sweep_lab.py [--whole] [--busy]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import mean
from typing import Any

import yaml
from _processes import BIN, spent

MINUTES = 35


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--whole", action="store_true", help="make all of its arms")
    parser.add_argument("--busy", action="store_true", help="again beside a busy process")
    options = parser.parse_args()
    idle = seconds(options.whole)
    print(f"lab grid: {idle / 60:.1f} minutes (claim: at most {MINUTES})", flush=True)
    if options.busy:
        busy = subprocess.Popen([sys.executable, "-c", "while True: pass"])
        try:
            beside = seconds(options.whole)
        finally:
            busy.kill()
        print(
            f"beside a busy process {beside / 60:.1f} minutes, {beside / idle:.2f} x as long "
            f"(claim: at most 1.3)"
        )


def seconds(is_whole: bool) -> float:
    """Make the grid, or a part of it; return the seconds that all of it takes."""
    from bias_inherit.runs.grid import read_grid
    from bias_inherit.runs.plan import make_plan

    preset = read_grid("lab")
    total = len(make_plan(preset).arms) + 1
    written: dict[str, Any] = preset.model_dump(mode="json", exclude_defaults=True)
    if not is_whole:
        (block,) = written["grid"]
        block |= {"bias_types": ["contextual-single-implicit"], "ratios": [0, "20%"]}
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        (work / "grid.yaml").write_text(yaml.safe_dump(written))
        took, _ = spent([BIN / "bias-inherit", "sweep", "grid.yaml", "--out", "run"], work)
        records = sorted((work / "run/arms").glob("*/stages.json"), key=lambda f: f.stat().st_mtime)
        each = [json.loads(file.read_text())["stages"]["eval"]["seconds"] for file in records]
    print(f"{len(each)} of {total} models in {took.wall:.0f} s; scoring one: {mean(each):.1f} s")
    if is_whole:
        third = len(each) // 3
        growth = mean(each[-third:]) / mean(each[:third]) - 1
        print(f"from the first to the last third {growth:+.1%} (claim: at most +5 %)", flush=True)
    return took.wall * total / len(each)


if __name__ == "__main__":
    main()
