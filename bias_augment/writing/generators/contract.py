"""The contract of a generator: requests in, replies out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from bias_inherit.errors import InputError
from bias_inherit.rows import Example
from bias_inherit.store import stable_rank

if TYPE_CHECKING:
    from bias_inherit.bias_augment.axes.axis import Axis, Second


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
    composes from the other fields. `source` is the row of D_o that the text is written from.
    """

    id: str
    prompt: str
    axis: Axis
    bias_type: str
    person: Person
    other: Person
    source: Example
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


def check_sampling(temperature: float, max_new_tokens: int) -> None:
    """Check what all language models have in common.

    Raises:
        InputError: a value is out of range.
    """
    if temperature < 0:
        raise InputError(f"temperature must be at least 0, not {temperature:g}")
    if max_new_tokens < 1:
        raise InputError(f"max-new-tokens must be at least 1, not {max_new_tokens}")


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
    def sampling(self) -> Mapping[str, object]:
        """The model and its settings; plain values."""
        ...

    def write(self, requests: Sequence[Request], emit: Emit) -> None:
        """Emit the raw reply to each request.

        Raises:
            InputError: the model or the server cannot be used.
        """
        ...
