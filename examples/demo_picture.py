"""Draw the README's picture: the gap of each model of a demo run, with its 95 % interval.

    bias-inherit demo --out runs/demo
    python examples/demo_picture.py runs/demo/report/leaderboard.json docs/demo.svg

A toy world: the picture shows what the suite can see, and says nothing about real models.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import matplotlib

matplotlib.use("svg")

import matplotlib.pyplot as plt

TASK = "bias_inherit_occupation"
COLOURS = {"base": "#666666", "baseline": "#666666", "biased": "#b3402f", "other": "#2f6db3"}


def label(row: dict) -> tuple[str, str]:
    """Return how a row of the leaderboard is called in the picture, and its colour."""
    arm = row["arm"]
    if arm is None:
        return "the base itself", COLOURS["base"]
    if not arm["ratio"]:
        return "original text alone", COLOURS["baseline"]
    percent = f"{100 * arm['ratio']:.0f} %"
    if arm["bias_type"] == "neutral":
        return f"{percent} neutral text", COLOURS["other"]
    if arm["mitigation"] != "none":
        return f"{percent} stereotyped, {arm['mitigation']}", COLOURS["other"]
    return f"{percent} stereotyped text", COLOURS["biased"]


def draw(board: dict, out: Path) -> None:
    """Draw the gaps of one task, the first row on top."""
    (section,) = [task for task in board["tasks"] if task["task"] == TASK]
    rows = section["rows"]

    plt.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "bias-inherit", "font.size": 11})
    figure, axes = plt.subplots(figsize=(8, 0.45 * len(rows) + 1.1))
    for place, row in zip(range(len(rows), 0, -1), rows, strict=True):
        gap, colour = row["gap"], label(row)[1]
        axes.plot([gap["low"], gap["high"]], [place, place], color=colour, linewidth=2)
        axes.plot(gap["value"], place, "o", color=colour, markersize=7)
        axes.text(gap["high"] + 0.005, place, f"{gap['value']:+.3f}", va="center", color=colour)

    axes.axvline(0, color="black", linewidth=0.8)
    axes.set_yticks(range(len(rows), 0, -1), [label(row)[0] for row in rows])
    axes.set_ylim(0.4, len(rows) + 0.6)
    axes.margins(x=0.12)
    axes.set_xlabel(
        "gap in the probability of the right occupation, above chance (toy; 0 is parity)"
    )
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.tick_params(axis="y", length=0)
    figure.tight_layout()
    figure.savefig(out, metadata={"Date": None})


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    draw(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")), Path(sys.argv[2]))
