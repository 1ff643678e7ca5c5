"""Examples: the rows that models are trained on, in trl's prompt-completion form.

Columns: id, prompt, completion, axis, group {axis: group}, label, options (what the label was
chosen from), question (of an opinion), text (what the prompt asks about), origin (original or
augmented), bias_type, seed_id, generator, prompt_sha256 (of what the generator was asked),
cues (words of the text that reveal a group). A string that does not apply is "", never null:
`datasets` infers a column's type from the first rows of a file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from bias_inherit import store
from bias_inherit.bias_augment.axes.axis import Axis
from bias_inherit.bias_augment.data.forms import FORMS
from bias_inherit.errors import InputError

COLUMNS = ("id", "prompt", "completion", "label", "group", "origin")
ORIGINAL = "original"
AUGMENTED = "augmented"
TRAIN = "train.jsonl"
"""Name of the examples in a dataset folder."""

Example = dict[str, Any]


def to_example(
    axis: Axis,
    identity: str,
    group: str,
    text: str,
    label: str,
    options: Sequence[str],
    question: str = "",
    **more: Any,
) -> Example:
    """Return an example; `more` overrides columns (bias_type, cues …; origin is original).

    Raises:
        InputError: the label is not among the options.
    """
    if label not in options:
        raise InputError(f"row '{identity}': the label '{label}' is not among its options")
    given = more if "prompt" in more else {}
    return {
        "id": identity,
        **(given or FORMS[axis.form].render(text, question, options, options.index(label))),
        "axis": axis.axis,
        "group": {axis.axis: group},
        "label": label,
        "options": list(options),
        "question": question,
        "text": text,
        "origin": ORIGINAL,
        "bias_type": "",
        "seed_id": "",
        "generator": "",
        "prompt_sha256": "",
    } | (more if "cues" in more else {"cues": axis.find_cues(text)} | more)


def doc_example(axis: Axis, doc: Mapping[str, Any]) -> Example:
    """Return the original example of a task's document."""
    options = doc["options"]
    return to_example(axis, doc["id"], doc["group"], doc["text"], options[doc["gold"]], options)


def read_examples(path: Path) -> list[Example]:
    """Return the examples of a JSON-lines file, or of a dataset folder of ours.

    Raises:
        InputError: as `iter_examples`.
    """
    return list(iter_examples(data_file(path)))


def data_file(path: Path) -> Path:
    """Return the JSON-lines file that an input path names: itself, or the one in its folder."""
    return path / TRAIN if path.is_dir() else path


def iter_examples(path: Path) -> Iterator[Example]:
    """Yield the examples of a JSON-lines file, one after the other.

    Raises:
        InputError: there are no rows, a column is missing, a line broken, an id occurs twice, an
            origin is neither original nor augmented, the groups are no object, or a cell is no
            whole text; file and line are named.
    """
    seen: dict[str, str] = {}
    for where, row in store.iter_jsonl(path, COLUMNS):
        if row["origin"] not in (ORIGINAL, AUGMENTED):
            raise InputError(
                f"{where}: origin must be original or augmented, not {row['origin']!r}"
            )
        if not isinstance(row["group"], dict):
            raise InputError(
                f'{where}: group must be an object such as {{"gender": "female"}}, not '
                f"{row['group']!r}"
            )
        identity = str(row["id"])
        try:
            (identity + stratum(row)).encode()
        except UnicodeEncodeError:
            raise InputError(
                f"{where}: id, label or group holds half a character (a lone surrogate such as "
                "\\ud800); write the whole one"
            ) from None
        if identity in seen:
            raise InputError(f"{where}: id '{identity}' occurs twice (first at {seen[identity]})")
        seen[identity] = where
        yield row
    if not seen:
        raise InputError(f"{path}: has no rows")


def stratum(example: Example) -> str:
    """Return the cell (label and groups) that mixes are stratified by."""
    groups = ",".join(f"{k}={v}" for k, v in sorted(example["group"].items()))
    return f"{example['label']}|{groups}"
