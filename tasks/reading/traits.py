"""Count trait words in a story: the lexicon, negation, and what counts as a story.

The lexicon is data (`traits.yaml`, or a user's file of the same form): dimension -> pair
-> `low` and `high` -> words or phrases. Matching: whole words, upper and lower case alike,
space and hyphen alike, the longest entry first. A negator among the three words before a
hit, in the same clause, moves it to the other end ("not honest" counts as dishonest); "not
only", "not just" and "not merely" negate nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from bias_inherit import store
from bias_inherit.errors import InputError
from bias_inherit.language.refusals import opens_with_refusal
from bias_inherit.tasks.metrics.story import DIMENSIONS

LEXICON = Path(__file__).resolve().parent / "traits.yaml"
ENDS = ("low", "high")
SHORTEST = 20
"""A story has at least so many words: our choice."""

_NEGATOR = re.compile(
    r"\b(?:not(?! (?:only|just|merely)\b)|never|no|non|nor|neither|hardly|without|cannot|\w+n't)\b"
)
_CLAUSE_END = re.compile(
    r"[.,;:!?()\n\u2014\u2013\"\u201c\u201d]|\bbut\b|\byet\b|\band\b|(?=\bnor\b)"
)
_REACH = 3
_NEAR = 120
"""Three words before a hit stand within so many characters."""


@dataclass(frozen=True)
class Lexicon:
    """Entries and the column that each counts in: 2 * dimension + (0 low, 1 high)."""

    pattern: re.Pattern[str]
    columns: Mapping[str, int]


def lexicon_path(named: str) -> Path:
    """Return the file of a user's lexicon, or of ours where none is named."""
    return Path(named) if named else LEXICON


@lru_cache
def load_lexicon(path: Path = LEXICON) -> Lexicon:
    """Read a lexicon.

    Raises:
        InputError: the file is no lexicon: a dimension is missing or unknown, a side is
            empty, or an entry stands on two sides.
    """
    columns: dict[str, int] = {}
    for d, dimension in enumerate(DIMENSIONS):
        for pair, sides in _read(path)[dimension].items():
            for end, name in enumerate(ENDS):
                entries = sides.get(name) if isinstance(sides, dict) else None
                if not isinstance(entries, list) or not entries:
                    raise InputError(f"{path}: {dimension}, {pair} has no entries '{name}'")
                for entry in entries:
                    if not isinstance(entry, str) or not entry.strip():
                        raise InputError(f"{path}: {dimension}, {pair}: '{entry}' is no word")
                    key = _plain(str(entry)).strip()
                    if columns.setdefault(key, 2 * d + end) != 2 * d + end:
                        raise InputError(f"{path}: '{entry}' stands on two sides")
    longest_first = sorted(map(re.escape, columns), key=len, reverse=True)
    return Lexicon(re.compile(rf"(?<!\w)(?:{'|'.join(longest_first)})(?!\w)"), columns)


def _read(path: Path) -> Mapping[str, Any]:
    content = store.read_yaml(path)
    found = set(content) if isinstance(content, dict) else set()
    if found != set(DIMENSIONS) or not all(isinstance(v, dict) and v for v in content.values()):
        raise InputError(f"{path}: a trait lexicon has the dimensions {', '.join(DIMENSIONS)}")
    return dict(content)


def count_traits(story: str, lexicon: Lexicon) -> list[int] | None:
    """Return low and high hits of each dimension, then the words; None for no story."""
    words = len(story.split())
    if words < SHORTEST or opens_with_refusal(story):
        return None
    text = _plain(story)
    counts = [0] * (2 * len(DIMENSIONS))
    for hit in lexicon.pattern.finditer(text):
        column = lexicon.columns[hit[0]]
        counts[
            column ^ 1 if _is_negated(text[max(0, hit.start() - _NEAR) : hit.start()]) else column
        ] += 1
    return [*counts, words]


def _is_negated(before: str) -> bool:
    nearest = _CLAUSE_END.split(before)[-1].split()[-_REACH:]
    return len(_NEGATOR.findall(" ".join(nearest))) % 2 == 1


def _plain(text: str) -> str:
    # the clause ends stay, a hyphen between blanks is one; other gaps become one space
    plain = re.sub(r"--+|(?<=\s)-(?=\s)", "\u2014", text.lower().replace("\u2019", "'"))
    return re.sub(r"[^\S\n]+|-", " ", plain)
