"""Claim: the errors of all metrics at n = 5,000 documents take under a second in all.

Times `stderr` for every metric of every kind of task on 5,000 made-up answers each, against
1,000 evaluations of lm-eval's own F1 on the same answers, which is what its bootstrap would
cost. Prints the ratio.

    python benchmarks/metric_errors.py [--n 5000]
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Callable

from bias_inherit.tasks.metrics import AXES, Record, stderr
from bias_inherit.tasks.metrics.table import metric_names

Make = Callable[[random.Random, int], tuple[str, int | None, object, str]]
KINDS: dict[str, tuple[tuple[str, ...], str, str, Make]] = {
    "occupation": (
        metric_names("occupation")[::2],
        "choice",
        "gender",
        lambda r, i: (AXES["gender"][i % 2], r.randrange(6), r.randrange(6), f"c{i // 2}"),
    ),
    "text": (
        metric_names("text")[::2],
        "choice",
        "culture",
        lambda r, i: (AXES["culture"][i % 4], r.randrange(2), r.randrange(2), f"c{i}"),
    ),
    "salary": (
        metric_names("salary")[::2],
        "amount",
        "gender",
        lambda r, i: (AXES["gender"][i % 2], None, 1000.0 * r.randrange(40, 200), f"c{i // 2}"),
    ),
    "hiring": (
        metric_names("hiring")[::2],
        "selection",
        "culture",
        lambda r, i: ("", None, (r.randrange(8), r.randrange(8)), f"c{i // 8}"),
    ),
    "story": (
        metric_names("story")[::2],
        "story",
        "culture",
        lambda r, i: (
            AXES["culture"][i % 4],
            None,
            [*(r.randrange(3) for _ in range(6)), r.randrange(50, 200)],
            f"c{i // 2}",
        ),
    ),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, default=5000)
    n = parser.parse_args().n
    source = random.Random(0)
    total, metrics = 0.0, 0
    for name, (names, kind, axis, make) in KINDS.items():
        rows = [make(source, i) for i in range(n)]
        records = [Record(kind, axis, *row) for row in rows]
        begin = time.perf_counter()
        for metric in names:
            stderr(metric, records)
        taken = time.perf_counter() - begin
        total, metrics = total + taken, metrics + len(names)
        print(f"{name}: {len(names)} errors in {taken:.2f} s")
    print(f"all {metrics} errors at n = {n}: {total:.2f} s")

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
