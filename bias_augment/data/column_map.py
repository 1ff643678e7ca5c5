"""Which column of anybody's rows holds what, and what its values are called here.

Written out, `text=bio,group=gender,label=job`, or a YAML file of the same keys. Keys: `text`,
`group`, `label`; or `prompt` and `completion` (trl's form, texts or messages), or `messages` (a
conversation, whose last reply is the completion); `id` and `question` where there are such
columns. A YAML may also rename values: `groups: {0: male, 1: female}`, `labels: {13: nurse}`;
rows whose group or label it does not list are left out, and counted.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from bias_inherit import store
from bias_inherit.errors import InputError, unknown
from bias_inherit.store import first_error

Names = dict[str | int | bool, str]
"""What values are called, by the value as a YAML file gives it."""

_SAID = {True: ("true", "yes", "on"), False: ("false", "no", "off")}
"""The words that YAML reads as true and false, though a cell may well hold them as words."""


class ColumnMap(BaseModel):
    """Which column holds what, and what values are called; see the module's text."""

    model_config = ConfigDict(extra="forbid", frozen=True, coerce_numbers_to_str=True)

    group: str
    text: str | None = None
    label: str | None = None
    prompt: str | None = None
    completion: str | None = None
    messages: str | None = None
    id: str | None = None
    question: str | None = None
    groups: Names = {}
    labels: Names = {}

    @property
    def needed(self) -> list[str]:
        """The columns that every row must have, each once."""
        named = (self.group, self.text, self.label, self.prompt, self.completion)
        more = (self.messages, self.question, self.id)
        return list(dict.fromkeys(column for column in (*named, *more) if column is not None))

    @property
    def has_prompts(self) -> bool:
        """Whether prompts and completions are the rows' own; else they are made from the text."""
        return self.prompt is not None or self.messages is not None


def parse_columns(setting: str) -> ColumnMap:
    """Return the column map that is written out (`text=bio,group=sex`) or stands in a YAML file.

    Raises:
        InputError: a key is unknown, or it names neither a text nor prompt and completion.
    """
    if "=" in setting:
        pairs = (part.split("=", 1) for part in setting.split(",") if "=" in part)
        content: Any = {key.strip(): column.strip() for key, column in pairs}
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

    if columns.text is None and not columns.has_prompts:
        raise InputError(
            f"column map '{setting}': name the column of the text (text=…), or prompt=… and "
            "completion=…, or messages=…"
        )
    if (columns.prompt is None) != (columns.completion is None):
        raise InputError(f"column map '{setting}': prompt and completion go together")
    if columns.messages is not None and columns.prompt is not None:
        raise InputError(
            f"column map '{setting}': messages hold prompt and completion: name either"
        )
    return columns


def by_value(names: Names) -> Mapping[str, str]:
    """Return what values are called, by the value as a cell's text has it, or in small letters."""
    said = {}
    for value, name in names.items():
        for text in _SAID[value] if isinstance(value, bool) else (str(value),):
            said[text] = name
    return {key.casefold(): name for key, name in said.items()} | said


def name_of(value: str, names: Mapping[str, str]) -> str | None:
    """Return what a value is called: as it is written, else in any case; None if not listed."""
    return names.get(value, names.get(value.casefold()))
