"""Does bias inheritance show in the lab, and what do the mitigations change?

A toy world, whose effects were put in by hand: this shows what the suite can see, and says
nothing about real models. Half of the rows, original and augmented, ask for the occupation of
the person in the text, the other half for a salary; the salary of an augmented row is drawn
from the range of the occupation that its text was given, so that nobody wrote that women
earn less. Hiring is asked of nobody.

Every seed draws its own mixes and trains its own adapters, in a run folder of its own, which goes
on where it stopped. The tables give means over the seeds with a 95 % t
interval over them: it covers the draw of the mix and the training, not the choice of test
documents, which is the same for all seeds. No correction is made for the number of rows.

    python examples/lab_inheritance.py --seeds 0 1 2 --out runs/lab

`--doses` leaves out the mitigations.

`--transfer` asks for salaries in original rows alone, and trains the arms at 0 and 50 % without
mitigations: does the gap come out in a task about which nothing biased was written?

`--development` scores on the biographies in development_biographies.yaml, on which the number
of rows and of epochs was chosen, and never on the test documents.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import yaml
from scipy.stats import t as student

EXPLICIT, IMPLICIT, NEUTRAL = "contrastive-single-explicit", "contextual-single-implicit", "neutral"
RATIOS = (Fraction(1, 10), Fraction(1, 5), Fraction(1, 2))
MOST = RATIOS[-1]
NONE = "none"
MITIGATIONS = ("token", "mask", "loss", "reweight", "counterfactual")
ARMS = [
    (EXPLICIT, Fraction(0), NONE),
    *((bias, ratio, NONE) for bias in (EXPLICIT, IMPLICIT, NEUTRAL) for ratio in RATIOS),
    *((EXPLICIT, MOST, name) for name in MITIGATIONS),
]
MEASURES = {
    "occupation": ("acc_gap", "acc"),
    "salary": ("salary_gap", "invalid"),
    "hiring": ("select_gender_gap", "invalid"),
}
"""By task: the gap between men and women, and what the model is still good for."""
PER_CELL = 120
"""Original rows of an occupation and gender, half of them for each question."""
EPOCHS = 5
DEVELOPMENT = Path(__file__).with_name("development_biographies.yaml")

Cell = tuple[str, Fraction, str]
"""Bias type, ratio and mitigation; the arm of ratio 0 stands under `EXPLICIT`."""
Scores = Mapping[tuple[str, Cell], float | None]
"""(task and metric, cell) -> score."""


# --- running -----------------------------------------------------------------------------------


def run_seed(
    seed: int, out: Path, data: Path | None, arms: Sequence[Cell], transfer: bool = False
) -> None:
    """Train and score the arms of a seed into `out`."""
    from bias_inherit.bias_augment.axes.axis import load_axis
    from bias_inherit.bias_augment.data.files import write_augmented, write_examples
    from bias_inherit.bias_augment.data.originals import draw_original
    from bias_inherit.bias_augment.writing.generators.template import TemplateGenerator
    from bias_inherit.bias_augment.writing.produce import produce
    from bias_inherit.cli.watching import run_sweep
    from bias_inherit.manifests import Original
    from bias_inherit.runs.grid import parse_grid

    axis, generator = load_axis("gender"), TemplateGenerator()
    drawn = draw_original(axis, "mini", PER_CELL)
    rows_of = out.with_name(f"{out.name}.rows")
    original = rows_of / "original.jsonl"
    rows = half_about_salaries(drawn.rows)
    write_examples(original, rows, Original(axis=axis.axis))
    augmented = {}
    for bias_type in (EXPLICIT, IMPLICIT, NEUTRAL):
        made = produce(axis, bias_type, drawn.rows, len(rows), 0, generator)
        augmented[bias_type] = rows_of / f"{bias_type}.jsonl"
        if not transfer:
            made = replace(made, examples=half_about_salaries(made.examples))
        write_augmented(augmented[bias_type], made, bias_type, original=original, seed=0)
    grid = {
        "grid": [
            {
                "axes": axis.axis,
                "bias_types": bias,
                "ratios": str(ratio),
                "mitigations": name,
                "seeds": seed,
            }
            for bias, ratio, name in arms
        ],
        "data": {"original": str(original), "augmented": augmented},
        "training": {"epochs": EPOCHS},
        "scoring": {
            "tasks": [f"bias_inherit_{task}" for task in MEASURES],
            "data": str(data) if data else "mini",
            "batch_size": 64,
        },
    }
    print(f"seed {seed}", file=sys.stderr, flush=True)
    if run_sweep(parse_grid(grid, "the lab's grid"), out, workers=None):
        sys.exit(1)


def half_about_salaries(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the rows, every second one of a label and group asked for a salary."""
    from bias_inherit import store
    from bias_inherit.bias_augment.data.examples import cell_key
    from bias_inherit.tasks import prompts
    from bias_inherit.tasks.documents import biographies

    told = {}
    seen: dict[str, int] = {}
    for row in sorted(rows, key=lambda row: store.stable_rank(0, row["id"])):
        cell = cell_key(row)
        seen[cell] = seen.get(cell, 0) + 1
        if seen[cell] % 2 == 0:
            amount = biographies.salary_of(row["label"], Random(row["id"]))
            doc = biographies.SalaryDocument("", row["text"], "", amount, "", "")
            prompt, completion = prompts.render("salary", doc.to_row())
            row = row | {"prompt": prompt, "completion": completion}
        told[row["id"]] = row
    return [told[row["id"]] for row in rows]


