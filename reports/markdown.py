"""The leaderboard as Markdown and as JSON."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bias_inherit import manifests, store
from bias_inherit.reports.estimates import Estimate
from bias_inherit.reports.leaderboard import FEW, Row, Section

MANY_GROUPS = 8
"""Of more groups than this, those without data are not listed."""

CHANGE = "change from baseline [95 % CI]"


def to_json(sections: Sequence[Section]) -> dict[str, Any]:
    """Return the leaderboard as plain values, with a schema version."""
    tasks = [asdict(section) for section in sections]
    for section, task in zip(sections, tasks, strict=True):
        for row, told in zip(section.rows, task["rows"], strict=True):
            told["arm"] = None if row.arm is None else row.arm.to_json()
    return {"schema": manifests.SCHEMA, "kind": "leaderboard", "tasks": tasks}


def to_markdown(sections: Sequence[Section]) -> str:
    """Return the leaderboard as Markdown: one table per task, and one per kind of spill-over."""
    parts = [_markdown(section) for section in sections if section.spill_over is None]
    kinds = {section.spill_over: None for section in sections if section.spill_over is not None}
    for kind in kinds:
        parts.append(_spill_over(kind, [one for one in sections if one.spill_over == kind]))
    return "\n\n".join(parts) + "\n"


def write_report(folder: Path, sections: Sequence[Section]) -> None:
    """Write the leaderboard as Markdown and JSON."""
    store.write_text(folder / "leaderboard.md", to_markdown(sections))
    store.write_json(folder / "leaderboard.json", to_json(sections))


def _markdown(section: Section) -> str:
    header = ["model", "ratio", f"{section.score} [95 % CI]", CHANGE]
    if section.gap:
        header += [f"{section.gap} [95 % CI]", CHANGE]
    lines = [_cells(row, section) for row in section.rows]

    notes = [f"{section.gap}: {section.reads}."] if section.gap and section.reads else []
    for name, show in _NOTES:
        shown = [show(row) for row in section.rows]
        if len(set(shown)) > 1:
            header.append(name)
            lines = [[*line, cell] for line, cell in zip(lines, shown, strict=True)]
        elif shown[0]:
            notes.append(f"{name}: {shown[0]}.")
    title = f"### {section.title}\n" + (f"\n{' '.join(notes)}\n" if notes else "")
    return "\n".join([title, table(header, lines)])


def _spill_over(kind: str, sections: Sequence[Section]) -> str:
    """Return the tasks about a kind of spill-over as columns of one table."""
    header = ["model", "ratio"]
    for section in sections:
        header += [f"{section.task}: {section.score} [95 % CI]", CHANGE]
    models: dict[str, dict[str, list[str]]] = {}
    for section in sections:
        for row in section.rows:
            name, ratio, *cells = _cells(row, section)
            models.setdefault(name, {"": [name, ratio]})[section.task] = cells
    lines = [
        [*cells[""], *(cell for one in sections for cell in cells.get(one.task, ["", ""]))]
        for cells in models.values()
    ]
    return f"### Spill-over: {kind}\n\n{table(header, lines)}"


def table(header: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table whose columns are even."""
    widths = [max(len(line[i]) for line in [header, *lines]) for i in range(len(header))]

    def join(cells: Sequence[str]) -> str:
        return "| " + " | ".join(c.ljust(w) for c, w in zip(cells, widths, strict=True)) + " |"

    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join([join(header), rule, *map(join, lines)])


def _show_n(row: Row) -> str:
    if row.n is None:
        return "unknown"
    known = {name: n for name, n in row.groups.items() if n or len(row.groups) <= MANY_GROUPS}
    groups = ", ".join(f"{name} {n}" for name, n in known.items())
    return f"{row.n} ({groups})" if groups else str(row.n)


def _show_few(row: Row) -> str:
    return ", ".join(f"{name} {n}" for name, n in row.few_positives.items())


def _show_invalid(row: Row) -> str:
    return "" if row.invalid is None else f"{100 * row.invalid:.1f} %"


_NOTES: Sequence[tuple[str, Callable[[Row], str]]] = (
    ("n", _show_n),
    (f"fewer than {FEW} positives", _show_few),
    ("invalid answers", _show_invalid),
)


def _cells(row: Row, section: Section) -> list[str]:
    ratio = "" if row.arm is None else f"{float(100 * (row.arm.ratio or 0)):g} %"
    cells = [row.model.replace("|", "\\|"), ratio, show(row.score, section.unit)]
    cells.append(_show_change(row, row.score_change, section.unit))
    if section.gap:
        few = ", too few" if row.gap_n is not None and row.gap_n < FEW else ""
        behind = "" if row.gap_n is None else f" ({row.gap_n} {section.gap_n}{few})"
        cells.append(show(row.gap, section.gap_unit, signed=True) + behind)
        cells.append(_show_change(row, row.change, section.gap_unit))
    return cells


def _show_change(row: Row, change: Estimate | None, unit: str | None) -> str:
    if row.not_compared is not None:
        return f"not compared: {row.not_compared}"
    if change is None:
        return "baseline" if row.baseline == row.model else ""
    return show(change, unit, signed=True) + (" (unpaired)" if row.paired is False else "")


def show(estimate: Estimate | None, unit: str | None, signed: bool = False) -> str:
    """Return a value with its interval, as a cell.

    Args:
        estimate: None, or without a value, is "no data".
        unit: of an amount.
        signed: whether a value above 0 has a plus sign.
    """
    if estimate is None or estimate.value is None:
        return "no data"

    def number(value: float) -> str:
        sign = "+" if signed else ""
        return f"{value:{sign},.0f}" if unit else f"{value:{sign}.3f}"

    text = number(estimate.value) + (f" {unit}" if unit else "")
    if estimate.low is None or estimate.high is None:
        return text + (" (no spread)" if estimate.stderr == 0 else "")
    return f"{text} [{number(estimate.low)}, {number(estimate.high)}]"
