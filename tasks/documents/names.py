"""Names by group and gender: the lists that ship (full names by culture, first names by race), or a
user's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path

from bias_inherit import store
from bias_inherit.errors import InputError
from bias_inherit.tasks.metrics import AXES
from bias_inherit.tasks.packaged import MINI, packaged_yaml

_HERE = Path(__file__).resolve().parent
NAMES = _HERE / "names.yaml"
TEST_NAMES: Mapping[str, Path] = {"culture": NAMES, "race": _HERE / "race_names.yaml"}
"""The names that tests show, by axis."""
TRAINING_NAMES: Mapping[str, Path] = {
    "culture": MINI / "training_names.yaml",
    "race": MINI / "race_training_names.yaml",
}
"""The names that examples show."""

NameLists = Mapping[str, Mapping[str, list[str]]]
"""group -> gender -> names."""


@lru_cache
def load_names(path: Path = NAMES, axis: str = "culture") -> NameLists:
    """Read a names list.

    Args:
        path: of the list.
        axis: whose groups it names.

    Raises:
        InputError: a group is missing, empty or unknown, or a name stands in two groups.
    """
    groups, genders = AXES[axis], AXES["gender"]
    content = store.read_yaml(path)
    _known(path, axis, content, groups)

    seen: dict[str, str] = {}
    lists: dict[str, dict[str, list[str]]] = {group: {} for group in groups}
    for group in groups:
        found = content.get(group) if isinstance(content, dict) else None
        _known(path, f"gender ({group})", found, genders)
        for gender in genders:
            names = found.get(gender) if isinstance(found, dict) else None
            lists[group][gender] = _checked(path, f"{group}, {gender}", names, seen)
    return lists


def axis_of_names(path: Path) -> str:
    """Return the axis of which a names list names the most groups; of equals the first."""
    content = store.read_yaml(path)
    named = set(content) if isinstance(content, dict) else set()
    return max(TEST_NAMES, key=lambda axis: len(named & set(AXES[axis])))


def _checked(path: Path, group: str, names: object, seen: dict[str, str]) -> list[str]:
    """Return the names of a group; `seen` holds the group of each name so far."""
    if not isinstance(names, list) or not names:
        raise InputError(f"{path}: the group '{group}' has no names")
    for name in names:
        if not isinstance(name, str) or not name.strip():
            raise InputError(f"{path}: '{name}' ({group}) is no name")
        if name in seen:
            raise InputError(f"{path}: '{name}' stands in '{seen[name]}' and '{group}'")
        seen[name] = group
    return names


def _known(path: Path, what: str, found: object, known: Sequence[str]) -> None:
    unknown = [key for key in found or () if key not in known] if isinstance(found, dict) else []
    if unknown:
        raise InputError(f"{path}: unknown {what} '{unknown[0]}' (known: {', '.join(known)})")


def first_names(gender: str, part: str = "train") -> list[str]:
    """Return first names of a gender; those of the test part occur nowhere else."""
    return _first_names()[gender if part == "train" else f"test_{gender}"]


@lru_cache
def _first_names() -> Mapping[str, list[str]]:
    return packaged_yaml("mini/names.yaml", dict[str, list[str]])


def group_names(group: str) -> list[str]:
    """Return the training names of a group: first names of a gender, full names of a culture."""
    if group in AXES["gender"]:
        return first_names(group)
    lists = load_names(MINI / "training_names.yaml")[group]
    return [name for gender in AXES["gender"] for name in lists[gender]]
