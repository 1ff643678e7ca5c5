"""Claim: a base and 12 adapters take at most a sixth of the time of a plain lm_eval command each.

And at most 25 % of one process's time goes elsewhere than into forward passes and writing. Trains
two tiny adapters on the lab's model, makes ten more of the first by noise, and scores all of them
and the base on the ten tasks (mini data) with one `bias-inherit score`, which takes as many
processes as there are cores; then once more in one process, whose share is told. Plain `lm_eval`
commands are timed before and after, and their mean is taken for each model.

    python benchmarks/score_many.py [--adapters 12] [--repeats 1] [--plain 2]
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from _processes import BIN, Spent, output, seconds, spent

OWN = "bias-inherit"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--adapters", type=int, default=12)
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--plain", type=int, default=2, help="plain commands timed in a run")
    parser.add_argument("--score", nargs="*", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.score is not None:
        tell_share(options.score)
        return

    ratios, shares = [], []
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        names = adapters(work, options.adapters)
        models = len(names) + 1
        for i in range(options.repeats):
            before = [plain(work, names[0]) for _ in range((options.plain + 1) // 2)]
            ours, _ = spent([BIN / OWN, "score", *names, "--out", f"scores{i}"], cwd=work)
            after = [plain(work, names[-1]) for _ in range(options.plain // 2)]
            each = [one.wall for one in before + after]
            ratios.append(models * statistics.mean(each) / ours.wall)
            script = [sys.executable, Path(__file__).resolve(), "--score", *names]
            alone, told = spent(script, cwd=work)
            shares.append(json.loads(told.splitlines()[-1]))
            print(
                f"run {i + 1}: score {ours.wall:.0f} s ({ours.cpu:.0f} s of CPU time) for {models} "
                f"models, lm_eval {', '.join(f'{one:.0f}' for one in each)} s for one; "
                f"{ratios[-1]:.2f} x; in one process {alone.wall:.0f} s, {shares[-1]:.0%} outside "
                "passes and writing"
            )
    print(f"median: {statistics.median(ratios):.2f} x as fast (claim: at least 6)")
    print(f"median: {statistics.median(shares):.0%} outside (claim: at most 25 %)")


def adapters(work: Path, many: int) -> list[str]:
    """Return the names of adapter folders: two that were trained, and others of the first."""
    import torch
    from safetensors.torch import load_file, save_file

    seconds([OWN, "original", "--per-cell", "2", "--out", "o.jsonl"], cwd=work)
    for i in range(min(many, 2)):
        mix = ["--data", "o.jsonl", "--epochs", "1", "--seed", str(i), "--out", f"a{i}"]
        seconds([OWN, "finetune", *mix], cwd=work)
    for i in range(2, many):
        folder = work / f"a{i}"
        shutil.copytree(work / "a0", folder)
        (folder / "bias_inherit.json").unlink()  # which says other weights
        file = folder / "adapter_model.safetensors"
        torch.manual_seed(i)
        save_file({k: v + 0.02 * torch.randn_like(v) for k, v in load_file(file).items()}, file)
    return [f"a{i}" for i in range(many)]


def plain(work: Path, adapter: str) -> Spent:
    base, tasks = output(OWN, "lab"), output(OWN, "tasks")
    command = [
        BIN / "lm_eval",
        "--model",
        "hf",
        "--model_args",
        f"pretrained={base},peft={adapter}",
    ]
    command += ["--include_path", tasks, "--tasks", "bias_inherit_*", "--batch_size", "16"]
    command += ["--output_path", "plain", "--log_samples"]
    return spent(command, cwd=work)[0]


def tell_share(names: list[str]) -> None:
    """Score, and print which share of the time was spent outside passes and writing."""
    begin = time.perf_counter()
    from bias_inherit.cli import main as score
    from bias_inherit.harness import lm
    from bias_inherit.past import Past

    inside, depth = [0.0], [0]

    def timed(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **named: Any) -> Any:
            started = time.perf_counter()
            depth[0] += 1
            try:
                return function(*args, **named)
            finally:
                depth[0] -= 1
                if not depth[0]:
                    inside[0] += time.perf_counter() - started

        return call

    Past.read = timed(Past.read)  # type: ignore[method-assign]  # timed from outside
    lm.write_side_by_side = timed(lm.write_side_by_side)
    sys.argv = [OWN, "score", *names, "--out", "scores", "--workers", "1"]
    try:
        score()
    except SystemExit as ended:
        if ended.code:
            raise
    print(1 - inside[0] / (time.perf_counter() - begin))


if __name__ == "__main__":
    main()
