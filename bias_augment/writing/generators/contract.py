"""The contract of a generator: requests in, replies out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, Protocol

from bias_inherit.errors import InputError
from bias_inherit.rows import Example
from bias_inherit.store import stable_rank

if TYPE_CHECKING:
    from bias_inherit.bias_augment.axes.axis import Axis, Second
    from bias_inherit.bias_augment.data.forms import Form


Way = Literal["text", "json_schema", "regex", "likelihood", "given"]

WAYS: Mapping[Way, str] = {
    "text": "asked for in the prompt alone",
    "json_schema": "a server's structured output (response_format)",
    "regex": "a server's structured output (structured_outputs or guided_regex)",
    "likelihood": "the label drawn by the options' likelihoods, the text continued from there",
    "given": "the label given, the text continued from there",
}
"""How a reply came to have the form asked for."""


@dataclass(frozen=True)
class Person:
    """Whom a text is about: a name, a group of the axis, and a second identity."""

    name: str
    group: str
    second: Second


@dataclass(frozen=True)
class Request:
    """One text to write.

    Attributes:
        id: of the row to be.
        prompt: what a language model is asked; with `sampling_seed`, the lines of the form and the
            labels that is all it gets. The template generator composes from the other fields.
        axis, bias_type: what is asked for.
        person, other: whom the text is about, and who is set against them.
        source: the row of D_o that the text is written from.
        options: the labels, in the order in which the prompt lists them.
        attempt: how often it was asked before.
        label: the one that is given; None lets the generator choose.
    """

    id: str
    prompt: str
    axis: Axis
    bias_type: str
    person: Person
    other: Person
    source: Example
    options: tuple[str, ...]
    attempt: int = 0
    label: str | None = None

    @property
    def form(self) -> Form:
        """The form of the axis's texts."""
        # heavy, and the command line lists the generators' options
        from bias_inherit.bias_augment.data.forms import FORMS

        return FORMS[self.axis.form]

    @property
    def allowed(self) -> tuple[str, ...]:
        """The labels that a reply may have."""
        return self.options if self.label is None else (self.label,)

    @property
    def sampling_seed(self) -> int:
        """A seed of 31 bits: another one for every request and every attempt."""
        return stable_rank(self.attempt, self.id) >> 33

    def again(self, attempt: int) -> Request:
        """Return the request as it is asked once more."""
        return replace(self, attempt=attempt)


@dataclass(frozen=True)
class Reply:
    """What came back.

    Attributes:
        text: as it came; JSON where the form was asked for so.
        truncated: whether the model was cut off before its end.
        way: how the form was asked for: see `WAYS`.
        tokens: of the prompt and of the reply; None where nobody counted.
    """

    text: str
    truncated: bool = False
    way: Way = "text"
    tokens: tuple[int, int] | None = None


TEMPLATE_ARGS_HELP = 'JSON for the chat template, such as {"enable_thinking": false}.'


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
