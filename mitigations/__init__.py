"""Mitigations: ways to train on biased text that may let less of the bias through.

One file each, one small contract (`Mitigation`): a mitigation may transform the examples
before training, and may add a term to the loss. Each module has a `RECIPE`: a name, a
summary, its options, and `make`, which turns options in force into a `Mitigation`. One that
ships is named in `_MODULES`; a user's own is a .py file with a `RECIPE`, used by its path.
docs/MITIGATIONS.md shows one from nothing.
"""

from __future__ import annotations

import copy
import math
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from numbers import Real
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Protocol

from bias_inherit import store
from bias_inherit.errors import InputError, unknown

if TYPE_CHECKING:
    import numpy as np
    import torch

Example = dict[str, Any]
"""A row, with the columns that bias_augment/examples.py documents."""


class GroupWords(Protocol):
    """The words of one group of an axis."""

    @property
    def word(self) -> str:
        """What names one of its members ("a {word}")."""
        ...

    @property
    def plural(self) -> str:
        """What names all of them."""
        ...

    @property
    def first_names(self) -> tuple[str, ...]:
        """Names that tell the group, whole and the given name alone; written as they stand."""
        ...

    @property
    def words(self) -> tuple[str, ...]:
        """The words that reveal the group in any case: `word`, `plural` and others."""
        ...


class AxisWords(Protocol):
    """What a transform may ask an axis (`bias_inherit.bias_augment.axes.axis.Axis` is one)."""

    @property
    def groups(self) -> Mapping[str, GroupWords]:
        """The groups by name."""
        ...

    def find_cues(self, text: str) -> list[str]:
        """Return the distinct words of `text` that reveal a group, as they stand there."""
        ...

    def swap(self, text: str, group: str, other: str) -> str:
        """Return the text told of the group `other` instead of `group`."""
        ...


class Tools(Protocol):
    """What a transform may ask the trainer for."""

    def axis(self, name: str) -> AxisWords:
        """Return the axis of that name; InputError where there is none."""
        ...

    def features(self, examples: Sequence[Example]) -> np.ndarray:
        """Return phi of the untouched base, float32 of shape (examples, width).

        phi of a row is the mean over its tokens of the last hidden states.
        """
        ...


Transform = Callable[[list[Example], Tools], list[Example]]
"""The whole mix in, the whole mix out; see `Mitigation.transform`."""

Penalty = Callable[["torch.Tensor", "torch.Tensor"], "torch.Tensor"]
"""(E_o[phi], E_a[phi]), each float32 of shape (width,) -> a scalar added to the loss."""


@dataclass(frozen=True)
class Mitigation:
    """What a mitigation does; both parts are optional.

    Attributes:
        name, summary: as listed; the name stands in the adapter's name.
        transform: the whole mix in, the whole mix out. Original rows come out equal and in
            their order. It may change, drop or add augmented rows (new ids, origin
            "augmented"), and give them a column `weight` (a number above 0; without one it
            is 1) by which the row's loss is multiplied.
        penalty: added to the loss, from the means of phi over the original and over the
            augmented rows of a batch. The trainer sees to padding, accumulation, several
            processes and batches that have rows of one kind alone.
        layer: the hidden states that phi is taken from, an index into transformers'
            `hidden_states`: -1 is the last layer's, 0 the embeddings.
        options: the options in force; the adapter's manifest names them.
    """

    name: str
    summary: str
    transform: Transform | None = None
    penalty: Penalty | None = None
    layer: int = -1
    options: Mapping[str, Any] = field(default_factory=dict)

    def apply(self, examples: Iterable[Example], tools: Tools) -> list[Example]:
        """Return the mix as `transform` leaves it; the rows given are not touched.

        Raises:
            InputError: the transform broke the contract: it changed an original row, used an
                id twice, or gave a row without prompt and completion or with a wrong weight;
                or a row lacks what it needs.
        """
        rows = list(examples)
        if self.transform is None:
            return rows
        told = self.transform(copy.deepcopy(rows), tools)
        self._check(rows, told)
        return told

    def _check(self, before: list[Example], after: object) -> None:
        broken = f"mitigation '{self.name}'"
        if not isinstance(after, list) or not all(isinstance(row, dict) for row in after):
            raise InputError(f"{broken}: its transform must return a list of rows")
        seen: set[str] = set()
        for row in after:
            for column in ("id", "prompt", "completion", "origin"):
                if not isinstance(row.get(column), str):
                    raise InputError(f"{broken}: row '{row.get('id')}' has no text as '{column}'")
            if row["id"] in seen:
                raise InputError(f"{broken}: the id '{row['id']}' occurs twice in what it returns")
            seen.add(row["id"])
            weight = row.get("weight", 1.0)
            if isinstance(weight, bool) or not isinstance(weight, Real):
                raise InputError(f"{broken}: row '{row['id']}': the weight {weight!r} is no number")
            if not 0 < float(weight) < math.inf:
                raise InputError(f"{broken}: row '{row['id']}': the weight {weight} is not above 0")
            if row["origin"] not in ("original", "augmented"):
                raise InputError(
                    f"{broken}: row '{row['id']}': origin must be original or augmented, not "
                    f"{row['origin']!r}"
                )
        kept = [row for row in after if row["origin"] == "original"]
        given = [row for row in before if row["origin"] == "original"]
        if kept != given:
            wrong = [new["id"] for old, new in zip(given, kept, strict=False) if old != new]
            same = len(given) == len(kept)
            which = f"row '{wrong[0]}'" if same else f"{len(given)} became {len(kept)}"
            raise InputError(
                f"{broken}: original rows must come out as they went in, in their order ({which})"
            )


