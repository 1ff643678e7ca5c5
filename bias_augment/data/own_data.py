"""Anybody's rows as examples: a file, a folder or a hub data set, by a column map.

A map says which column holds what: `text=bio,group=gender,label=job`, or a YAML file of the
same keys. Keys: `text`, `group`, `label`; or `prompt` and `completion` (trl's form, texts or
messages, used as they are) with `group`; `id` and `question` where there are such columns. A
YAML may also rename values: `groups: {0: male, 1: female}`, `labels: {13: nurse}`; rows whose
group or label it does not list are left out, and counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from bias_inherit import store
from bias_inherit.bias_augment.axes.axis import Axis
from bias_inherit.bias_augment.data.examples import to_example
from bias_inherit.bias_augment.data.messages import as_text
from bias_inherit.errors import InputError, unknown
from bias_inherit.rows import ORIGINAL, Example, Origin
from bias_inherit.store import first_error
from bias_inherit.tasks.public.tables import Located, read_splits

SPLIT = "train"
"""The split that is read where a data set has several and one is called so."""


class ColumnMap(BaseModel):
    """Which column holds what, and what values are called; see the module's text."""

    model_config = ConfigDict(extra="forbid", frozen=True, coerce_numbers_to_str=True)

    group: str
    text: str | None = None
    label: str | None = None
    prompt: str | None = None
    completion: str | None = None
    id: str | None = None
    question: str | None = None
    groups: dict[str | int | bool, str] = {}
    labels: dict[str | int | bool, str] = {}

    @property
    def needed(self) -> list[str]:
        """The columns that every row must have."""
        named = (self.group, self.text, self.label, self.prompt, self.completion, self.question)
        return [column for column in named if column is not None]


def parse_columns(setting: str) -> ColumnMap:
    """Return the column map that is written out (`text=bio,group=sex`) or stands in a YAML file.

    Raises:
        InputError: a key is unknown, or it names neither a text nor prompt and completion.
    """
    if "=" in setting:
        content: Any = dict(part.split("=", 1) for part in setting.split(",") if "=" in part)
    else:
        content = store.read_yaml(Path(setting))
    if not isinstance(content, dict):
        raise InputError(f"{setting}: a column map has lines such as `text: bio`")

    known = ColumnMap.model_fields
    for key in content:
        if key not in known:
            raise unknown("key of a column map", str(key), known)
    try:
        columns = ColumnMap.model_validate(content)
    except ValidationError as error:
        raise InputError(f"column map '{setting}': {first_error(error)}") from None

    if columns.text is None and columns.prompt is None:
        raise InputError(f"column map '{setting}': name the column of the text (text=…)")
    if (columns.prompt is None) != (columns.completion is None):
        raise InputError(f"column map '{setting}': prompt and completion go together")
    return columns


def read_own(
    axis: Axis,
    source: str,
    columns: ColumnMap,
    origin: Origin = ORIGINAL,
    skips: bool = False,
) -> tuple[list[Example], Counter[str]]:
    """Return the rows as examples, and how many were left out, by the value that decided it.

    The options of every row are the labels that occur, sorted. A row without a label column
    has the label "" (data to be audited need none). Group values may differ from the axis's
    in upper and lower case.

    Args:
        axis: whose groups the rows are of.
        source: a file, a folder or a hub id.
        columns: which column holds what.
        origin: of the rows.
        skips: leave out and count rows with an empty cell or an unknown group, which else are
            errors: for looking at data rather than training on it.

    Raises:
        InputError: the source is absent or broken, a column is missing or empty, a group is
            unknown, an id occurs twice, or there are no rows.
    """
    left_out: Counter[str] = Counter()
    rows = list(_kept(axis, source, columns, left_out, skips))
    if not rows:
        raise InputError(f"{source}: no rows are left (left out: {dict(left_out)})")
    options = sorted({label for *_, label in rows})
    _check_labels(source, options)

    seen: dict[str, str] = {}
    examples: list[Example] = []
    for where, row, group, label in rows:
        identity = str(row[columns.id]) if columns.id else f"{Path(source).stem}-{len(seen):07d}"
        if identity in seen:
            raise InputError(f"{where}: id '{identity}' occurs twice (first at {seen[identity]})")
        seen[identity] = where
        example = _example(axis, columns, where, row, identity, group, label, options)
        examples.append({**example, "origin": origin})
    return examples, left_out


def _kept(
    axis: Axis, source: str, columns: ColumnMap, left_out: Counter[str], skips: bool
) -> Iterator[tuple[str, Mapping[str, Any], str, str]]:
    groups = {name.casefold(): name for name in axis.groups}
    renamed = {str(key): value for key, value in columns.groups.items()}
    labels = {str(key): value for key, value in columns.labels.items()}
    for where, row in _rows(source, columns.needed):
        empty = [column for column in dict.fromkeys(columns.needed) if _is_empty(row[column])]
        if empty and skips:
            left_out[f"an empty {empty[0]}"] += 1
            continue
        if empty:
            raise InputError(f"{where}: column {', '.join(empty)} is empty")

        value = as_text(row[columns.group], columns.group, where).strip()
        if renamed and value not in renamed:
            left_out[f"{columns.group} {value}"] += 1
            continue
        group = groups.get(renamed.get(value, value).casefold())
        if group is None and skips:
            left_out[f"an unknown {columns.group} ({value})"] += 1
            continue
        if group is None:
            raise InputError(
                f"{where}: '{value}' is not a group of the axis '{axis.axis}' "
                f"({', '.join(axis.groups)}): name it under `groups:` of a column map"
            )
        named = columns.label or columns.completion
        label = as_text(row[named], named, where).strip() if named else ""
        if labels and label not in labels:
            left_out[f"{columns.label or columns.completion} {label}"] += 1
            continue
        yield where, row, group, labels.get(label, label)


def _rows(source: str, needed: list[str]) -> Iterator[Located]:
    splits = read_splits(source, needed, "LabHC/bias_in_bios", nulls=True)
    for split, rows in splits.items():
        if SPLIT not in splits or split == SPLIT:
            yield from rows


def _is_empty(value: object) -> bool:
    return value is None or not (value if isinstance(value, (list, dict)) else str(value).strip())


def _check_labels(source: str, labels: list[str]) -> None:
    """Refuse labels that differ in case or space alone: they would be options of one question.

    Raises:
        InputError: there are such labels; they are named.
    """
    seen: dict[str, str] = {}
    for label in labels:
        other = seen.setdefault(" ".join(label.split()).casefold(), label)
        if other != label:
            raise InputError(
                f"{source}: the labels '{other}' and '{label}' differ in case or space alone: "
                "write them alike, or rename one under `labels:` of a column map"
            )


def _example(
    axis: Axis,
    columns: ColumnMap,
    where: str,
    row: Mapping[str, Any],
    identity: str,
    group: str,
    label: str,
    options: list[str],
) -> Example:
    def cell(column: str) -> str:
        return as_text(row[column], column, where)

    text = " ".join(cell(columns.text or columns.prompt or "").split())
    question = cell(columns.question).strip() if columns.question else ""
    given = {}
    if columns.prompt and columns.completion:
        given = {"prompt": cell(columns.prompt), "completion": cell(columns.completion)}
    return to_example(axis, identity, group, text, label, options, question, **given)
