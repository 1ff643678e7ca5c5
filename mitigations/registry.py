"""Which mitigations there are: each registers itself in its own file; a user's is a file too."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from pkgutil import iter_modules
from types import ModuleType
from typing import Any

from bias_inherit import store
from bias_inherit.errors import InputError, unknown
from bias_inherit.mitigations.contract import NONE, Mitigation
from bias_inherit.mitigations.options import Option

ORDER = ("none", "token", "mask", "loss")
"""The paper's come first in a listing; ours follow by name."""


@dataclass(frozen=True)
class Recipe:
    """How a mitigation is made from options.

    Attributes:
        name: lower-case letters, digits and "-".
        summary: what it does, on a line.
        make: gets every option at the value in force and returns the mitigation.
        options: the options there are.
    """

    name: str
    summary: str
    make: Callable[[Mapping[str, Any]], Mitigation]
    options: tuple[Option, ...] = ()


_RECIPES: dict[str, Recipe] = {NONE.name: Recipe(NONE.name, NONE.summary, lambda _: NONE)}


def register(recipe: Recipe) -> Recipe:
    """Register a mitigation and return it.

    Raises:
        InputError: another one has the name already.
    """
    other = _RECIPES.get(recipe.name)
    if other is not None and other.make.__module__ != recipe.make.__module__:
        raise InputError(
            f"two mitigations are registered as '{recipe.name}': in {other.make.__module__} and in "
            f"{recipe.make.__module__}; rename one"
        )
    _RECIPES[recipe.name] = recipe
    return recipe


@lru_cache
def _load_all() -> None:
    for module in iter_modules([str(Path(__file__).parent)]):
        import_module(f"{__package__}.{module.name}")


def mitigations() -> Mapping[str, Recipe]:
    """Return every mitigation that ships by name; "none" is one."""
    _load_all()
    first = [name for name in ORDER if name in _RECIPES]
    return {name: _RECIPES[name] for name in (*first, *sorted(set(_RECIPES) - set(first)))}


def load_mitigation(name: str, options: Mapping[str, str] | None = None) -> Mitigation:
    """Return the mitigation of that name, or of a user's .py file, with options in force.

    Raises:
        InputError: there is no such mitigation or option (near names are suggested), a value
            is wrong, or the file has no usable `RECIPE`.
    """
    recipe = _own(Path(name)) if name.endswith(".py") else mitigations().get(name)
    if recipe is None:
        raise unknown("mitigation", name, mitigations())

    known = {option.name: option for option in recipe.options}
    in_force = {option.name: option.default for option in recipe.options}
    for key, value in (options or {}).items():
        if not known:
            raise InputError(f"mitigation '{recipe.name}' has no options, so no '{key}'")
        if key not in known:
            raise unknown(f"option of the mitigation '{recipe.name}'", key, known)
        try:
            in_force[key] = known[key].parse(str(value))
        except ValueError as error:
            raise InputError(
                f"mitigation '{recipe.name}': {key} must be {error}, not '{value}'"
            ) from None

    made = recipe.make(in_force)
    if not isinstance(made, Mitigation):
        raise InputError(f"mitigation '{recipe.name}': its make must return a Mitigation")
    return replace(made, name=recipe.name, summary=recipe.summary, options=in_force)


def _own(path: Path) -> Recipe:
    """Return the recipe in a user's file."""
    if not path.is_file():
        raise InputError(f"mitigation '{path}': no such file")
    recipe = getattr(_imported(path), "RECIPE", None)
    if not isinstance(recipe, Recipe):
        raise InputError(
            f"mitigation '{path}': has no RECIPE of the type Recipe (docs/MITIGATIONS.md shows one)"
        )
    if not re.fullmatch(r"[a-z][a-z0-9-]*", recipe.name) or recipe.name in mitigations():
        raise InputError(
            f"mitigation '{path}': the name '{recipe.name}' must be lower-case letters, digits and "
            f"'-', and none of {', '.join(mitigations())}"
        )
    return recipe


def _imported(path: Path) -> ModuleType:
    # The module's name holds the file's hash, so that two files of one name do not meet.
    spec = spec_from_file_location(f"mitigation_{store.sha256(path)[:16]}", path)
    assert spec is not None and spec.loader is not None  # every .py file has a loader
    module = module_from_spec(spec)
    sys.modules[spec.name] = module  # where dataclasses look up a class's annotations
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[spec.name]
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        raise InputError(f"mitigation '{path}': cannot be imported ({reason})") from error
    return module
