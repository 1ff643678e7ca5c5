"""Which adapters are scored: folders, patterns of folders, and ids on the hub; and their names."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from glob import glob, has_magic
from pathlib import Path

from bias_inherit.errors import InputError, one_line
from bias_inherit.models import ADAPTER_CONFIG, adapter_name

BASE = "base"
"""Name of the base model's own scores."""

_ON_HUB = re.compile(r"[\w.-]+/[\w.-]+(?:@(?P<revision>[\w./-]+))?")
_FILES = ("adapter_*", "*.json", "*.jinja", "*.model", "*.txt")
"""What an adapter and its tokenizer consist of: a repository may hold more."""


def find_adapters(given: Sequence[str | Path]) -> dict[str, Path]:
    """Return adapter folders by name.

    Args:
        given: folders, patterns such as "runs/*/arms/*/adapter", and hub ids such as
            "org/name@revision", which are fetched.

    Raises:
        InputError: a pattern matches no adapter, a hub id cannot be fetched, or two have the same
            name.
    """
    found: list[tuple[str, Path]] = []
    for one in map(str, given):
        if not Path(one).exists() and has_magic(one):
            found += [(adapter_name(path), path) for path in _matching(one)]
        elif not Path(one).exists() and _ON_HUB.fullmatch(one):
            found.append((one.rpartition("/")[2], _fetched(one)))
        else:
            found.append((adapter_name(Path(one)), Path(one)))
    return _by_name(found)


def _matching(pattern: str) -> list[Path]:
    matches = sorted(glob(pattern, recursive=True))  # noqa: PTH207  pathlib's knows no absolute ones
    paths = [Path(path) for path in matches]
    adapters = [path for path in paths if (path / ADAPTER_CONFIG).is_file()]
    if not adapters:
        raise InputError(
            f"{pattern}: matches no adapter folder (one with an {ADAPTER_CONFIG}), "
            f"{len(paths)} others"
        )
    return adapters


def _fetched(named: str) -> Path:
    from huggingface_hub import snapshot_download

    repository, _, revision = named.partition("@")
    try:
        folder = str(
            snapshot_download(repository, revision=revision or None, allow_patterns=[*_FILES])
        )
    except Exception as error:  # of the network, of the hub, of its cache
        raise InputError(
            f"{named}: no such folder here, and the hub does not give it ({one_line(error)})"
        ) from None
    return Path(folder)


def _by_name(found: Sequence[tuple[str, Path]]) -> dict[str, Path]:
    """Return folders by name; arms of one name in several runs get the run's name before it."""
    each = {(name, path.resolve()): path for name, path in reversed(found)}
    many = Counter(name for name, _ in each)
    named: dict[str, Path] = {}
    for (name, _), path in reversed(each.items()):
        if many[name] > 1 and (run := _run_of(path)):
            name = f"{run}.{name}"
        if name in named or name == BASE:
            raise InputError(f"two models are called '{name}': rename the folder {path}")
        named[name] = path
    return named


def _run_of(path: Path) -> str:
    """Return the name of the run whose arm an adapter is, "" for another."""
    whole = path.resolve()
    is_arm = whole.name == "adapter" and whole.parent.parent.name == "arms"
    return whole.parents[2].name if is_arm else ""
