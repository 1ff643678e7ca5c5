"""Find words and names in a text: whole words, in any of the four languages and English.

Words match in upper and lower case alike, names only with their capitals. In scripts that
put no space between words (Chinese) a term may stand anywhere; elsewhere never inside
another word.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from bias_inherit.language.scripts import IS_UNSPACED

_WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class Terms:
    """What to look for: `words` in any case, `names` as written."""

    words: frozenset[str]
    names: frozenset[str] = frozenset()

    def find(self, text: str) -> Iterator[tuple[int, str, str]]:
        """Yield (position, as it stands, as listed), in order, the longest at each place.

        No two overlap.
        """
        end = 0
        for start, found, listed in sorted(self._all(text), key=lambda f: (f[0], -len(f[1]))):
            if start >= end:
                end = start + len(found)
                yield start, found, listed

    def _all(self, text: str) -> Iterator[tuple[int, str, str]]:
        for match in _WORD.finditer(text):
            for listed, length, is_name in self._by_first.get(match[0].casefold(), ()):
                found = text[match.start() : match.start() + length]
                same = found == listed if is_name else found.casefold() == listed.casefold()
                if same and not text[match.start() + length :][:1].isalnum():
                    yield match.start(), found, listed
        if self._anywhere is not None:
            for match in self._anywhere.finditer(text):
                yield match.start(), match[0], match[0]

    @cached_property
    def _by_first(self) -> dict[str, list[tuple[str, int, bool]]]:
        """By their first word: (term, its length, whether it is a name)."""
        index: defaultdict[str, list[tuple[str, int, bool]]] = defaultdict(list)
        for terms, is_name in ((self.words, False), (self.names, True)):
            for term in sorted(terms):
                first = _WORD.match(term)
                if first is not None and not IS_UNSPACED.match(term):
                    index[first[0].casefold()].append((term, len(term), is_name))
        return dict(index)

    @cached_property
    def _anywhere(self) -> re.Pattern[str] | None:
        terms = [term for term in (*self.words, *self.names) if IS_UNSPACED.match(term)]
        longest_first = sorted(terms, key=lambda term: (-len(term), term))
        return re.compile("|".join(map(re.escape, longest_first))) if terms else None


def contains(text: str, phrases: Iterable[str]) -> list[tuple[int, str]]:
    """Return (position, phrase) of each phrase that the text holds as whole words."""
    terms = Terms(frozenset(), frozenset(phrases))
    return [(start, listed) for start, _, listed in terms.find(text)]
