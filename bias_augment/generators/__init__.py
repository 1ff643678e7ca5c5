"""Generators write the texts of D_a: one file each, one small contract."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from bias_inherit.bias_augment.axes import Axis, Second


@dataclass(frozen=True)
class Person:
    """Whom a text is about: a first name, a group of the axis, and a second identity."""

    name: str
    group: str
    second: Second


@dataclass(frozen=True)
class Request:
    """One text to write.

    `prompt` is all that a language model sees; the template generator composes from the
    other fields. `seed` is the example of D_o that stands as the model.
    """

    id: str
    prompt: str
    axis: Axis
    bias_type: str
    person: Person
    other: Person
    seed: Mapping[str, Any]


class Generator(Protocol):
    """Writes one reply a request, in the order of the requests."""

    name: str

    def write(self, requests: Sequence[Request]) -> Iterator[str]:
        """Yield the raw replies, as a language model would give them."""
        ...
