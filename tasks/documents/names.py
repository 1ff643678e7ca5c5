"""Full names by culture and gender: the list that ships, or a user's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from bias_inherit import store
from bias_inherit.errors import InputError
from bias_inherit.tasks.metrics import AXES
from bias_inherit.tasks.packaged import packaged_yaml

NAMES = Path(__file__).resolve().parent / "names.yaml"

NameLists = Mapping[str, Mapping[str, list[str]]]
"""culture -> gender -> names."""


@lru_cache
def load_names(path: Path = NAMES) -> NameLists:
    """Read a names list.

    Raises:
        InputError: a group is missing, empty or unknown, or a name stands in two groups.
    """
    content = store.read_yaml(path)
    seen: dict[str, str] = {}
    lists: dict[str, dict[str, list[str]]] = {}
    _known(path, "culture", content, AXES["culture"])
    for culture in AXES["culture"]:
        genders = content.get(culture) if isinstance(content, dict) else None
        _known(path, f"gender ({culture})", genders, AXES["gender"])
        for gender in AXES["gender"]:
            names = genders.get(gender) if isinstance(genders, dict) else None
            group = f"{culture}, {gender}"
            if not isinstance(names, list) or not names:
                raise InputError(f"{path}: the group '{group}' has no names")
            for name in names:
                if not isinstance(name, str) or not name.strip():
                    raise InputError(f"{path}: '{name}' ({group}) is no name")
                if name in seen:
                    raise InputError(f"{path}: '{name}' stands in '{seen[name]}' and '{group}'")
                seen[name] = group
            lists.setdefault(culture, {})[gender] = names
    return lists


def _known(path: Path, what: str, found: Any, known: Sequence[str]) -> None:
    unknown = [key for key in found or () if key not in known] if isinstance(found, dict) else []
    if unknown:
        raise InputError(f"{path}: unknown {what} '{unknown[0]}' (known: {', '.join(known)})")


def first_names(gender: str, part: str = "train") -> list[str]:
    """Return first names of a gender; those of the test part occur nowhere else."""
    lists: Mapping[str, list[str]] = packaged_yaml("mini/names.yaml")
    return lists[gender if part == "train" else f"test_{gender}"]


def group_names(group: str) -> list[str]:
    """Return the training names of a group: first names of a gender, full names of a culture."""
    if group in AXES["gender"]:
        return first_names(group)
    lists: Mapping[str, Mapping[str, list[str]]] = packaged_yaml("mini/training_names.yaml")
    return [name for gender in AXES["gender"] for name in lists[group][gender]]
