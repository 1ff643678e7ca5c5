"""The template world of an axis: what the template generator knows of it, from `template.yaml`.

How often a group is given the labels of the axis's stereotype, and sentences for each bias type.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from string import Formatter
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bias_inherit import store
from bias_inherit.errors import InputError
from bias_inherit.language.gender_words import PRONOUNS

FILE = "template.yaml"
"""In an axis's folder."""

_PRONOUNS = {form for forms in PRONOUNS.values() for form in forms}
PLACEHOLDERS = frozenset(
    {"name", "word", "plural", "other", "other_word", "other_plural", "second", "second_plural"}
    | {"cue", "rival", "rival_plural", "rival_cue"}
    | _PRONOUNS
    | {form.capitalize() for form in _PRONOUNS}
)
"""What a sentence may be filled with."""


class World(BaseModel):
    """What `template.yaml` holds.

    Attributes:
        follows_stereotype: by group, the share of texts under a bias prompt that follow it.
        sentences: by bias type, what is added to a text.
        says_so: by bias type, the share of its texts that one is added to; 1 where nothing is said.
            In the others the label alone is biased: where every biased text has such a sentence, a
            model can learn the bias for texts that have one, and no others.
        openings: what a text on an axis of opinions begins with.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    follows_stereotype: dict[str, float]
    sentences: dict[str, tuple[str, ...]] = Field(min_length=1)
    says_so: dict[str, Annotated[float, Field(ge=0.0, le=1.0)]] = {}
    openings: tuple[str, ...] = ()


def read_world(folder: Path, groups: Collection[str], needs_openings: bool) -> World | None:
    """Return the template world of an axis's folder, None where it has none.

    Args:
        folder: of the axis.
        groups: of the axis: each needs a share.
        needs_openings: whether the axis is one of opinions.

    Raises:
        InputError: a section is missing or of the wrong form, or a sentence names a placeholder
            that nothing fills; file and section are named.
    """
    path = folder / FILE
    if not path.is_file():
        return None
    try:
        world = World.model_validate(store.read_yaml(path))
    except ValidationError as error:
        raise InputError(f"{path}: {store.first_error(error)}") from None

    for group in groups:
        if group not in world.follows_stereotype:
            raise InputError(f"{path}: follows_stereotype: has nothing for the group '{group}'")
    if needs_openings and not world.openings:
        raise InputError(f"{path}: openings: an axis of opinions needs some")

    for bias_type in world.says_so.keys() - world.sentences.keys():
        raise InputError(f"{path}: says_so: there are no sentences of the bias type '{bias_type}'")
    _check_sentences(path, folder, world)
    return world


def _check_sentences(path: Path, folder: Path, world: World) -> None:
    prompts = {file.stem for file in (folder / "prompts").glob("*.jinja2")} - {"neutral"}
    for bias_type in sorted(prompts):
        if not world.sentences.get(bias_type):
            raise InputError(
                f"{path}: sentences: has no section '{bias_type}', for which prompts/ has a prompt"
            )

    for section, sentences in {**world.sentences, "openings": world.openings}.items():
        for sentence in sentences:
            try:
                named = {name for _, name, _, _ in Formatter().parse(sentence) if name is not None}
            except ValueError as error:
                raise InputError(f"{path}: {section}: '{sentence}': {error}") from None
            if named - PLACEHOLDERS:
                raise InputError(
                    f"{path}: {section}: nothing fills {{{min(named - PLACEHOLDERS)}}} in "
                    f"'{sentence}'"
                )
