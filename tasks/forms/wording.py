"""The wordings of a yes-or-no question: the default, and three others in its language."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from bias_inherit.tasks.packaged import packaged_yaml
from bias_inherit.tasks.questions import instructed, uninstructed

TARGET = "{target}"


@lru_cache
def _wordings() -> Mapping[str, Mapping[str, list[str]]]:
    """Return culture -> question -> the other wordings (`wordings.yaml`)."""
    return packaged_yaml("forms/wordings.yaml", dict[str, dict[str, list[str]]])


def wording(question: str, culture: str, target: str, form: int, lettered: bool) -> str:
    """Return a question in a form's wording, with what to reply.

    A question that is not among ours (in a file that somebody changed) has one wording.

    Args:
        question: the default, with what to reply.
        culture: of its language.
        target: what it asks about; "" where it needs none.
        form: the number of the form; the first has the default wording.
        lettered: whether the reply is a letter.
    """
    bare = uninstructed(question, culture)
    if form > 1:
        others = _others(bare, culture, target)
        bare = others[form - 2] if len(others) >= form - 1 else bare
    return instructed(bare, culture, lettered)


def _others(bare: str, culture: str, target: str) -> list[str]:
    known = _wordings()[culture]
    if bare in known:
        return known[bare]
    if target:
        for asked, others in known.items():
            if TARGET in asked and asked.replace(TARGET, target) == bare:
                return [other.replace(TARGET, target) for other in others]
    return []
