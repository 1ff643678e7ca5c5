"""Which languages the texts are in: cue words, trait lexicon and refusals are of one alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from bias_inherit.bias_augment.axes.axis import HERE, Axis
from bias_inherit.language.guess import ENGLISH, guess_language
from bias_inherit.rows import Example

SHORT = "too short to tell"

Languages = Mapping[str, Mapping[str, int]]
"""By group, how many texts look to be in a language."""


def count_languages(axis: Axis, rows: Sequence[Example]) -> dict[str, dict[str, int]]:
    """Return how many texts of each group are in which language, the commonest first."""
    counted = {group: Counter[str]() for group in axis.groups}
    for row in rows:
        counted[row["group"][axis.axis]][guess_language(row["text"]) or SHORT] += 1
    return {group: dict(found.most_common()) for group, found in counted.items()}


def axis_language(axis: Axis) -> str | None:
    """Return the language of the axis's cue words; None if of several, or it cannot be told."""
    words = [word for group in axis.groups.values() for word in group.words]
    if axis.folder.parent == HERE:  # those that ship are English, some with words of their groups
        return ENGLISH if all(word.isascii() for word in words) else None
    return guess_language(" ".join(words))
