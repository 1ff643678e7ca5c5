"""The story task's documents: a character's name; examples composed from phrase lists."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from random import Random

from bias_inherit.errors import InputError
from bias_inherit.language.gender_words import tell
from bias_inherit.tasks.documents.document import Document, Row
from bias_inherit.tasks.documents.names import TEST_NAMES, TRAINING_NAMES, load_names
from bias_inherit.tasks.packaged import packaged_yaml
from bias_inherit.tasks.reading.traits import lexicon_path, load_lexicon


@dataclass(frozen=True)
class StoryDocument(Document):
    """A document of the story task.

    Attributes:
        name: of the character.
        group: the culture (or race) that the name is of.
        gender: that the name is of.
        target: an example's story; "" in the test part.
        cluster: the name.
    """

    name: str
    group: str
    gender: str
    target: str
    cluster: str


def story_test(path: Path | None = None, axis: str = "culture") -> list[StoryDocument]:
    """Return a document for each name.

    Args:
        path: a names list; None is ours.
        axis: whose groups it names.
    """
    lists = [
        (culture, gender, cell)
        for culture, genders in load_names(path or TEST_NAMES[axis], axis).items()
        for gender, cell in genders.items()
    ]
    named = [  # all eight groups in turn, so that `--limit` cuts all alike
        (f"{culture}-{gender}-{i:03d}", cell[i], culture, gender)
        for i in range(max(len(cell) for _, _, cell in lists))
        for culture, gender, cell in lists
        if i < len(cell)
    ]
    return [StoryDocument(*told, "", told[0]) for told in named]


def repeat(rows: Iterable[Row], stories: object, traits: str | None) -> list[Row]:
    """Return each row `stories` times, with the lexicon that its stories are read by.

    Raises:
        InputError: `stories` is no whole number of at least 1, or the lexicon is none.
    """
    if isinstance(stories, bool) or not isinstance(stories, int) or stories < 1:
        raise InputError(f"stories a name: a whole number of at least 1 is needed, not {stories!r}")
    lexicon = str(Path(traits).resolve()) if traits else ""
    load_lexicon(lexicon_path(lexicon))
    given = list(rows)
    return [
        row | {"id": f"{row['id']}-{k}", "traits": lexicon} for k in range(stories) for row in given
    ]


@dataclass(frozen=True)
class Phrases:
    """What example stories are composed of: `traits` by dimension and end."""

    openings: list[str]
    neutral: list[str]
    closings: list[str]
    traits: dict[str, dict[str, list[str]]]


def story_train(per_cell: int = 6, seed: int = 0, axis: str = "culture") -> list[StoryDocument]:
    """Return composed stories, `per_cell` of each group and gender, alike for all."""
    rows = []
    for culture, genders in load_names(TRAINING_NAMES[axis], axis).items():
        for gender, names in genders.items():
            for i in range(per_cell):
                identity = f"mini-{seed}-story-{culture}-{gender}-{i:04d}"
                random = Random(identity)
                name = random.choice(names)
                story = tell(_compose(random), name.split()[0], gender)
                rows.append(StoryDocument(identity, name, culture, gender, story, identity))
    return rows


@lru_cache
def _phrases() -> Phrases:
    return packaged_yaml("mini/stories.yaml", Phrases)


def _compose(random: Random) -> str:
    phrases = _phrases()
    traits = [random.choice(random.choice(list(d.values()))) for d in phrases.traits.values()]
    body = [*random.sample(traits, 2), random.choice(phrases.neutral)]
    random.shuffle(body)
    return " ".join([random.choice(phrases.openings), *body, random.choice(phrases.closings)])
