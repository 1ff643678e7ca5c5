"""The template generator: offline, deterministic, from phrase lists.

It stands in for an LLM in the lab. It is a controlled toy: how strongly it follows a
stereotype is a number in its YAML.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from random import Random
from typing import Any

import yaml

from bias_inherit.bias_augment.bias_types import NEUTRAL
from bias_inherit.bias_augment.generators import Request
from bias_inherit.errors import InputError
from bias_inherit.tasks.gender_words import tell
from bias_inherit.tasks.mini_data import compose_biography

HERE = Path(__file__).resolve().parent.parent / "template"


class TemplateGenerator:
    """Composes each text from the request's id alone, so it never depends on the order."""

    name = "template"

    def write(self, requests: Sequence[Request]) -> Iterator[str]:
        """Yield a composed reply in the two-line form that the prompts ask for."""
        for request in requests:
            yield self._reply(request)

    def _reply(self, request: Request) -> str:
        world = template_world(request.axis.axis)
        random = Random(request.id)
        label = self._label(request, world, random)
        text = compose_biography(random, str(request.seed["label"]))
        if request.bias_type != NEUTRAL:
            text += " " + random.choice(world["sentences"][request.bias_type])
        groups = request.axis.groups
        person, other = groups[request.person.group], groups[request.other.group]
        second = request.person.second.beside(person)
        rival = request.other.second.beside(other)
        told = tell(
            text,
            request.person.name,
            request.person.group,
            word=person.word,
            plural=person.plural,
            other=request.other.name,
            other_word=other.word,
            other_plural=other.plural,
            second=second["explicit"],
            second_plural=second["plural"],
            cue=second["implicit"],
            rival=rival["explicit"],
            rival_plural=rival["plural"],
            rival_cue=rival["implicit"],
        )
        return f"Occupation: {label}\nBiography: {told[:1].upper()}{told[1:]}"

    def _label(self, request: Request, world: Mapping[str, Any], random: Random) -> str:
        group = request.person.group
        if request.bias_type == NEUTRAL or random.random() >= world["follows_stereotype"][group]:
            return str(request.seed["label"])
        return str(random.choice(world["stereotype"][group]))


@lru_cache
def template_world(axis: str) -> Mapping[str, Any]:
    """Return what the template generator knows of an axis: its stereotype and its sentences.

    Raises:
        InputError: it knows nothing of the axis.
    """
    path = HERE / f"{axis}.yaml"
    if not path.is_file():
        raise InputError(f"the template generator knows no axis '{axis}': use another generator")
    world: Mapping[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return world
