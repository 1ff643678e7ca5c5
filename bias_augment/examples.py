"""Examples: the rows that models are trained on, in trl's prompt-completion form.

Columns: id, prompt, completion, axis, group {axis: group}, label, origin (original or
augmented), bias_type, seed_id, generator, cues (words of the text that reveal a group),
text (the document without the task's question).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bias_inherit import store
from bias_inherit.bias_augment.axes import Axis
from bias_inherit.errors import InputError
from bias_inherit.tasks.prompts import render

COLUMNS = ("id", "prompt", "completion", "label", "group", "origin")
ORIGINAL = "original"
AUGMENTED = "augmented"

Example = dict[str, Any]


def to_example(axis: Axis, doc: Mapping[str, Any], **origin: Any) -> Example:
    """Return the example of a task document; `origin` fills origin, bias_type and the like."""
    prompt, completion = render(axis.task, doc)
    return {
        "id": doc["id"],
        "prompt": prompt,
        "completion": completion,
        "axis": axis.axis,
        "group": {axis.axis: doc["group"]},
        "label": doc["options"][doc["gold"]],
        "origin": ORIGINAL,
        "bias_type": None,
        "seed_id": None,
        "generator": None,
        "cues": axis.find_cues(doc["text"]),
        "text": doc["text"],
    } | origin


def read_examples(path: Path) -> list[Example]:
    """Return the examples of a JSON-lines file.

    Raises:
        InputError: a column is missing, a line broken, an id occurs twice, or an origin is
            neither original nor augmented; file and line are named.
    """
    rows: list[Example] = []
    seen: dict[str, str] = {}
    for where, row in store.iter_jsonl(path, COLUMNS):
        if row["origin"] not in (ORIGINAL, AUGMENTED):
            raise InputError(
                f"{where}: origin must be original or augmented, not {row['origin']!r}"
            )
        if row["id"] in seen:
            raise InputError(f"{where}: id '{row['id']}' occurs twice (first at {seen[row['id']]})")
        seen[row["id"]] = where
        rows.append(row)
    if not rows:
        raise InputError(f"{path}: has no rows")
    return rows


def stratum(example: Example) -> str:
    """Return the cell (label and groups) that mixes are stratified by."""
    groups = ",".join(f"{k}={v}" for k, v in sorted(example["group"].items()))
    return f"{example['label']}|{groups}"
