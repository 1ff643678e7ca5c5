"""Scripts that put no space between words, and the capitals of those that have some."""

from __future__ import annotations

import re

UNSPACED = "\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
"""Thai, Lao, Japanese and Chinese letters, for a character class."""

IS_UNSPACED = re.compile(f"[{UNSPACED}]")


def cased(word: str, like: str) -> str:
    """Return a word with the capitals of another: all of them, the first, or none added."""
    if like.isupper() and len(like) > 1:
        return word.upper()
    return word[:1].upper() + word[1:] if like[:1].isupper() else word
