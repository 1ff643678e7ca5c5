"""Generators write the texts of D_a: one file each, one small contract."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from bias_inherit.bias_augment.axes.axis import Axis, Second
from bias_inherit.store import stable_rank


@dataclass(frozen=True)
class Person:
    """Whom a text is about: a name, a group of the axis, and a second identity."""

    name: str
    group: str
    second: Second


@dataclass(frozen=True)
class Request:
    """One text to write.

    `prompt` and `sampling_seed` are all that a language model gets; the template generator
    composes from the other fields. `seed` is the example of D_o that stands as the model.
    """

    id: str
    prompt: str
    axis: Axis
    bias_type: str
    person: Person
    other: Person
    seed: Mapping[str, Any]
    attempt: int = 0

    @property
    def sampling_seed(self) -> int:
        """A seed of 31 bits: another one for every request and every attempt."""
        return stable_rank(self.attempt, self.id) >> 33

    def again(self, attempt: int) -> Request:
        """Return the request as it is asked once more."""
        return replace(self, attempt=attempt)


@dataclass(frozen=True)
class Reply:
    """What came back; `truncated` says that the model was cut off before its end."""

    text: str
    truncated: bool = False


Emit = Callable[[int, Reply], None]
"""(number of the request, its reply): called once a request, as replies come, in any order."""


class Generator(Protocol):
    """Writes one reply a request.

    `name` stands in every row; `sampling` is what decides a reply beside the prompt and its
    seed (the model and its settings): written into manifests, and part of a record's keys.
    """

    @property
    def name(self) -> str:
        """Who writes."""
        ...

    @property
    def sampling(self) -> Mapping[str, Any]:
        """The model and its settings; plain values."""
        ...

    def write(self, requests: Sequence[Request], emit: Emit) -> None:
        """Emit the raw reply to each request.

        Raises:
            InputError: the model or the server cannot be used.
        """
        ...
