"""The template generator: offline, deterministic, from phrase lists.

It stands in for an LLM in the lab. It is a controlled toy: how strongly it follows a
stereotype is a number in its YAML.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, ClassVar

from bias_inherit.bias_augment.writing.generators.contract import Emit, Reply, Request
from bias_inherit.bias_augment.writing.generators.registry import register
from bias_inherit.errors import InputError
from bias_inherit.language.gender_words import PRONOUNS, tell

if TYPE_CHECKING:
    from bias_inherit.bias_augment.axes.axis import Axis
    from bias_inherit.bias_augment.axes.world import World


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
        # the rooms below are heavy, and the command line lists this generator's options
        from bias_inherit.bias_augment.axes.bias_types import is_control

        world = template_world(request.axis)
        again = f"#{request.attempt}" if request.attempt else ""
        random = Random(request.id + again)
        label = _label(request, world, random)
        text = _body(request, world, random)
        if not is_control(request.bias_type) and _says_so(request, world, random):
            text += " " + random.choice(world.sentences[request.bias_type])

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

        form = request.form
        return f"{form.label}: {label}\n{form.text}: {told[:1].upper()}{told[1:]}"


def _says_so(request: Request, world: World, random: Random) -> bool:
    share = world.says_so.get(request.bias_type, 1.0)
    return share == 1.0 or random.random() < share


def _body(request: Request, world: World, random: Random) -> str:
    from bias_inherit.tasks.documents.biographies import compose_biography
    from bias_inherit.tasks.metrics import OCCUPATIONS

    if request.axis.form == "biography":
        label = str(request.source["label"])
        if label not in OCCUPATIONS:
            raise InputError(
                f"the template generator knows no occupation '{label}' (only "
                f"{', '.join(OCCUPATIONS)}): use another generator"
            )
        return compose_biography(random, label)
    return random.choice(world.openings)


def _label(request: Request, world: World, random: Random) -> str:
    """Return the label given, or the seed's, or as often as stated the stereotype's."""
    from bias_inherit.bias_augment.axes.bias_types import is_control

    if request.label is not None:
        return request.label
    group = request.person.group
    if is_control(request.bias_type) or random.random() >= world.follows_stereotype[group]:
        return str(request.source["label"])
    chosen = random.choice(request.axis.stereotype[group])
    return str(request.source["options"][chosen] if isinstance(chosen, int) else chosen)


def template_world(axis: Axis) -> World:
    """Return what the template generator knows of an axis: how often it follows, and sentences.

    Raises:
        InputError: it knows nothing of the axis.
    """
    if axis.world is None:
        raise InputError(
            f"the template generator knows no axis '{axis.axis}': write "
            f"{axis.folder / 'template.yaml'}, or use another generator"
        )
    return axis.world
