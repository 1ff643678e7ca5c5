"""Count trait words in a story: the lexicon, negation, whose trait it is, what counts as a story.

The lexicon is data (`traits.yaml`, or a user's file of the same form): dimension -> pair
-> `low` and `high` -> words or phrases. Matching: whole words, upper and lower case alike,
space and hyphen alike, the longest entry first.

Negation (`negation.py`) moves a hit to the other end ("not honest" counts as dishonest). Not
counted are words that tell of things ("a traditional dress", "poor health") and of everyone or no
one ("not everyone was honest"): see `bearers.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from bias_inherit import store
from bias_inherit.errors import InputError
from bias_inherit.language.refusals import opens_with_refusal
from bias_inherit.tasks.metrics.story import DIMENSIONS
from bias_inherit.tasks.reading.bearers import tells_of_a_person
from bias_inherit.tasks.reading.negation import is_negated, sentences
from bias_inherit.tasks.reading.reply import answer_of

LEXICON = Path(__file__).resolve().parent / "traits.yaml"
ENDS = ("low", "high")
SHORTEST = 20
"""A story has at least so many words: our choice."""


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
                    key = _plain(entry).strip().lower()
                    if columns.setdefault(key, 2 * d + end) != 2 * d + end:
                        raise InputError(f"{path}: '{entry}' stands on two sides")

    return Lexicon(re.compile(rf"(?<!\w)(?:{_any_of(columns)})(?!\w)", re.I), columns)


def _any_of(entries: Iterable[str]) -> str:
    """Return a pattern of entries, the longest first; by first letters, which is read faster."""
    by_letter: dict[str, list[str]] = {}
    for entry in sorted(entries, key=len, reverse=True):
        by_letter.setdefault(entry[0], []).append(re.escape(entry[1:]))
    return "|".join(
        f"{re.escape(letter)}(?:{'|'.join(rest)})" for letter, rest in by_letter.items()
    )


def _read(path: Path) -> Mapping[str, Any]:
    content = store.read_yaml(path)
    found = set(content) if isinstance(content, dict) else set()
    if found != set(DIMENSIONS) or not all(isinstance(v, dict) and v for v in content.values()):
        raise InputError(f"{path}: a trait lexicon has the dimensions {', '.join(DIMENSIONS)}")
    return dict(content)


def count_traits(story: str, lexicon: Lexicon) -> list[int] | None:
    """Return low and high hits of each dimension, then the words; None for no story."""
    told = answer_of(story)
    words = len(told.split())
    if words < SHORTEST or opens_with_refusal(told):
        return None

    counts = [0] * (2 * len(DIMENSIONS))
    for sentence in sentences(_plain(told)):
        for hit in lexicon.pattern.finditer(sentence):
            before, after = sentence[: hit.start()], sentence[hit.end() :]
            beside = lexicon.pattern.match(after.lstrip()) is not None  # "an honest, loyal friend"
            if tells_of_a_person(hit[0], before, "" if beside else after):
                column = lexicon.columns[hit[0].lower()]
                counts[column ^ 1 if is_negated(before, hit[0], after) else column] += 1
    return [*counts, words]


def _plain(text: str) -> str:
    # the clause ends stay, a hyphen between blanks is one; other gaps become one space
    plain = re.sub(r"--+|(?<=\s)-(?=\s)", "\u2014", text.replace("\u2019", "'"))
    return re.sub(r"[^\S\n]+|-", " ", plain)
