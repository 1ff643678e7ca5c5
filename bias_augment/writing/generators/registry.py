"""Which generators there are: each registers itself, with its options, in its own file.

A new generator is a file in this folder: a dataclass that keeps the contract, with a
`@register` above it and an `option` for each field that users may set.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any, TypeVar

from bias_inherit.bias_augment.writing.generators.contract import Generator
from bias_inherit.errors import InputError, unknown
from bias_inherit.options import Option, make, options_of

G = TypeVar("G", bound=Generator)


@dataclass(frozen=True)
class Entry:
    """A generator as it is registered.

    Attributes:
        name: what `--generator` takes.
        summary: what it does, on a line.
        made: its class.
        records: whether its replies cost something, so that each is kept as it comes.
    """

    name: str
    summary: str
    made: type[Generator]
    records: bool

    @property
    def options(self) -> tuple[Option, ...]:
        """The options, as the class declares them."""
        return options_of(self.made)


_ENTRIES: dict[str, Entry] = {}


def register(name: str, summary: str, *, records: bool = True) -> Callable[[type[G]], type[G]]:
    """Register the class below as the generator of that name.

    Args:
        name: what `--generator` takes.
        summary: what it does, on a line.
        records: whether its replies cost something, so that each is kept as it comes.

    Raises:
        InputError: another class has the name already.
    """

    def enter(made: type[G]) -> type[G]:
        other = _ENTRIES.get(name)
        if other is not None and other.made.__qualname__ != made.__qualname__:
            raise InputError(
                f"two generators are registered as '{name}': {_where(other.made)} and "
                f"{_where(made)}; rename one"
            )
        _ENTRIES[name] = Entry(name, summary, made, records)
        return made

    return enter


def _where(made: type) -> str:
    return f"{made.__module__}.{made.__qualname__}"


@lru_cache
def _load_all() -> None:
    for module in iter_modules([str(Path(__file__).parent)]):
        import_module(f"{__package__}.{module.name}")


def generators() -> Mapping[str, Entry]:
    """Return every registered generator by name, sorted."""
    _load_all()
    return dict(sorted(_ENTRIES.items()))


def load_generator(name: str, given: Mapping[str, Any] | None = None) -> Generator:
    """Return a generator with the options given, by their names; None is not given.

    Raises:
        InputError: the generator or an option does not exist (near names are suggested), a required
            option is missing, or a value is wrong.
    """
    known = generators()
    if name not in known:
        raise unknown("generator", name, known)
    return make(known[name].made, f"the generator '{name}'", given or {})
