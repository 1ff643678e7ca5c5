"""Token-based mitigation: a sentence before each augmented text says that it may be biased.

Source: arXiv 2502.04419 (token mitigation). The paper's wording is not known to us; ours is the
default. It is English before texts of any language, as the prompts around them are.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bias_inherit.mitigations.contract import Mitigation, Tools
from bias_inherit.mitigations.options import Option, some_text
from bias_inherit.mitigations.registry import Recipe, register
from bias_inherit.mitigations.transforms import each_augmented, holds_text, retell
from bias_inherit.rows import Example

SENTENCE = "The following text is synthetic and may contain social bias."
SUMMARY = "Say before each augmented text that it may contain bias."


def announce(row: Example, sentence: str) -> Example:
    """Return the row with `sentence` before its text, in `text` and in `prompt`.

    Where the prompt does not hold the text, the sentence is the prompt's first line.
    """
    if holds_text(row):
        return retell(row, lambda text: f"{sentence} {text}")
    told = row | {"prompt": f"{sentence}\n{row['prompt']}"}
    return told | ({"text": f"{sentence} {row['text']}"} if row.get("text") else {})


def make(options: Mapping[str, Any]) -> Mitigation:
    """Return the mitigation with option `sentence`."""

    def change(row: Example, tools: Tools) -> Example:
        return announce(row, options["sentence"])

    return Mitigation("token", SUMMARY, each_augmented(change))


RECIPE = register(
    Recipe(
        "token",
        SUMMARY,
        make,
        (Option("sentence", SENTENCE, "the sentence, as it is put before a text", some_text),),
    )
)
