"""How a model says that it will not do what it was asked."""

from __future__ import annotations

import re

_REFUSAL = re.compile(
    r"\b(?:I(?: am|'m|’m) sorry|I (?:can(?:not|'t|’t)|won(?:'t|’t)|will not)|as an AI)\b", re.I
)


def is_refusal(text: str) -> bool:
    """Return whether the text holds a usual English phrase of refusal."""
    return _REFUSAL.search(text) is not None
