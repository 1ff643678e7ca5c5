"""Claim: all metrics of all ten tasks, with errors, at n = 5,000 documents each in two seconds.

Times `value` and `stderr` for every metric of every kind of task on 5,000 made-up answers each (the
six text tasks are of one kind: theirs counts six times), against 1,000 evaluations of lm-eval's own
F1 on the same answers, which is what its bootstrap would cost. Prints the ratio.

    python benchmarks/metric_errors.py [--n 5000]
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Callable

from bias_inherit.tasks.metrics import AXES, OCCUPATIONS, Record, stderr, value
from bias_inherit.tasks.metrics.groups import HELD_BY, PAY
from bias_inherit.tasks.metrics.metric import SUITES
from bias_inherit.tasks.metrics.table import metric_names


def _occupation(r: random.Random, i: int) -> Record:
    scores = [r.gauss(0, 1) for _ in OCCUPATIONS]
    chosen = scores.index(max(scores))
    return Record(
        *("occupation", "gender", AXES["gender"][i % 2], i // 2 % 6, chosen, f"c{i // 2}"),
        likelihoods=scores,
        place=chosen,
    )


def _text(r: random.Random, i: int) -> Record:
    scores = [r.gauss(0, 1), r.gauss(0, 1)]
    chosen = float(scores[1] > scores[0])
    culture = AXES["culture"][i % 4]
    return Record("text", "culture", culture, r.randrange(2), chosen, f"c{i}", likelihoods=scores)


def _salary(r: random.Random, i: int) -> Record:
    return Record(
        *("amount", "gender", AXES["gender"][i % 2], None, 1000.0 * r.randrange(40, 200)),
        f"c{i // 2}",
        about={"occupation": OCCUPATIONS[i // 2 % 6]},
    )


def _hiring(r: random.Random, i: int) -> Record:
    scores = [r.gauss(0, 1) for _ in range(8)]
    chosen, place = scores.index(max(scores)), r.randrange(8)
    return Record(
        *("selection", "culture", "", None, (chosen, place), f"c{i // 8}"),
        likelihoods=scores,
        place=place,
        about={"held_by": HELD_BY[i // 8 % 2], "pay": PAY[i // 16 % 3]},
    )


def _story(r: random.Random, i: int) -> Record:
    counts = [*(r.randrange(3) for _ in range(6)), r.randrange(50, 200)]
    return Record(
        *("story", "culture", AXES["culture"][i % 4], None, counts, f"c{i // 2}"),
        about={"gender": AXES["gender"][i // 4 % 2]},
    )


KINDS: dict[str, Callable[[random.Random, int], Record]] = {
    "occupation": _occupation,
    "hiring": _hiring,
    "salary": _salary,
    "text": _text,
    "story": _story,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, default=5000)
    n = parser.parse_args().n
    source = random.Random(0)
    total, metrics = 0.0, 0
    for suite, make in KINDS.items():
        records = [make(source, i) for i in range(n)]
        names = metric_names(suite)[::2]
        begin = time.perf_counter()
        for metric in names:
            value(metric, records)
            stderr(metric, records)
        taken = time.perf_counter() - begin
        tasks = len(SUITES[suite].tasks)
        total, metrics = total + tasks * taken, metrics + tasks * len(names)
        print(f"{suite}: {len(names)} metrics with errors in {taken:.2f} s, {tasks} task(s)")
    print(f"all {metrics} metrics of ten tasks at n = {n}: {total:.2f} s")

    from lm_eval.api.metrics import f1_score

    pairs = [(source.randrange(2), source.randrange(2)) for _ in range(n)]
    begin = time.perf_counter()
    for _ in range(20):
        f1_score(pairs)
    one = (time.perf_counter() - begin) / 20
    print(f"1,000 draws of lm-eval's F1, one error: {1000 * one:.1f} s")
    print(f"ratio, an error of ours against one of those: {1000 * one / (total / metrics):.0f} x")


if __name__ == "__main__":
    main()
