"""Claim: all ten tasks on the mini data with the lab's model take at most 25 s after imports.

Times `bias-inherit score` on the base alone, whole process, minus a process that does the same
imports, against a plain `lm_eval` run of the same tasks. Prints seconds and the ratio.

    python benchmarks/score_ten.py [--repeats 1]
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from pathlib import Path

from _processes import output, seconds

IMPORTS = (
    "import torch, transformers, datasets, lm_eval, bias_inherit.cli, bias_inherit.harness.score\n"
    "from lm_eval import simple_evaluate\n"
    "from lm_eval.models.huggingface import HFLM"
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=1)
    repeats = parser.parse_args().repeats
    base, tasks = output("bias-inherit", "lab"), output("bias-inherit", "tasks")
    plain = ["lm_eval", "--model", "hf", "--model_args", f"pretrained={base}"]
    plain += ["--include_path", tasks, "--tasks", "bias_inherit_*", "--batch_size", "16"]
    after, ratios = [], []
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        for i in range(repeats):
            imports = seconds([Path(sys.executable).name, "-c", IMPORTS], cwd=work)
            ours = seconds(["bias-inherit", "score", "--out", f"s{i}"], cwd=work)
            theirs = seconds(plain, cwd=work)
            after.append(ours - imports)
            ratios.append(theirs / ours)
            print(
                f"run {i + 1}: score {ours:.1f} s, of that imports {imports:.1f} s; "
                f"lm_eval {theirs:.1f} s"
            )
    print(f"median: {statistics.median(after):.1f} s after imports (claimed: at most 25)")
    print(f"median: lm_eval takes {statistics.median(ratios):.2f} x as long")


if __name__ == "__main__":
    main()
