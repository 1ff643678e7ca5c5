"""Claim: 95 % intervals of every kind of metric cover the truth in about 95 % of simulated models.

Models are simulated: each answers documents drawn anew, in the clusters that the task has (pairs,
panels of eight orders, names with two stories), of known skill and bias. Counted is how often the
interval that the reports show (`reports/estimates.py`) covers the truth: the metric of a sample of
400,000 documents, and for measures above 0 by chance (`…_excess`) and changes the mean over the
simulated models, which is what they estimate at this number of documents. Prints a Markdown table
(docs/COVERAGE.md).

    python benchmarks/coverage.py [--models 200] [--kinds occupation text …]
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from bias_inherit.reports.estimates import interval
from bias_inherit.tasks.metrics import AXES, OCCUPATIONS, Record, paired_change, stderr, value
from bias_inherit.tasks.metrics.groups import HELD_BY, PAY
from bias_inherit.tasks.metrics.scores import EXCESS

Draw = Callable[[np.random.Generator, int, float], list[Record]]
"""(generator, clusters, strength of the bias) -> the answers of one model."""


def occupation(random: np.random.Generator, pairs: int, bias: float) -> list[Record]:
    """Biographies told of both genders: a shared difficulty, and a pull to nurse for women."""
    records = []
    nurse = OCCUPATIONS.index("nurse")
    for i in range(pairs):
        gold = i % len(OCCUPATIONS)
        base = random.normal(0, 1, len(OCCUPATIONS))
        base[gold] += random.normal(2, 1)
        for gender in AXES["gender"]:
            scores = base + random.normal(0, 0.4, len(base))
            scores[nurse] += bias if gender == "female" else -bias
            chosen = int(scores.argmax())
            records.append(
                Record(
                    *("occupation", "gender", gender, gold, chosen, f"c{i}"),
                    likelihoods=scores.tolist(),
                    place=chosen,
                )
            )
    return records


def text(random: np.random.Generator, n: int, bias: float) -> list[Record]:
    """Texts of four cultures, half of them positive; the first culture is flagged more."""
    records = []
    for i in range(n):
        culture = i % 4
        gold = i // 4 % 2
        margin = random.normal((2 * gold - 1) * 0.9 + (bias if culture == 0 else 0.0), 1)
        records.append(
            Record(
                *("text", "culture", AXES["culture"][culture], gold, float(margin > 0), f"c{i}"),
                likelihoods=[0.0, float(margin)],
            )
        )
    return records


def hiring(random: np.random.Generator, panels: int, bias: float) -> list[Record]:
    """Panels in eight orders: a taste of the panel, and men preferred for men's jobs."""
    records = []
    for i in range(panels):
        about = {"held_by": HELD_BY[i % 2], "pay": PAY[i // 2 % 3]}
        taste = random.normal(0, 0.7, 8)
        taste[::2] += bias if about["held_by"] == "men" else -bias
        for _ in range(8):
            scores = taste + random.gumbel(0, 1, 8)
            chosen, place = int(scores.argmax()), int(random.integers(8))
            records.append(
                Record(
                    *("selection", "culture", "", None, (chosen, place), f"c{i}"),
                    likelihoods=taste.tolist(),
                    place=place,
                    about=about,
                )
            )
    return records


def salary(random: np.random.Generator, pairs: int, bias: float) -> list[Record]:
    """Pairs of amounts: a level of the biography, and more for men in every second occupation."""
    records = []
    for i in range(pairs):
        occupation = i % len(OCCUPATIONS)
        level = random.normal(11.3, 0.3)
        for gender in AXES["gender"]:
            log = level + random.normal(0, 0.1)
            if gender == "male" and occupation % 2:
                log += bias / 4
            records.append(
                Record(
                    *("amount", "gender", gender, None, math.exp(log), f"c{i}"),
                    about={"occupation": OCCUPATIONS[occupation]},
                )
            )
    return records


def offers(random: np.random.Generator, sets: int, bias: float) -> list[Record]:
    """Sets of eight people in one occupation: a level of the set, and less for the first group."""
    records = []
    for i in range(sets):
        level = random.normal(11.3, 0.3)
        for k, group in enumerate(AXES["race"]):
            for gender in AXES["gender"]:
                log = level + random.normal(0, 0.15) - (bias / 6 if k == 0 else 0.0)
                records.append(
                    Record(
                        *("offers", "race", group, None, math.exp(log), f"c{i}"),
                        about={"gender": gender, "occupation": OCCUPATIONS[i % 6]},
                    )
                )
    return records


def story(random: np.random.Generator, names: int, bias: float) -> list[Record]:
    """Two stories a name: the name leans to one end, and men of the first culture lower."""
    records = []
    for i in range(names):
        culture, gender = i % 4, i // 4 % 2
        low = 0.4 + (0.15 * bias if (culture, gender) == (0, 0) else 0.0)
        lean = float(np.clip(random.normal(low, 0.12), 0.02, 0.98))
        for _ in range(2):
            many = int(random.poisson(4))
            below = int(random.binomial(many, lean))
            counts = [below, many - below, 0, 0, 0, 0, 120]
            records.append(
                Record(
                    *("story", "culture", AXES["culture"][culture], None, counts, f"c{i}"),
                    about={"gender": AXES["gender"][gender]},
                )
            )
    return records


@dataclass(frozen=True)
class Kind:
    """A kind of task: how its models are drawn, its clusters, and the metrics that are tried.

    Attributes:
        draw: makes the answers of one model.
        sizes: clusters of the mini data, and of about a thousand documents.
        metrics: names, with the ends of their scale (None has none).
    """

    draw: Draw
    sizes: tuple[int, int]
    metrics: dict[str, tuple[float, float] | None]


SHARE, GAP = (0.0, 1.0), (-1.0, 1.0)
KINDS: dict[str, Kind] = {
    "occupation": Kind(
        occupation,
        (120, 498),
        {
            "acc": SHARE,
            "acc_gap": GAP,
            "macro_f1": SHARE,
            "tpr_gap_nurse": GAP,
            "tpr_gap_rms_excess": GAP,
            "soft_tpr_gap_rms_excess": GAP,
            "stereotype": GAP,
            "shift": GAP,
        },
    ),
    "text": Kind(
        text,
        (240, 1000),
        {
            "macro_f1": SHARE,
            "macro_f1_gap_excess": GAP,
            "macro_f1_matched": SHARE,
            "tpr_arabic": SHARE,
            "fpr_gap": SHARE,
            "equalized_odds_gap_excess": GAP,
            "auroc": SHARE,
            "auroc_arabic": SHARE,
        },
    ),
    "hiring": Kind(
        hiring,
        (24, 126),
        {
            "select_male": SHARE,
            "select_gender_gap": GAP,
            "stereotype": GAP,
            "soft_stereotype": GAP,
            "four_fifths_gender": SHARE,
            "selection_bias_excess": GAP,
        },
    ),
    "salary": Kind(
        salary,
        (60, 498),
        {"salary": None, "salary_gap": None, "log_gap": None, "log_gap_rms_excess": None},
    ),
    "offers": Kind(
        offers,
        (48, 126),
        {
            "salary": None,
            "log_ratio_white": None,
            "log_ratio_white_female": None,
            "log_ratio_rms_excess": None,
        },
    ),
    "story": Kind(
        story,
        (192, 500),
        {
            "negative_ratio": SHARE,
            "negative_gender_gap": GAP,
            "negative_cell_gap_excess": GAP,
        },
    ),
}
LARGE = {"occupation": 200_000, "text": 400_000, "hiring": 50_000, "salary": 200_000}
LARGE |= {"offers": 30_000, "story": 200_000}
BIASES = (0.0, 0.6)


def truths(kind: Kind, large: int, bias: float) -> dict[str, float]:
    """Return each metric of one large sample; a range has no excess to speak of there."""
    records = kind.draw(np.random.default_rng(1), large, bias)
    return {name: value(name, records) or 0.0 for name in kind.metrics if EXCESS not in name}


def behind(metric: str, records: Sequence[Record]) -> int:
    """Return how many documents a metric is over, of the smallest group."""
    if metric == "tpr_arabic":
        return sum(r.gold == 1 and r.group == "arabic" for r in records)
    return len(records) // (4 if records[0].family == "text" and metric != "macro_f1" else 2)


def covered(found: Sequence[tuple[float, float, float]], truth: float) -> float:
    """Return the share of (value, low, high) whose interval holds the truth, in per cent."""
    return 100 * float(np.mean([low <= truth <= high for _, low, high in found]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=int, default=200)
    parser.add_argument("--kinds", nargs="*", default=list(KINDS), choices=list(KINDS))
    parser.add_argument("--large", type=int, default=1, help="divide the large samples by this")
    given = parser.parse_args()

    print(f"Coverage in per cent of 95 % intervals, {given.models} simulated models a cell.\n")
    print("| kind | metric | clusters | fair | biased | change between two models |")
    print("|---|---|---|---|---|---|")
    for name in given.kinds:
        kind = KINDS[name]
        known = {bias: truths(kind, LARGE[name] // given.large, bias) for bias in BIASES}
        for clusters in kind.sizes:
            table: dict[str, list[str]] = {metric: [] for metric in kind.metrics}
            changes: dict[str, list[tuple[float, float, float]]] = {m: [] for m in kind.metrics}
            for bias in BIASES:
                seen: dict[str, list[tuple[float, float, float]]] = {m: [] for m in kind.metrics}
                for seed in range(given.models):
                    records = kind.draw(np.random.default_rng((seed, 7)), clusters, bias)
                    for metric, ends in kind.metrics.items():
                        error = stderr(metric, records)
                        estimate = interval(
                            value(metric, records),
                            None if error == "N/A" else error,
                            behind(metric, records),
                            ends,
                        )
                        if estimate.value is not None and estimate.low is not None:
                            seen[metric].append((estimate.value, estimate.low, estimate.high or 0))
                    if bias:
                        _changes(kind, records, clusters, seed, changes)
                for metric, found in seen.items():
                    mean = float(np.mean([one for one, _, _ in found]))
                    truth = mean if EXCESS in metric else known[bias][metric]
                    table[metric].append(f"{covered(found, truth):.1f}")
            for metric, cells in table.items():
                change = "no data"
                if changes[metric]:
                    mean = float(np.mean([one for one, _, _ in changes[metric]]))
                    change = f"{covered(changes[metric], mean):.1f}"
                row = " | ".join([name, f"`{metric}`", str(clusters), *cells, change])
                print(f"| {row} |", flush=True)


def _changes(
    kind: Kind,
    records: list[Record],
    clusters: int,
    seed: int,
    changes: dict[str, list[tuple[float, float, float]]],
) -> None:
    """Add the change of each metric from a fair model that answers the same documents."""
    before = kind.draw(np.random.default_rng((seed, 7)), clusters, 0.0)
    for metric, ends in kind.metrics.items():
        found, error = paired_change(metric, records, before)
        widest = None if ends is None else (ends[0] - ends[1], ends[1] - ends[0])
        estimate = interval(found, error, behind(metric, records), widest)
        if estimate.value is not None and estimate.low is not None:
            changes[metric].append((estimate.value, estimate.low, estimate.high or 0))


if __name__ == "__main__":
    main()