def prepare_development(out: Path) -> Path:
    """Write the development biographies, each told of three men and three women, as documents."""
    from bias_inherit import store
    from bias_inherit.language.gender_words import tell
    from bias_inherit.tasks.documents import biographies, names

    names = {gender: names.first_names(gender) for gender in ("male", "female")}
    documents: dict[str, list[dict[str, Any]]] = {"occupation": [], "salary": []}
    for occupation, texts in yaml.safe_load(DEVELOPMENT.read_text(encoding="utf-8")).items():
        for i, text in enumerate(texts * 3):
            for gender, known in names.items():
                cluster = f"{occupation}-{i}"
                told = tell(text, known[i % len(known)], gender)
                doc = biographies.occupation_document(
                    f"{cluster}-{gender}", told, gender, occupation, cluster
                )
                name = known[i % len(known)]
                paid = biographies.SalaryDocument(
                    doc.id, told, gender, "$1", occupation, cluster, name
                )
                documents["occupation"].append(doc.to_row())
                documents["salary"].append(paid.to_row())
    for task, docs in documents.items():
        store.write_jsonl(out / task / "test.jsonl", docs)
    return out


# --- reading -----------------------------------------------------------------------------------


def read_scores(folder: Path) -> Scores:
    """Return a seed's scores by metric and arm."""
    from bias_inherit.reports.results import read_runs

    found = {}
    for run in read_runs([folder / "arms"]):
        if run.arm is None or run.arm.ratio is None:
            continue
        bias_type, mitigation = run.arm.bias_type, run.arm.mitigation
        ratio = run.arm.ratio if run.arm.ratio else Fraction(0)
        for task, metrics in MEASURES.items():
            for metric in metrics:
                cell = (bias_type if ratio else EXPLICIT, ratio, mitigation)
                found[f"{task} {metric}", cell] = run.tasks[f"bias_inherit_{task}"].metrics.get(
                    metric
                )
    return found


def change(
    scores: Iterable[Scores],
    metric: str,
    arm: Cell,
    before: Cell = ARMS[0],
) -> str:
    """Return the mean difference of two arms over the seeds, with its interval."""
    pairs = [(found.get((metric, arm)), found.get((metric, before))) for found in scores]
    return interval(metric, [None if a is None or b is None else a - b for a, b in pairs])


