"""Axes: the groups of a social bias, how they are named, and which words give them away."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property, lru_cache
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict

from bias_inherit.errors import unknown
from bias_inherit.tasks import mini_data

HERE = Path(__file__).resolve().parent / "axes"


class Group(BaseModel):
    """One group: the words that name it, its first names, and the other words that reveal it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    word: str
    plural: str
    names: tuple[str, ...]
    cues: tuple[str, ...]


class Second(BaseModel):
    """A second identity for the intersectional types; {word} and {plural} are the group's.

    `explicit` and `plural` name it beside the group; `implicit` is a detail that shows it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    explicit: str
    plural: str
    implicit: str

    def beside(self, group: Group) -> dict[str, str]:
        """Return its three wordings for a member of the group."""
        return {
            "explicit": self.explicit.format(word=group.word),
            "plural": self.plural.format(plural=group.plural),
            "implicit": self.implicit,
        }


class Axis(BaseModel):
    """A social axis with its groups; `task` names the documents that D_o and D_a are made of."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    axis: str
    task: str
    groups: dict[str, Group]
    second: tuple[Second, ...]

    @cached_property
    def _cue_pattern(self) -> re.Pattern[str]:
        words = {cue for group in self.groups.values() for cue in group.cues}
        names = {name for group in self.groups.values() for name in group.names}
        return re.compile(rf"\b(?:(?i:{'|'.join(sorted(words))})|{'|'.join(sorted(names))})\b")

    def find_cues(self, text: str, also: Sequence[str] = ()) -> list[str]:
        """Return the distinct words of `text` that reveal a group, in order of appearance."""
        found = dict.fromkeys(self._cue_pattern.findall(text))
        found |= dict.fromkeys(w for w in also if re.search(rf"\b{re.escape(w)}\b", text))
        return list(found)


def axis_names() -> list[str]:
    """Return the names of the axes on disk."""
    return sorted(path.stem for path in HERE.glob("*.yaml"))


@lru_cache
def load_axis(name: str) -> Axis:
    """Return the axis of that name.

    Raises:
        InputError: there is none; near names are suggested.
    """
    path = HERE / f"{name}.yaml"
    if not path.is_file():
        raise unknown("axis", name, axis_names())
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    for group, entry in content["groups"].items():
        if entry["names"] == "mini":
            entry["names"] = mini_data.names(group)
    return Axis.model_validate(content)
