"""What transforms share: change the text of a row where it stands, and nothing else of it."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import groupby

from bias_inherit.errors import InputError
from bias_inherit.mitigations.contract import AxisWords, Tools, Transform
from bias_inherit.rows import AUGMENTED, Example

_MARK = re.compile(r"^\s*(?:[-*•]|\(?\w{1,2}[.):])\s+")
"""What stands before an option on its line: "A. ", "(b) ", "- "."""


def each_augmented(change: Callable[[Example, Tools], Example]) -> Transform:
    """Return the transform that makes `change` to every augmented row, one by one."""

    def transform(examples: list[Example], tools: Tools) -> list[Example]:
        return [change(row, tools) if row["origin"] == AUGMENTED else row for row in examples]

    return transform


def holds_text(row: Example) -> bool:
    """Return whether the row's prompt is a template around its `text`, word for word.

    Raises:
        InputError: the row has neither a text nor a prompt.
    """
    text, prompt = row.get("text") or "", row.get("prompt") or ""
    if not (text.strip() or prompt.strip()):
        raise InputError(f"row '{row['id']}' has no text and no prompt, so nothing can be changed")
    return bool(text) and text in prompt


def retell(row: Example, change: Callable[[str], str]) -> Example:
    """Return the row with `change` made to its text, in `text` and in `prompt` alike.

    Where the prompt holds the text, the text's first occurrence is changed, and no other part
    of the prompt. Where it does not (a prompt and completion of the user's own), the prompt
    itself is changed, apart from the lines that are the row's question or one of its options;
    and where the text is prompt and completion together, the completion too, for it is text.

    Raises:
        InputError: as `holds_text`.
    """
    text, prompt = row.get("text") or "", row.get("prompt") or ""
    if holds_text(row):
        told = change(text)
        return row | {"text": told, "prompt": prompt.replace(text, told, 1)}
    asked = {row.get("question"), *(row.get("options") or ())}

    def is_asked(line: str) -> bool:
        return line.strip() in asked or _MARK.sub("", line).strip() in asked

    parts = groupby(prompt.splitlines(keepends=True), is_asked)
    new = "".join("".join(p) if is_kept else change("".join(p)) for is_kept, p in parts)
    if not text:
        return row | {"prompt": new}
    if text == _one_line(prompt):  # so bias-inherit reads prompts without a text column
        return row | {"text": _one_line(new), "prompt": new}
    completion = row.get("completion") or ""
    if text == _one_line(f"{prompt} {completion}"):  # and so those whose completions are texts
        told = change(completion)
        return row | {"text": _one_line(f"{new} {told}"), "prompt": new, "completion": told}
    return row | {"text": change(text), "prompt": new}


def _one_line(text: str) -> str:
    return " ".join(text.split())


def axis_of(row: Example, tools: Tools) -> AxisWords:
    """Return the axis that the row names.

    Raises:
        InputError: it names none, or one that is not known; the row is named.
    """
    name = row.get("axis")
    if not name:
        raise InputError(f"row '{row['id']}' names no axis: add a column 'axis', such as gender")
    try:
        return tools.axis(name)
    except InputError as error:
        raise InputError(f"row '{row['id']}': {error}") from None