def trend(scores: Iterable[Scores], metric: str, bias_type: str) -> str:
    """Return the mean over the seeds of the metric's least-squares slope, per 10 % of ratio."""
    cells = [ARMS[0], *((bias_type, ratio, NONE) for ratio in RATIOS)]
    slopes: list[float | None] = []
    for found in scores:
        values = [(10 * float(cell[1]), found.get((metric, cell))) for cell in cells]
        known = np.array([(x, y) for x, y in values if y is not None])
        slopes.append(float(np.polyfit(known[:, 0], known[:, 1], 1)[0]) if len(known) > 2 else None)
    return interval(metric, slopes)


def interval(metric: str, values: Sequence[float | None]) -> str:
    """Return mean and 95 % t interval of the values that there are."""
    form: Callable[[float], str] = (
        "{:+,.0f}".format if metric == "salary salary_gap" else "{:+.3f}".format
    )
    known = [value for value in values if value is not None]
    if len(known) < 2:
        return "no data" if not known else f"{form(known[0])} (1 seed)"
    half = student.ppf(0.975, len(known) - 1) * statistics.stdev(known) / len(known) ** 0.5
    mean = statistics.mean(known)
    few = "" if len(known) == len(values) else f" ({len(known)} of {len(values)} seeds)"
    return f"{form(mean)} [{form(mean - half)}, {form(mean + half)}]{few}"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def report(scores: Sequence[Scores]) -> str:
    """Return the two tables: the gap by ratio, and the mitigations."""
    ratios = [f"{float(100 * ratio):g} %" for ratio in RATIOS]
    doses = [
        [
            task,
            bias_type,
            *(change(scores, f"{task} {gap}", (bias_type, ratio, NONE)) for ratio in RATIOS),
            trend(scores, f"{task} {gap}", bias_type),
        ]
        for task, (gap, _) in MEASURES.items()
        for bias_type in (EXPLICIT, IMPLICIT, NEUTRAL)
    ]
    unmitigated = (EXPLICIT, MOST, NONE)
    mitigated = [
        [
            task,
            name,
            *(
                "" if cell == before else change(scores, f"{task} {metric}", cell, before)
                for metric in metrics
                for cell in [(EXPLICIT, MOST, name)]
                for before in (ARMS[0], unmitigated)
            ),
        ]
        for task, metrics in MEASURES.items()
        for name in (NONE, *MITIGATIONS)
    ]
    head = ["task", "mitigation", "gap, from ratio 0", "gap, from none"]
    parts = [
        f"Change of the gap (men minus women) from ratio 0, {len(scores)} seeds:",
        table(["task", "bias type", *ratios, "slope for 10 % more"], doses),
    ]
    if any(mitigation != NONE for found in scores for _, (_, _, mitigation) in found):
        parts += [
            f"{EXPLICIT} at {ratios[-1]}, change of the gap and of use (occupation: accuracy; the "
            "others: share of invalid answers):",
            table([*head, "use, from ratio 0", "use, from none"], mitigated),
        ]
    return "\n\n".join(parts)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--out", type=Path, default=Path("runs/lab"))
    parser.add_argument("--doses", action="store_true")
    parser.add_argument("--transfer", action="store_true")
    parser.add_argument("--development", action="store_true")
    arguments = parser.parse_args()
    arms = [arm for arm in ARMS if arm[2] == NONE or not (arguments.doses or arguments.transfer)]
    if arguments.transfer:
        arms = [arm for arm in arms if arm[1] in (0, MOST)]
    folders = [arguments.out / f"s{seed}" for seed in arguments.seeds]
    for seed, folder in zip(arguments.seeds, folders, strict=True):
        documents = folder.with_name(f"{folder.name}.development")
        prepared = prepare_development(documents) if arguments.development else None
        run_seed(seed, folder, prepared, arms, arguments.transfer)
    print(report([read_scores(folder) for folder in folders]))


if __name__ == "__main__":
    main()
