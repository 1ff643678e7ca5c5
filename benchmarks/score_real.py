"""Claim: on a real model `score` takes the ten tasks in at most two thirds of lm_eval's time.

Runs `bias-inherit score` on SmolLM2-135M-Instruct (the extra `real`), and then the plain `lm_eval`
command that it wrote down, whole processes with the same number of threads. Prints wall time, CPU
time, memory and their ratios, and what became of the numbers: the largest difference between
log-likelihoods of the same request (claim: at most 1e-4), and how many flags (is it the likeliest
answer?) and written replies differ. A reply can: where two words are equally likely to seven
digits, the order of the sums decides.

Documents are the first of each task; without a limit a run takes an hour on a core.

    pip install '.[real]'
    python benchmarks/score_real.py [--limit 16] [--repeats 1] [--chat] [--base DIR]
"""

from __future__ import annotations

import argparse
import json
import shlex
import statistics
import tempfile
from pathlib import Path
from typing import Any

from _processes import BIN, Spent, output, spent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--limit", type=int, default=16)
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--chat", action="store_true", help="through the chat template")
    parser.add_argument("--base", help="another model")
    parser.add_argument("--tasks", default="bias_inherit_*")
    options = parser.parse_args()

    base = options.base or smollm()
    words = ["--base", base, "--limit", str(options.limit), "--tasks", options.tasks]
    words += ["--apply-chat-template"] if options.chat else []
    ratios = []
    for i in range(options.repeats):
        with tempfile.TemporaryDirectory() as folder:
            work = Path(folder)
            ours, _ = spent([BIN / "bias-inherit", "score", "--out", "ours", *words], work)
            theirs, _ = spent(plain_command(work / "ours" / "base"), work)
            ratios.append(theirs.wall / ours.wall)
            print(f"run {i + 1}: score {line(ours)}; lm_eval {line(theirs)}")
            print(
                f"lm_eval takes {ratios[-1]:.2f} x as long, {theirs.cpu / ours.cpu:.2f} x the CPU "
                f"time, {theirs.memory / ours.memory:.2f} x the memory"
            )
            print(compared(work / "ours", work / "plain"))
    print(f"median: lm_eval takes {statistics.median(ratios):.2f} x as long (claim: at least 1.5)")


def smollm() -> str:
    from bias_inherit.models import resolve_model
    from bias_inherit.smollm import smollm as real_file

    return resolve_model(real_file())


def plain_command(results: Path) -> list[str]:
    """Return the command that a results folder names, with the folder of its own results."""
    written = json.loads((results / "bias_inherit.json").read_text())["command"]
    found = {
        "lm_eval": str(BIN / "lm_eval"),
        "$(bias-inherit tasks)": output("bias-inherit", "tasks"),
    }
    words = [found.get(word, word) for word in shlex.split(written)]
    return ["env", *words, "--output_path", "plain", "--log_samples"]


def line(took: Spent) -> str:
    return f"{took.wall:.0f} s ({took.cpu:.0f} s of CPU time, {took.memory / 1e9:.2f} GB)"


def compared(ours: Path, plain: Path) -> str:
    """Return what differs between the answers in two folders of samples."""
    theirs = answers(plain)
    pairs = [(answer, theirs[request]) for request, answer in answers(ours).items()]
    replies = [one != other for one, other in pairs if isinstance(one, str)]
    scored = [(one, other) for one, other in pairs if not isinstance(one, str)]
    apart = max((abs(float(one[0]) - float(other[0])) for one, other in scored), default=0.0)
    flags = sum(one[1] != other[1] for one, other in scored)
    return (
        f"{len(scored)} log-likelihoods: the largest difference is {apart:.1e} (claim: at most "
        f"1e-4), {flags} flags differ; {sum(replies)} of {len(replies)} replies differ"
    )


def answers(folder: Path) -> dict[tuple[str, int, int], Any]:
    """Return a model's answer to each request: a reply, or a log-likelihood and its flag."""
    found = {}
    for path in folder.rglob("samples_*.jsonl"):
        task = path.name.rpartition("_")[0]
        for sample in map(json.loads, path.open(encoding="utf-8")):
            for i, (answer,) in enumerate(sample["resps"]):
                found[task, sample["doc_id"], i] = answer
    return found


if __name__ == "__main__":
    main()
