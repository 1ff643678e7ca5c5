"""Labels of D_a and D_o side by side: what can be compared, and what is said of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from bias_inherit.errors import shown
from bias_inherit.rows import Example


def align_labels(
    rows: Sequence[Example], others: Sequence[Example] | None
) -> tuple[Sequence[Example], Sequence[Example] | None, list[str]]:
    """Return D_a and D_o with labels that can be compared, and remarks on them.

    Where one of the two has no labels, neither is given any. A label of D_a that D_o writes in
    another case is written as there.
    """
    labels = {str(row["label"]) for row in rows}
    if others is None:
        return rows, None, _remarks(labels)

    known = {str(row["label"]) for row in others}
    if any(labels) != any(known):
        side = "D_o" if any(labels) else "D_a"
        remark = f"{side} has no labels: the two are compared by group alone."
        return _without(rows), _without(others), [remark]

    spelling = {label.casefold(): label for label in known}
    changed: Counter[str] = Counter()
    told: list[Example] = []
    for row in rows:
        label = str(row["label"])
        there = label if label in known else spelling.get(label.casefold(), label)
        if there != label:
            changed[f"{shown(label)} as {shown(there)}"] += 1
        told.append({**row, "label": there})
    return told, others, [*_remarks({str(row["label"]) for row in told}), *on_respelt(changed)]


def on_respelt(changed: Mapping[str, int]) -> list[str]:
    """Return the remark on labels that were written in another case, where there are some."""
    if not changed:
        return []
    named = ", ".join(f"{n} rows with {label}" for label, n in sorted(changed.items()))
    return [f"Labels that differ in case alone are taken as one: {named}."]


def _remarks(labels: set[str]) -> list[str]:
    if not any(labels):
        return ["No row has a label: nothing is counted or compared by label."]
    if len(labels) == 1:
        only = shown(min(labels))
        return [f"All rows have the label '{only}': nothing is compared between labels."]
    return []


def _without(rows: Sequence[Example]) -> list[Example]:
    return [{**row, "label": ""} for row in rows]
