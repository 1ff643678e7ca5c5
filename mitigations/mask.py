"""Mask-based mitigation: hide the words of augmented text that reveal a group.

Source: arXiv 2502.04419 (mask mitigation): `[MASK]` in place of names, pronouns and
culture terms. Which words those are was recorded with each example as its `cues`.
"""

from __future__ import annotations

import re
from typing import Any

from bias_inherit.errors import InputError
from bias_inherit.mitigations import Mitigation

MASK = "[MASK]"


def mask_cues(example: dict[str, Any]) -> dict[str, Any]:
    """Return the example with its recorded cues masked in the prompt; the label stays.

    Cues are whole words, upper or lower case alike: "her" is never masked in "here".

    Raises:
        InputError: the example has no `cues` column.
    """
    cues = example.get("cues")
    if cues is None:
        raise InputError(
            f"row '{example['id']}' has no column 'cues', so there is nothing to mask by: write "
            "the data with `bias-inherit augment` or add the words that reveal a group"
        )
    if not cues:
        return example
    words = "|".join(re.escape(cue) for cue in sorted(cues, key=len, reverse=True))
    pattern = re.compile(rf"(?<!\w)(?:{words})(?!\w)", re.IGNORECASE)
    return example | {"prompt": pattern.sub(MASK, example["prompt"])}


MITIGATION = Mitigation(
    "mask", "Put [MASK] for names, pronouns and group words in augmented text.", mask_cues
)
