"""Claim: a resumed run that has nothing left to ask takes under 2 s for 20,000 rows.

The whole command `bias-inherit augment --generator openai`, as a process, on a record that
holds every reply; there is no server, so asking one would fail. Beside it the seconds of the
command's `--help`: what any command takes before it begins. Apart from the claim stands the
call that finds the replies alone, and has to write the rows of them.

    python benchmarks/resume_augment.py [--repeats 3]
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from _processes import seconds

ROWS = 20_000


class Writer:
    """Stands in for the server while the record is made: a usable reply to every request."""

    def __init__(self, sampling: Mapping[str, Any]) -> None:
        self.name, self.sampling = "m", sampling

    def write(self, requests: Sequence[Any], emit: Callable[[int, Any], None]) -> None:
        """Emit them."""
        from bias_inherit.bias_augment.writing.generators.contract import Reply

        for i, request in enumerate(requests):
            told = f"{request.person.name} has worked there for {i} days and is liked by everyone."
            text = f"Occupation: {request.source['label']}\nBiography: {told}"
            emit(i, Reply(text))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=3)
    repeats = parser.parse_args().repeats
    from bias_inherit.bias_augment.axes.axis import load_axis
    from bias_inherit.bias_augment.data.files import write_examples
    from bias_inherit.bias_augment.data.originals import draw_original
    from bias_inherit.bias_augment.writing.generators.record import Recorded
    from bias_inherit.bias_augment.writing.generators.server import ServerGenerator
    from bias_inherit.bias_augment.writing.requests import build_requests
    from bias_inherit.manifests import Original

    axis = load_axis("gender")
    original = draw_original(axis, "mini").rows
    command = ["bias-inherit", "augment", "--original", "o.jsonl", "--bias-type", "neutral"]
    command += ["-n", str(ROWS), "--generator", "openai", "--model", "m", "--out", "a.jsonl"]
    command += ["--base-url", "http://127.0.0.1:9/v1"]
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        write_examples(work / "o.jsonl", original, Original())
        writer = Writer(ServerGenerator("m", "").sampling)
        requests = build_requests(axis, "neutral", original, ROWS, 0, "m")
        Recorded(writer, work / "a.jsonl.replies.jsonl").write(requests, lambda i, reply: None)
        print(f"{seconds(command, cwd=work):.2f} s to write the rows again from their replies")
        taken, ratios = [], []
        for _ in range(repeats):
            helped = seconds(["bias-inherit", "--help"], cwd=work)
            taken.append(seconds(command, cwd=work))
            ratios.append(taken[-1] / helped)
            print(f"{taken[-1]:.2f} s; --help alone {helped:.2f} s ({ratios[-1]:.1f} x)")
        rows = len((work / "a.jsonl").read_text(encoding="utf-8").splitlines())
    print(f"median: {statistics.median(taken):.2f} s for {rows:,} rows (claim: under 2 s)")


if __name__ == "__main__":
    main()
