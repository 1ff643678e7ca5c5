"""Claim: scoring several adapters in one process beats one lm_eval run for each.

Trains two tiny adapters, then times `bias-inherit score` on base and adapters against a plain
`lm_eval` run for each of the three, whole processes, in turn. Prints the ratio.

    python benchmarks/score_many.py [--repeats 3]
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from pathlib import Path

from _processes import output, seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=3)
    repeats = parser.parse_args().repeats
    base, tasks = output("bias-inherit", "lab"), output("bias-inherit", "tasks")
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        own = ["bias-inherit"]
        seconds([*own, "original", "--per-cell", "2", "--out", "o.jsonl"], cwd=work)
        for seed in ("0", "1"):
            mix = ["--data", "o.jsonl", "--epochs", "1", "--seed", seed, "--out", f"a{seed}"]
            seconds([*own, "finetune", *mix], cwd=work)
        models = [base, f"{base},peft=a0", f"{base},peft=a1"]
        shared = ["--include_path", tasks, "--tasks", "bias_inherit_*", "--batch_size", "16"]
        plain = [
            ["lm_eval", "--model", "hf", "--model_args", f"pretrained={m}", *shared] for m in models
        ]
        ratios = []
        for i in range(repeats):
            ours = seconds([*own, "score", "a0", "a1", "--out", "scores"], cwd=work)
            theirs = seconds(*plain, cwd=work)
            ratios.append(theirs / ours)
            print(f"run {i + 1}: score {ours:.1f} s, lm_eval {theirs:.1f} s, {ratios[-1]:.2f} x")
    print(f"median: one process is {statistics.median(ratios):.2f} x as fast for 3 models")


if __name__ == "__main__":
    main()