NONE = Mitigation("none", "Train on the mix as it is.")


@dataclass(frozen=True)
class Option:
    """An option of a mitigation.

    Attributes:
        name: as written before the "=".
        default: its value where it is not given.
        help: what it does, on a line.
        parse: reads a value as written; a ValueError says what is expected.
    """

    name: str
    default: Any
    help: str
    parse: Callable[[str], Any] = str


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


def number(least: float) -> Callable[[str], float]:
    """Return a parser of finite numbers from `least` on."""

    def parse(value: str) -> float:
        try:
            found = float(value)
        except ValueError:
            found = math.nan
        if not (math.isfinite(found) and found >= least):
            raise ValueError(f"a number from {least:g} on")
        return found

    return parse


def integer(value: str) -> int:
    """Return a whole number; ValueError for anything else."""
    try:
        return int(value)
    except ValueError:
        raise ValueError("a whole number") from None


def yes_no(value: str) -> bool:
    """Return True for "true" and False for "false", in any case; ValueError for others."""
    known = {"true": True, "false": False}
    if value.strip().lower() not in known:
        raise ValueError("true or false")
    return known[value.strip().lower()]


def some_text(value: str) -> str:
    """Return a text that is not blank; ValueError for others."""
    if not value.strip():
        raise ValueError("a text that is not empty")
    return value


_MODULES = ("token", "mask", "loss", "reweight", "counterfactual")
_NEXT = re.compile(r",(?=\s*[A-Za-z_][\w-]*\s*=)")
"""A comma before the next option; one inside a sentence is part of the value."""


def mitigations() -> Mapping[str, Recipe]:
    """Return every mitigation that ships by name, with its summary and options; "none" is one."""
    none = Recipe(NONE.name, NONE.summary, lambda _: NONE)
    found = [import_module(f"{__name__}.{module}").RECIPE for module in _MODULES]
    return {recipe.name: recipe for recipe in (none, *found)}


def parse_options(text: str) -> dict[str, str]:
    """Return the options in a text such as "lambda=0.5,layer=-2", as written.

    A comma ends a value only where another `name=` follows. An empty text has no options.

    Raises:
        InputError: a part has no "=", or an option occurs twice.
    """
    options: dict[str, str] = {}
    for part in _NEXT.split(text) if text.strip() else ():
        name, equals, value = part.partition("=")
        if not equals or not name.strip():
            raise InputError(f"mitigation options '{text}': write name=value, not '{part.strip()}'")
        if name.strip() in options:
            raise InputError(f"mitigation options '{text}': '{name.strip()}' occurs twice")
        options[name.strip()] = value.strip()
    return options


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
