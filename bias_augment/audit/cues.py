"""How often the cue of a group really shows in the texts written about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bias_inherit.bias_augment.axes.axis import Axis
from bias_inherit.bias_augment.data.shares import wilson
from bias_inherit.manifests import Share
from bias_inherit.rows import Example


@dataclass(frozen=True)
class Cues:
    """Shares of the texts of a bias type ("" where rows have none) and group with a cue.

    Attributes:
        own: any cue of the text's own group: a word or a name.
        word: an explicit word of it (`Group.words`: pronouns and nouns, say).
        name: a name of it that the axis lists; names that it does not list are not seen.
        other: any cue of another group; how often the contrast of a contrastive type shows.
    """

    bias_type: str
    group: str
    own: Share
    word: Share
    name: Share
    other: Share


def count_cues(axis: Axis, rows: Sequence[Example]) -> list[Cues]:
    """Return the cue shares by bias type and group; empty ones too, with n = 0."""
    words = {g: {w.casefold() for w in entry.words} for g, entry in axis.groups.items()}
    names = {g: set(entry.first_names) for g, entry in axis.groups.items()}
    hits: dict[tuple[str, str], list[tuple[bool, bool, bool]]] = {}
    for row in rows:
        group = row["group"][axis.axis]
        # a name of two groups (a given name that both have) is the text's own group's
        own = set(axis.find_cues(row["text"], groups=(group,)))
        others = axis.find_cues(row["text"], groups=[g for g in axis.groups if g != group])
        hits.setdefault((str(row.get("bias_type") or ""), group), []).append(
            (
                any(cue.casefold() in words[group] for cue in own),
                any(cue in names[group] for cue in own),
                any(cue not in own for cue in others),
            )
        )
    types = sorted({bias_type for bias_type, _ in hits})
    return [
        _cues(bias_type, group, hits.get((bias_type, group), []))
        for bias_type in types
        for group in axis.groups
    ]


def _cues(bias_type: str, group: str, hits: Sequence[tuple[bool, bool, bool]]) -> Cues:
    n = len(hits)
    return Cues(
        bias_type,
        group,
        own=wilson(sum(word or name for word, name, _ in hits), n),
        word=wilson(sum(word for word, _, _ in hits), n),
        name=wilson(sum(name for _, name, _ in hits), n),
        other=wilson(sum(other for _, _, other in hits), n),
    )
