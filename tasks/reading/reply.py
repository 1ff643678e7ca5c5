"""The answer in a reply: without what a model thought aloud before it, in one Unicode form."""

from __future__ import annotations

import re
import unicodedata

_THOUGHT = re.compile(
    r"<(?P<tag>think|thinking|thought|reasoning|reflection)>.*?</(?P=tag)>", re.S | re.I
)
_THOUGHT_END = re.compile(r"^.*</(?:think|thinking|thought|reasoning|reflection)>", re.S | re.I)
_THOUGHT_START = re.compile(r"<(?:think|thinking|thought|reasoning|reflection)>.*$", re.S | re.I)


def answer_of(reply: str) -> str:
    """Return a reply without reasoning blocks and invisible marks, in composed Unicode (NFC).

    A block that was begun by the prompt ends without having begun; one that was cut off has no end,
    and nothing after it.
    """
    told = _THOUGHT.sub(" ", reply)
    told = _THOUGHT_START.sub(" ", _THOUGHT_END.sub(" ", told))
    composed = unicodedata.normalize("NFC", told)
    return "".join(c for c in composed if unicodedata.category(c) != "Cf" or c == "\u200c")


def folded(text: str) -> str:
    """Return a text for comparison: no case, no accents, one space between words."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    return " ".join("".join(c for c in plain if not unicodedata.combining(c)).split())
