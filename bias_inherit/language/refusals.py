"""How a model says that it will not do what it was asked."""

from __future__ import annotations

import re

_REFUSAL = re.compile(
    r"\b(?:I(?: am|'m|’m) sorry|I (?:can(?:not|'t|’t)|won(?:'t|’t)|will not)|as an AI)\b", re.I
)


OPENING = 80
"""A refusal within so many characters of a text's beginning makes the whole one."""


def is_refusal(text: str) -> bool:
    """Return whether the text holds a usual English phrase of refusal."""
    return _REFUSAL.search(text) is not None


def opens_with_refusal(text: str) -> bool:
    """Return whether such a phrase stands in the text's beginning."""
    return is_refusal(text[:OPENING])
