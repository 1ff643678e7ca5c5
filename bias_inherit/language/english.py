"""Whether a text is English: does it hold any of the commonest English words?"""

from __future__ import annotations

import re

_COMMON = re.compile(
    r"\b(?:the|and|of|with|that|this|from|they|their|his|her|she|he|which|would|have|been)\b", re.I
)
"""Words that hardly an English sentence or two is without, and that few other languages have."""


def looks_english(text: str) -> bool:
    """Return whether a text holds one of the commonest English words."""
    return _COMMON.search(text) is not None
