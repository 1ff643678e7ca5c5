"""The story task's documents: a character's name; examples composed from phrase lists."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

from bias_inherit.errors import InputError
from bias_inherit.language.gender_words import tell
from bias_inherit.tasks.documents.names import NAMES, load_names
from bias_inherit.tasks.packaged import MINI, packaged_yaml
from bias_inherit.tasks.reading.traits import lexicon_path, load_lexicon

Row = dict[str, Any]


def story_doc(identity: str, name: str, culture: str, target: str = "") -> Row:
    """Return a document; `target` is an example's story."""
    return {"id": identity, "name": name, "group": culture, "target": target, "cluster": identity}


def story_test(path: Path = NAMES) -> list[Row]:
    """Return a document for each name."""
    lists = [
        (culture, gender, cell)
        for culture, genders in load_names(path).items()
        for gender, cell in genders.items()
    ]
    return [  # all eight groups in turn, so that `--limit` cuts all alike
        story_doc(f"{culture}-{gender}-{i:03d}", cell[i], culture)
        for i in range(max(len(cell) for _, _, cell in lists))
        for culture, gender, cell in lists
        if i < len(cell)
    ]


def repeat(rows: list[Row], stories: Any, traits: str | None) -> list[Row]:
    """Return each document `stories` times, with the lexicon that its stories are read by.

    Raises:
        InputError: `stories` is no whole number of at least 1, or the lexicon is none.
    """
    if isinstance(stories, bool) or not isinstance(stories, int) or stories < 1:
        raise InputError(f"stories a name: a whole number of at least 1 is needed, not {stories!r}")
    lexicon = str(Path(traits).resolve()) if traits else ""
    load_lexicon(lexicon_path(lexicon))
    return [
        row | {"id": f"{row['id']}-{k}", "traits": lexicon} for k in range(stories) for row in rows
    ]


def story_train(per_cell: int = 6, seed: int = 0) -> list[Row]:
    """Return composed stories, `per_cell` of each culture and gender, alike for all."""
    rows = []
    for culture, genders in load_names(MINI / "training_names.yaml").items():
        for gender, names in genders.items():
            for i in range(per_cell):
                identity = f"mini-{seed}-story-{culture}-{gender}-{i:04d}"
                random = Random(identity)
                name = random.choice(names)
                story = tell(_compose(random), name.split()[0], gender)
                rows.append(story_doc(identity, name, culture, story))
    return rows


def _compose(random: Random) -> str:
    phrases = packaged_yaml("mini/stories.yaml")
    traits = [random.choice(random.choice(list(d.values()))) for d in phrases["traits"].values()]
    body = [*random.sample(traits, 2), random.choice(phrases["neutral"])]
    random.shuffle(body)
    return " ".join([random.choice(phrases["openings"]), *body, random.choice(phrases["closings"])])
