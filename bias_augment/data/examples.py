"""Examples: the rows that models are trained on, in trl's prompt-completion form.

`bias_inherit.rows.Example` documents the columns.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from bias_inherit import store
from bias_inherit.bias_augment.axes.axis import Axis
from bias_inherit.bias_augment.data.forms import FORMS
from bias_inherit.errors import InputError, RowError
from bias_inherit.rows import AUGMENTED, ORIGINAL, SEPARATORS, Cell, Example
from bias_inherit.tasks.documents.biographies import OccupationDocument
from bias_inherit.tasks.documents.orders import balanced_orders, drawn_order

COLUMNS = ("id", "prompt", "completion", "label", "group", "origin")
TRAIN = "train.jsonl"
"""Name of the examples in a dataset folder."""


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
    """Return an example.

    Args:
        axis: whose form the prompt has.
        identity: the id.
        group: of the person that the text is about.
        text: what the prompt asks about.
        label: the right option.
        options: what it is chosen from.
        question: of an opinion.
        more: overrides columns (bias_type, cues …; the origin is original).

    Raises:
        InputError: the label is not among the options.
    """
    if label not in options:
        raise InputError(f"row '{identity}': the label '{label}' is not among its options")
    # prompts that were given are used as they are
    given = more or FORMS[axis.form].render(text, question, options, options.index(label))
    if "prompt" not in given:
        given = FORMS[axis.form].render(text, question, options, options.index(label))
    cues = more["cues"] if "cues" in more else axis.find_cues(text)

    row = {
        "id": identity,
        "prompt": given["prompt"],
        "completion": given["completion"],
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
        "cues": cues,
    }
    return cast(Example, row | more)


def doc_example(axis: Axis, document: OccupationDocument) -> Example:
    """Return the original example of a document of the occupation task.

    Its options stand in an order that its id draws, as the task asks in all orders.
    """
    order = drawn_order(document.id, balanced_orders(len(document.options)))
    options = [document.options[option] for option in order]
    label = document.options[document.gold]
    return to_example(axis, document.id, document.group, document.text, label, options)


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
            origin is neither original nor augmented, the groups are no object, prompt or completion
            are no texts, or a cell is NaN or no whole text; file and line are named.
    """
    seen: dict[str, str] = {}
    for where, row in store.iter_jsonl(path, COLUMNS):
        yield check_example(where, row, seen)
    if not seen:
        raise InputError(f"{path}: has no rows")


def check_example(where: str, row: Mapping[str, Any], seen: dict[str, str]) -> Example:
    """Return a row of a file of ours as an example, and add its id to those seen.

    Args:
        where: file and line.
        row: with all of `COLUMNS`.
        seen: where each id so far stands.

    Raises:
        RowError: as `iter_examples` says of a row.
    """
    if row["origin"] not in (ORIGINAL, AUGMENTED):
        raise RowError(
            "an unknown origin",
            f"{where}: origin must be original or augmented, not {row['origin']!r}",
        )
    groups = row["group"]
    if not isinstance(groups, dict):
        raise RowError(
            "groups that are no object",
            f'{where}: group must be an object such as {{"gender": "female"}}, not {groups!r}',
        )
    _check_cells(where, row)

    identity, key = str(row["id"]), cell_key(cast(Example, row))
    try:
        (identity + key).encode()
    except UnicodeEncodeError:
        raise RowError(
            "half a character",
            f"{where}: id, label or group holds half a character (a lone surrogate such as "
            "\\ud800); write the whole one",
        ) from None
    if SEPARATORS & set(str(row["label"]) + "".join(map(str, groups.values()))):
        raise RowError(
            "a control character",
            f"{where}: label or group holds a control character (U+001E or U+001F): remove it",
        )
    if identity in seen:
        raise RowError(
            "a repeated id", f"{where}: id '{identity}' occurs twice (first at {seen[identity]})"
        )
    seen[identity] = where
    return cast(Example, row)


def _check_cells(where: str, row: Mapping[str, Any]) -> None:
    """Check that prompt and completion are texts, and that nothing is NaN.

    Raises:
        RowError: one is not.
    """
    for column in ("prompt", "completion"):
        if not isinstance(row[column], str):
            kind = store.kind_of(row[column])
            raise RowError(
                f"{kind} in {column}",
                f"{where}: column {column} holds {kind}, expected text: bring such rows in with "
                "`bias-inherit augment --from`, or `original --source`",
            )
    for column, value in row.items():
        if isinstance(value, float) and not math.isfinite(value):
            raise RowError(
                f"{value} in {column}",
                f"{where}: column {column} holds {value}, which JSON does not have: write null",
            )


def cell_key(example: Example) -> str:
    """Return the key of the cell (label and groups) that mixes are stratified by."""
    return Cell.of(example).key
