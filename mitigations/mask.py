"""Mask-based mitigation: hide the words of augmented text that reveal a group.

Source: arXiv 2502.04419 (mask mitigation): `[MASK]` or a neutral word in place of names, pronouns
and culture terms. Which words those are was recorded with a row as its `cues`; where a row has
none, its axis looks for them. The neutral words are ours, and English.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from bias_inherit.errors import InputError
from bias_inherit.language.gender_words import NEUTRAL
from bias_inherit.language.scripts import IS_UNSPACED, UNSPACED, cased
from bias_inherit.mitigations.contract import AxisWords, Mitigation, Tools
from bias_inherit.mitigations.options import Option, some_text, yes_no
from bias_inherit.mitigations.registry import Recipe, register
from bias_inherit.mitigations.transforms import axis_of, each_augmented, holds_text, retell
from bias_inherit.rows import Example

MASK = "[MASK]"
SUMMARY = "Put [MASK] or a neutral word for names, pronouns and group words in augmented text."

_NAME = "the person"

_LETTER = re.compile(rf"[^\W{UNSPACED}]")
_GOES_ON = re.compile(rf"[^\W{UNSPACED}]|[\u0300-\u036f]")
"""What makes a longer word: a letter, or an accent, which makes the last letter another one."""


def mask(row: Example, tools: Tools, word: str, neutral: bool) -> Example:
    """Return the row with the words that reveal a group replaced in its text; the label stays.

    A cue is a whole word. One that is written without capitals, a pronoun, and one that the axis
    lists as a word is found in any case; another with a capital is taken for a name and found
    as it is written: "Will" is not masked in "she will".

    Args:
        row: the example.
        tools: give the axis.
        word: put in place of a cue.
        neutral: whether a neutral word takes its place where there is one.

    Raises:
        InputError: the row has no cues, and no axis that could look for them; or its cues are
            no list of texts.
    """
    axis = _axis(row, tools)
    cues = row.get("cues") or axis_of(row, tools).find_cues(_shown(row))
    if not isinstance(cues, list) or not all(isinstance(c, str) and c.strip() for c in cues):
        raise InputError(f"row '{row['id']}': its cues must be a list of words, not {cues!r}")
    if not cues:
        return row
    plain = _plain_words(axis)

    def hide(told: str) -> str:
        new, last = "", 0
        for start, end in _places(told, cues, plain):
            put = _neutral(told, start, end, plain, tools, word) if neutral else word
            new, last = new + told[last:start] + put, end
        return new + told[last:]

    masked = retell(row, hide)
    return masked | ({"cues": []} if "cues" in row else {})


def _axis(row: Example, tools: Tools) -> AxisWords | None:
    """Return the row's axis; None where its cues have to do without one."""
    try:
        return axis_of(row, tools)
    except InputError:
        return None


def _shown(row: Example) -> str:
    """Return what `retell` changes."""
    return str(row["text"]) if holds_text(row) else f"{row.get('text') or ''}\n{row['prompt']}"


def _plain_words(axis: AxisWords | None) -> Mapping[str, str]:
    """Return the words that are no names, in lower case, each with its neutral word or ""."""
    plain: dict[str, str] = {}
    for group in axis.groups.values() if axis is not None else ():
        plain |= dict.fromkeys((w.lower() for w in group.words), "")
        plain |= {group.word.lower(): "person", group.plural.lower(): "people"}
    return {**plain, **NEUTRAL}


def _places(text: str, cues: Iterable[str], plain: Mapping[str, str]) -> Iterator[tuple[int, int]]:
    """Yield where the cues stand as whole words, from and to, the longest at each place."""
    spans = []
    for cue in cues:
        any_case = cue == cue.lower() or cue.lower() in plain
        for found in re.finditer(re.escape(cue), text, re.IGNORECASE if any_case else 0):
            if _is_whole(text, *found.span()):
                spans.append(found.span())
    last = 0
    for start, end in sorted(spans, key=lambda span: (span[0], -span[1])):
        if start >= last:
            last = end
            yield start, end


def _is_whole(text: str, start: int, end: int) -> bool:
    """Return whether no word of a script with spaces goes on before or after the place."""
    if IS_UNSPACED.match(text, start):
        return True
    return not (start and _LETTER.match(text, start - 1)) and not _GOES_ON.match(text, end)


def _neutral(
    text: str, start: int, end: int, plain: Mapping[str, str], tools: Tools, word: str
) -> str:
    """Return the neutral word for what stands there, with its capitals, or else `word`."""
    found = text[start:end]
    low = found.lower()
    if low in ("his", "her"):
        return cased(_pronoun(text[start : start + 80], tools), found)
    if low in plain:
        return cased(plain[low], found) if plain[low] else word
    if found == low:  # a word that has no neutral one
        return word
    before = text[:start].rstrip(" \t\"'“‘(")
    return _NAME.capitalize() if not before or before[-1] in ".!?\n" else _NAME


def _pronoun(text: str, tools: Tools) -> str:
    """Return their, theirs or them for the his or her that the text begins with.

    The role is read off the gender axis's own swap: her becomes his before a noun, else him;
    his becomes her before a noun, else hers.
    """
    group, other = ("female", "male") if text[:3].lower() == "her" else ("male", "female")
    told = tools.axis("gender").swap(text, group, other).lower()
    return "them" if told.startswith("him") else "theirs" if told.startswith("hers") else "their"


def make(options: Mapping[str, Any]) -> Mitigation:
    """Return the mitigation with options `word` and `neutral`."""

    def change(row: Example, tools: Tools) -> Example:
        return mask(row, tools, options["word"], options["neutral"])

    return Mitigation("mask", SUMMARY, each_augmented(change))


RECIPE = register(
    Recipe(
        "mask",
        SUMMARY,
        make,
        (
            Option("word", MASK, "what is put for a word that reveals a group", some_text),
            Option("neutral", False, "true: neutral English words where there are any", yes_no),
        ),
    )
)
