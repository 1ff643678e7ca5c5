"""Structured output: how a server is asked for a form that its model cannot miss.

In order: a JSON schema in `response_format` (OpenAI, vLLM, SGLang, llama.cpp), a regular expression
in `structured_outputs` (vLLM from 0.12) or `guided_regex` (before), the prompt alone.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from bias_inherit.bias_augment.writing.generators.contract import Reply, Request, Way

Structure = Literal["auto", "json_schema", "structured_outputs", "guided_regex", "text"]


_FAILURES = 2
"""So many errors of a server (500) to a way that never worked are a refusal."""


@dataclass(frozen=True)
class Asked:
    """A way to ask.

    Attributes:
        name: of it.
        way: what a reply that came so is recorded as.
        asks: request -> what is added to the body.
        is_heeded: whether a reply to a request has the form, as it has where the server heeds it.
    """

    name: Structure
    way: Way
    asks: Callable[[Request], Mapping[str, object]]
    is_heeded: Callable[[Request, str], bool]


class Structures:
    """Which way a server is asked in: the first that it takes, found out once.

    A way that the server refuses is not asked in again; nor is any structure where the first reply
    has another form, for then the server ignores what it does not know.
    """

    def __init__(self, asked: Structure) -> None:
        self._left = [each for each in _WAYS if asked in ("auto", each.name)]
        self._is_proven = False
        self._failures = 0

    @property
    def now(self) -> Asked:
        """The way to ask in."""
        return self._left[0]

    def refuse(self, tried: Asked) -> bool:
        """Drop a way that the server refused; return whether there is another to ask in."""
        if tried is not self.now:  # a request beside this one found out before
            return True
        if len(self._left) == 1:
            return False
        self._left, self._is_proven, self._failures = self._left[1:], False, 0
        return True

    def fail(self, tried: Asked) -> bool:
        """Count an error that may be a refusal; return whether to ask in another way at once."""
        if self._is_proven or tried is not self.now:
            return False
        self._failures += 1
        return self._failures >= _FAILURES and self.refuse(tried)

    def see(self, tried: Asked, reply: Reply, request: Request) -> Reply:
        """Return a reply with the way that it came in: one that has not the form is text."""
        if tried.is_heeded(request, reply.text):
            self._is_proven |= tried is self.now
            return replace(reply, way=tried.way)
        is_told = reply.text.strip() and not reply.truncated
        if is_told and tried is self.now and not self._is_proven:
            self._left = self._left[-1:]
        return replace(reply, way="text")


def schema(request: Request) -> Mapping[str, object]:
    """Return the JSON schema of a reply: the label, one of a list, and the text.

    The list is sorted: servers compile a schema once, and the prompt's order is another each time.
    """
    form = request.form
    return {
        "type": "object",
        "properties": {
            form.label: {"type": "string", "enum": sorted(request.allowed)},
            form.text: {"type": "string"},
        },
        "required": [form.label, form.text],
        "additionalProperties": False,
    }


def pattern(request: Request) -> str:
    """Return the regular expression of a reply in two lines."""
    form = request.form
    labels = "|".join(map(re.escape, sorted(request.allowed)))
    return rf"{form.label}: ({labels})\n{form.text}: [^\n]+"


def _asks_schema(request: Request) -> Mapping[str, object]:
    form = request.form
    of = {"name": form.text.lower(), "strict": True, "schema": schema(request)}
    return {"response_format": {"type": "json_schema", "json_schema": of}}


def _is_object(request: Request, text: str) -> bool:
    form = request.form
    try:
        value = json.loads(text)
    except ValueError:
        return False
    return (
        isinstance(value, dict)
        and isinstance(value.get(form.label), str)
        and isinstance(value.get(form.text), str)
    )


def _is_matched(request: Request, text: str) -> bool:
    return re.fullmatch(pattern(request), text.strip()) is not None


_WAYS = (
    Asked("json_schema", "json_schema", _asks_schema, _is_object),
    Asked(
        "structured_outputs",
        "regex",
        lambda request: {"structured_outputs": {"regex": pattern(request)}},
        _is_matched,
    ),
    Asked(
        "guided_regex",
        "regex",
        lambda request: {"guided_regex": pattern(request)},
        _is_matched,
    ),
    Asked("text", "text", lambda request: {}, lambda request, text: True),
)
