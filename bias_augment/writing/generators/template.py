"""The template generator: offline, deterministic, from phrase lists.

It stands in for an LLM in the lab. It is a controlled toy: how strongly it follows a
stereotype is a number in its YAML.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from random import Random
from typing import Any, ClassVar

from bias_inherit import store
from bias_inherit.bias_augment.axes.axis import Axis
from bias_inherit.bias_augment.axes.bias_types import NEUTRAL
from bias_inherit.bias_augment.data.forms import FORMS
from bias_inherit.bias_augment.writing.generators.contract import Emit, Reply, Request
from bias_inherit.bias_augment.writing.generators.registry import register
from bias_inherit.errors import InputError
from bias_inherit.language.gender_words import PRONOUNS, tell
from bias_inherit.tasks.documents.biographies import OCCUPATIONS, compose_biography

FILE = "template.yaml"
"""In an axis's folder: its stereotype and the sentences of its bias types."""


@register("template", "Offline and deterministic, from phrase lists: a toy.", records=False)
@dataclass
class TemplateGenerator:
    """Composes each text from the request's id alone, so it never depends on the order."""

    name: ClassVar[str] = "template"
    sampling: ClassVar[Mapping[str, object]] = {}

    def write(self, requests: Sequence[Request], emit: Emit) -> None:
        """Emit a composed reply in the two-line form that the prompts ask for."""
        for i, request in enumerate(requests):
            emit(i, Reply(self.reply(request)))

    def reply(self, request: Request) -> str:
        """Return the composed reply to a request.

        Raises:
            InputError: the template generator knows nothing of the axis.
        """
        world = template_world(request.axis)
        again = f"#{request.attempt}" if request.attempt else ""
        random = Random(request.id + again)
        label = _label(request, world, random)
        text = _body(request, world, random)
        if request.bias_type != NEUTRAL:
            text += " " + random.choice(world["sentences"][request.bias_type])

        groups = request.axis.groups
        person, other = groups[request.person.group], groups[request.other.group]
        second = request.person.second.beside(person)
        rival = request.other.second.beside(other)
        told = tell(
            text,
            request.person.name,
            request.person.group if request.person.group in PRONOUNS else None,
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

        form = FORMS[request.axis.form]
        return f"{form.label}: {label}\n{form.text}: {told[:1].upper()}{told[1:]}"


def _body(request: Request, world: Mapping[str, Any], random: Random) -> str:
    if request.axis.form == "biography":
        label = str(request.source["label"])
        if label not in OCCUPATIONS:
            raise InputError(
                f"the template generator knows no occupation '{label}' (only "
                f"{', '.join(OCCUPATIONS)}): use another generator"
            )
        return compose_biography(random, label)
    return str(random.choice(world["openings"]))


def _label(request: Request, world: Mapping[str, Any], random: Random) -> str:
    """Return the seed's label, or under a bias prompt, as often as stated, the stereotype's."""
    group = request.person.group
    if request.bias_type == NEUTRAL or random.random() >= world["follows_stereotype"][group]:
        return str(request.source["label"])
    chosen = random.choice(world["stereotype"][group])
    return str(request.source["options"][chosen] if isinstance(chosen, int) else chosen)


@lru_cache
def _world(path: Path) -> Mapping[str, Any]:
    world: Mapping[str, Any] = store.read_yaml(path)
    return world


def template_world(axis: Axis) -> Mapping[str, Any]:
    """Return what the template generator knows of an axis: its stereotype and its sentences.

    Raises:
        InputError: it knows nothing of the axis.
    """
    path = axis.folder / FILE
    if not path.is_file():
        raise InputError(
            f"the template generator knows no axis '{axis.axis}': write {path}, or use another "
            "generator"
        )
    return _world(path)
