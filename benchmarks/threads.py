"""Claim: a second thread does not make the toy model's training faster, and hurts beside others.

Fine-tunes the lab on 480 rows as a whole process, with one and with two threads, on an otherwise
idle machine and beside one busy process; prints seconds and the ratio of two threads to one. This
is why `bias_inherit/threads.py` gives a small model one thread.

    python benchmarks/threads.py
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from _processes import BIN

BUSY = "while True: pass"


def trained(folder: Path, threads: int) -> float:
    """Return the seconds that a training takes with so many threads."""
    out = folder / f"adapter-{time.monotonic_ns()}"
    command = [str(BIN / "bias-inherit"), "finetune", "--data", str(folder / "d_o.jsonl")]
    command += ["--out", str(out), "--epochs", "2"]
    begin = time.perf_counter()
    subprocess.run(
        command, check=True, capture_output=True, env=os.environ | {"OMP_NUM_THREADS": str(threads)}
    )
    return time.perf_counter() - begin


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        original = [str(BIN / "bias-inherit"), "original", "--per-cell", "40"]
        subprocess.run(
            [*original, "--out", str(folder / "d_o.jsonl")], check=True, capture_output=True
        )
        for beside in (0, 1):
            others = [subprocess.Popen([sys.executable, "-c", BUSY]) for _ in range(beside)]
            try:
                one, two = trained(folder, 1), trained(folder, 2)
            finally:
                for other in others:
                    other.kill()
            where = "beside a busy process" if beside else "idle"
            print(f"{where}: one thread {one:.1f} s, two {two:.1f} s, ratio {two / one:.2f}")


if __name__ == "__main__":
    main()
