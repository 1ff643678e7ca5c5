"""Claim: a mix of one million rows of about 1 KB takes at most 15 s and 1.5 GB on two cores.

Times `bias-inherit mix` at a bias ratio of 20 % on files of 800,000 original and 250,000
augmented rows (the columns of our examples), whole process, with its peak memory (RSS), against
a plain `datasets` mix of the same files: load, shuffle, select, concatenate, to_json. That one
is neither stratified nor nested and checks nothing. Both read files that were just written, so
from the page cache. Prints the ratio.

    python benchmarks/mix_million.py [--rows 1000000] [--repeats 1]
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from itertools import islice
from pathlib import Path

from _processes import BIN, seconds

PLAIN = """
import sys
from datasets import concatenate_datasets, disable_progress_bars, load_dataset
disable_progress_bars()
o, a = (load_dataset("json", data_files=f, split="train", cache_dir=sys.argv[2]) for f in "oa")
taken = a.shuffle(seed=0).select(range(int(sys.argv[1])))
concatenate_datasets([o.shuffle(seed=0), taken]).to_json("plain.jsonl", num_proc=2)
"""


def measure(command: list[str], cwd: Path) -> tuple[float, float]:
    """Run a command; return how long it took in seconds and its peak memory in GB."""
    os.sync()  # nobody pays for what another wrote
    begin = time.perf_counter()
    process = subprocess.Popen(command, cwd=cwd, stderr=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, command
    unit = 1 if sys.platform == "darwin" else 1024
    return time.perf_counter() - begin, used.ru_maxrss * unit / 1e9


def fill(path: Path, source: Path, rows: int) -> float:
    """Write so many rows, those of the source over and over with ids of their own."""
    made = [json.loads(line) for line in source.open(encoding="utf-8")]
    copies = (
        json.dumps(row | {"id": f"{row['id']}-{copy}"}, ensure_ascii=False) + "\n"
        for copy in range(-(-rows // len(made)))
        for row in made
    )
    with path.open("w", encoding="utf-8") as stream:
        stream.writelines(islice(copies, rows))
    return path.stat().st_size / rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--repeats", type=int, default=1)
    options = parser.parse_args()
    augmented = options.rows // 5
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        small = ["--original", "small.jsonl", "--out", "biased.jsonl"]
        seconds(
            ["bias-inherit", "original", "--per-cell", "30", "--out", "small.jsonl"],
            ["bias-inherit", "augment", "--bias-type", "contextual-single-explicit", *small],
            cwd=work,
        )
        size = fill(work / "o", work / "small.jsonl", options.rows - augmented)
        fill(work / "a", work / "biased.jsonl", augmented * 5 // 4)
        print(f"{options.rows:,} rows of {size:,.0f} bytes")
        mix = [str(BIN / "bias-inherit"), "mix", "--original", "o", "--augmented", "a"]
        mix += ["--ratio", "1/5", "--out", "mixed"]
        times, ratios = [], []
        for i in range(options.repeats):
            ours, memory = measure(mix, work)
            plain = [sys.executable, "-c", PLAIN, str(augmented), "cache"]
            theirs, theirs_memory = measure(plain, work)
            shutil.rmtree(work / "cache")
            times.append(ours)
            ratios.append(theirs / ours)
            print(
                f"run {i + 1}: mix {ours:.1f} s, {memory:.2f} GB; "
                f"datasets {theirs:.1f} s, {theirs_memory:.2f} GB"
            )
        print(f"median: {statistics.median(times):.1f} s (claimed: at most 15)")
        print(f"median: the plain mix takes {statistics.median(ratios):.1f} x as long")


if __name__ == "__main__":
    main()
