"""Does bias inheritance show in the lab, and what do the mitigations change?

A toy world, whose effects were put in by hand: this shows what the suite can see, and says
nothing about real models. For every seed the arms of `ARMS` are trained and scored; a run
folder that holds a seed's report already is read again. The table gives, over the seeds, the
mean change from the same seed's ratio 0 of a task's gap and of its score, with a 95 % t
interval over the seeds: it covers the draw of the mix and the training, not the choice of test
documents, which is the same for all seeds. No correction is made for the number of rows.

    python examples/lab_inheritance.py --seeds 0 1 2 --out runs/lab
"""

from __future__ import annotations

import argparse
import statistics
import sys
from fractions import Fraction
from pathlib import Path

from scipy.stats import t as student

EXPLICIT, IMPLICIT, NEUTRAL = "contrastive-single-explicit", "contextual-single-implicit", "neutral"
RATIOS = (Fraction(1, 10), Fraction(1, 5), Fraction(1, 2))
MITIGATIONS = ("token", "mask", "loss:lambda=1", "reweight", "counterfactual")
ARMS = [
    (EXPLICIT, Fraction(0), "none"),
    *((bias, ratio, "none") for bias in (EXPLICIT, IMPLICIT, NEUTRAL) for ratio in RATIOS),
    *((EXPLICIT, Fraction(1, 2), name) for name in MITIGATIONS),
]
TASKS = ("bias_inherit_occupation", "bias_inherit_salary", "bias_inherit_hiring")
PER_CELL = 60


def run_seed(seed: int, out: Path) -> None:
    """Train and score all arms of a seed into `out`."""
    from bias_inherit.bias_augment.generators.template import TemplateGenerator
    from bias_inherit.bias_augment.lab import SETTINGS, lab_model
    from bias_inherit.experiment import Arm, Experiment, run
    from bias_inherit.score import Options

    experiment = Experiment(
        base=str(lab_model()),
        arms=[Arm("gender", bias, ratio, name, seed) for bias, ratio, name in ARMS],
        per_cell=PER_CELL,
        settings=SETTINGS,
        options=Options(tasks=TASKS, batch_size=64, progress=False),
    )
    run(experiment, TemplateGenerator(), out, lambda line: print(line, file=sys.stderr))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--out", type=Path, default=Path("runs/lab"))
    arguments = parser.parse_args()
    rows: dict[tuple[str, str], list[tuple[float | None, float | None]]] = {}
    for seed in arguments.seeds:
        folder = arguments.out / f"s{seed}"
        if not (folder / "report" / "leaderboard.json").is_file():
            run_seed(seed, folder)
        for key, change in changes(folder).items():
            rows.setdefault(key, []).append(change)
    print("| task | arm | change of gap [95 % over seeds] | change of score [95 % over seeds] |")
    print("|---|---|---|---|")
    for (task, arm), found in sorted(rows.items()):
        cells = [interval([c[i] for c in found]) for i in (0, 1)]
        print(f"| {task.removeprefix('bias_inherit_')} | {arm} | {cells[0]} | {cells[1]} |")


def changes(folder: Path) -> dict[tuple[str, str], tuple[float | None, float | None]]:
    """Return (change of gap, change of score) from ratio 0, by task and arm without its seed."""
    from bias_inherit.reports.results import read_runs

    runs = [run for run in read_runs([folder / "arms"]) if run.arm is not None]
    baseline = next(run for run in runs if run.ratio == 0)
    found = {}
    for run in runs:
        if run is baseline:
            continue
        for task, result in run.tasks.items():
            before = baseline.tasks[task]
            names = (gap_of(task, result.headline), result.headline["score"])
            pairs = [(result.metrics.get(name), before.metrics.get(name)) for name in names]
            values = [None if None in pair else pair[0] - pair[1] for pair in pairs]  # type: ignore[operator]
            arm = run.name.rpartition(".")[0].removeprefix("gender.")
            found[task, arm] = (values[0], values[1])
    return found


def gap_of(task: str, headline: object) -> str:
    """Return the metric of the gap between men and women; hiring's headline is of cultures."""
    return "select_gender_gap" if task.endswith("hiring") else str(headline["gap"])  # type: ignore[index]


def interval(values: list[float | None]) -> str:
    """Return mean and 95 % t interval of the values that there are."""
    known = [value for value in values if value is not None]
    if len(known) < 2:
        return "no data" if not known else f"{known[0]:+.4g} (1 seed)"
    half = student.ppf(0.975, len(known) - 1) * statistics.stdev(known) / len(known) ** 0.5
    mean = statistics.mean(known)
    few = "" if len(known) == len(values) else f" ({len(known)} of {len(values)} seeds)"
    return f"{mean:+.4g} [{mean - half:+.4g}, {mean + half:+.4g}]{few}"


if __name__ == "__main__":
    main()
