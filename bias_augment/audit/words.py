"""Words of a text in any script, for lengths and for what two texts share."""

from __future__ import annotations

import re

from bias_inherit.language.scripts import UNSPACED

_MARKS = (
    re.escape('!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~')
    + "\u2010-\u2015\u2026\u00ab\u00bb\u201c-\u201e\u00a1\u00bf"
    + "\u060c\u061b\u061f\u3000-\u303f\uff00-\uff0f\uff1a-\uff20"
)
_WORD = re.compile(rf"[{UNSPACED}]|[^\s{UNSPACED}{_MARKS}]+")


def words(text: str) -> list[str]:
    """Return the words in lower case, without punctuation.

    In scripts that put no space between words every character counts as one.
    """
    return _WORD.findall(text.casefold())
