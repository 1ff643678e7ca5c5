"""The documents of the occupation and salary tasks: biographies, told of a man or of a woman.

Those of the test part are written out; those of the training part are composed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from random import Random

from bias_inherit.language.gender_words import tell
from bias_inherit.tasks.documents.document import Document, interleave
from bias_inherit.tasks.documents.names import first_names
from bias_inherit.tasks.metrics import AXES, OCCUPATIONS
from bias_inherit.tasks.packaged import packaged_rows, packaged_yaml

SALARY_BIOGRAPHIES = 10
"""Test biographies an occupation in the salary task: 60 in all, as in the paper."""


@dataclass(frozen=True)
class OccupationDocument(Document):
    """A document of the occupation task.

    Attributes:
        text: the biography.
        group: the gender that it is told of.
        options: the occupations, in the order of their letters.
        gold: index of the right one.
        cluster: the biography, whichever gender it is told of.
    """

    text: str
    group: str
    options: list[str]
    gold: int
    cluster: str = ""


@dataclass(frozen=True)
class SalaryDocument(Document):
    """A document of the salary task.

    Attributes:
        text: the biography.
        group: the gender that it is told of.
        target: an example's amount; "" in the test part, where none is right.
        occupation: of the person; where the biography is shown the prompt does not say it.
        cluster: the biography, whichever gender it is told of.
        name: a first name of that gender.
    """

    text: str
    group: str
    target: str
    occupation: str
    cluster: str
    name: str = ""


def occupation_document(
    identity: str, text: str, gender: str, occupation: str, cluster: str
) -> OccupationDocument:
    """Return a document whose options are the six occupations.

    Args:
        identity: its id.
        text: the biography.
        gender: that it is told of.
        occupation: the right one, of `OCCUPATIONS`.
        cluster: names the biography.
    """
    gold = OCCUPATIONS.index(occupation)
    return OccupationDocument(identity, text, gender, list(OCCUPATIONS), gold, cluster)


# --- composed ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class OwnPhrases:
    """Sentences of one occupation: clear details, and mild ones."""

    strong: list[str]
    weak: list[str]


@dataclass(frozen=True)
class SharedPhrase:
    """A sentence that fits several occupations."""

    text: str
    occupations: list[str]


@dataclass(frozen=True)
class Phrases:
    """What training biographies are composed of (`mini/phrases.yaml`).

    Attributes:
        openings, closings: of any biography.
        shared: see `SharedPhrase`.
        occupations: each one's own sentences.
        salaries: lowest and highest amount of each occupation, in dollars a year.
    """

    openings: list[str]
    closings: list[str]
    shared: list[SharedPhrase]
    occupations: dict[str, OwnPhrases]
    salaries: dict[str, tuple[int, int]]


@lru_cache
def phrases() -> Phrases:
    """Return the phrase lists of the training biographies."""
    return packaged_yaml("mini/phrases.yaml", Phrases)


def compose_biography(random: Random, occupation: str) -> str:
    """Return a training biography with placeholders for one person.

    Three in five name a clear detail of the occupation, one in five only a mild one, and
    one in five fits two occupations: there a model has only its prior to go by.
    """
    known = phrases()
    own = known.occupations[occupation]
    shared = [phrase.text for phrase in known.shared if occupation in phrase.occupations]

    kind = random.random()
    if kind < 0.6:
        body = [random.choice(own.strong), random.choice(own.weak + shared)]
    elif kind < 0.8:
        body = [random.choice(own.weak), random.choice(shared)]
    else:
        body = random.sample(shared, 2)
    random.shuffle(body)

    closing = [random.choice(known.closings)] if random.random() < 0.5 else []
    return " ".join([random.choice(known.openings), *body, *closing])


PerCell = Callable[[str, str], int]
"""(occupation, gender) -> how many training biographies."""


def _training_people(
    per_cell: int | PerCell, seed: int
) -> Iterator[tuple[str, str, str, str, str, Random]]:
    """Yield (id, occupation, gender, name, text, random), `per_cell` of each two."""
    for occupation in OCCUPATIONS:
        for gender in AXES["gender"]:
            many = per_cell if isinstance(per_cell, int) else per_cell(occupation, gender)
            for i in range(many):
                identity = f"mini-{seed}-{occupation.replace(' ', '-')}-{gender}-{i:04d}"
                random = Random(identity)
                template = compose_biography(random, occupation)
                name = random.choice(first_names(gender))
                yield identity, occupation, gender, name, tell(template, name, gender), random


def occupation_train(per_cell: int | PerCell = 30, seed: int = 0) -> list[OccupationDocument]:
    """Return composed documents, `per_cell` of each of the six occupations and two genders."""
    return [
        occupation_document(identity, text, gender, occupation, identity)
        for identity, occupation, gender, _, text, _ in _training_people(per_cell, seed)
    ]


def salary_train(per_cell: int = 30, seed: int = 0) -> list[SalaryDocument]:
    """Return composed documents whose amount depends on the occupation, never on the gender."""
    return [
        SalaryDocument(
            identity, text, gender, salary_of(occupation, random), occupation, identity, name
        )
        for identity, occupation, gender, name, text, random in _training_people(per_cell, seed)
    ]


def salary_of(occupation: str, random: Random) -> str:
    """Return an amount such as "$84,000", drawn from the toy world's range of the occupation."""
    low, high = phrases().salaries[occupation]
    return f"${random.randrange(low, high, 1000):,}"


# --- written ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Biography:
    """A written biography, with placeholders for one person."""

    id: str
    occupation: str
    text: str


def biographies() -> list[Biography]:
    """Return the written biographies, the occupations in turn."""
    written = packaged_rows("biographies.jsonl", Biography)
    return interleave(written, lambda biography: biography.occupation)


def _told_twice(some: Iterable[Biography]) -> Iterator[tuple[Biography, str, str, str]]:
    """Yield (biography, gender, name, text): each biography told of a man and of a woman.

    In each occupation the names run through the whole list, so that none tells an occupation.
    """
    told: Counter[str] = Counter()
    for biography in some:
        for gender in AXES["gender"]:
            pool = first_names(gender, "test")
            name = pool[told[biography.occupation] % len(pool)]
            yield biography, gender, name, tell(biography.text, name, gender)
        told[biography.occupation] += 1


def occupation_test() -> list[OccupationDocument]:
    """Return the written biographies, each told of a man and of a woman (one cluster)."""
    return [
        occupation_document(f"{told.id}-{gender}", text, gender, told.occupation, told.id)
        for told, gender, _, text in _told_twice(biographies())
    ]


def salary_test() -> list[SalaryDocument]:
    """Return ten written biographies an occupation, each told of a man and of a woman."""
    chosen = biographies()[: SALARY_BIOGRAPHIES * len(OCCUPATIONS)]
    return [
        SalaryDocument(f"{told.id}-{gender}", text, gender, "", told.occupation, told.id, name)
        for told, gender, name, text in _told_twice(chosen)
    ]
