"""The task files: which there are, and what they say."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from bias_inherit.store import YamlLoader

HERE = Path(__file__).resolve().parent
PREFIX = "bias_inherit_"


class ConfigLoader(YamlLoader):  # type: ignore[misc]  # a base class chosen at run time
    """Reads a task's YAML without importing the functions that it names."""


ConfigLoader.add_constructor("!function", lambda loader, node: str(node.value))


@lru_cache
def task_files() -> Mapping[str, Path]:
    """Return the YAML of each task by its full name, sorted: the ten, their twins, the probe."""
    found = sorted(HERE.glob("*/*.yaml"))
    return {path.stem: path for path in found if path.stem.endswith(path.parent.name)}


@lru_cache
def task_config(name: str) -> Mapping[str, Any]:
    """Return a task's YAML with its includes merged; the prefix `bias_inherit_` may be left out."""
    files = task_files()
    return read_config(files.get(f"{PREFIX}{name}") or files[name])


def documents_of(name: str) -> str:
    """Return which documents a task asks about, by its `dataset_kwargs`."""
    documents: str = task_config(name)["dataset_kwargs"]["documents"]
    return documents


def task_names() -> list[str]:
    """Return the names of the ten tasks on disk, sorted, without the prefix `bias_inherit_`."""
    return [name.removeprefix(PREFIX) for name in task_files() if name.startswith(PREFIX)]


def read_config(path: Path) -> dict[str, Any]:
    """Return a YAML with its includes merged; functions stand as their names."""
    config: dict[str, Any] = yaml.load(path.read_text(encoding="utf-8"), Loader=ConfigLoader)
    include = config.pop("include", None)
    return (read_config(path.parent / include) if include else {}) | config
