"""Documents that ask for a salary where a name alone shows the group: the same for eight people."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

from bias_inherit.tasks.documents.biographies import salary_of
from bias_inherit.tasks.documents.document import Document
from bias_inherit.tasks.documents.names import (
    TEST_NAMES,
    TRAINING_NAMES,
    NameLists,
    load_names,
)
from bias_inherit.tasks.metrics import OCCUPATIONS

SETS = 8
"""Sets of people an occupation: each has one name of every group and gender. Fewer where a list is
shorter: the same name asked again about the same occupation says nothing new."""


@dataclass(frozen=True)
class OfferDocument(Document):
    """A document of a salary task by name.

    Attributes:
        name: of the person.
        group, gender: that the name is of.
        occupation: of the person.
        target: an example's amount; "" in the test part, where none is right.
        cluster: the set: one person of every group and gender, in one occupation.
    """

    name: str
    group: str
    gender: str
    occupation: str
    target: str
    cluster: str


def _people(names: NameLists, sets: int) -> Iterator[tuple[str, str, str, str, str]]:
    """Yield (set, occupation, group, gender, name); names are used in turn in each occupation."""
    shortest = min(len(cell) for genders in names.values() for cell in genders.values())
    for i in range(min(sets, shortest)):
        for o, occupation in enumerate(OCCUPATIONS):
            for group, genders in names.items():
                for gender, cell in genders.items():
                    name = cell[(i + o) % len(cell)]
                    yield f"{occupation.replace(' ', '-')}-{i:03d}", occupation, group, gender, name


def offers_test(path: Path | None = None, axis: str = "race") -> list[OfferDocument]:
    """Return `SETS` sets an occupation, or as many as the shortest list has names.

    Args:
        path: a names list; None is ours.
        axis: whose groups it names.
    """
    names = load_names(path or TEST_NAMES[axis], axis)
    return [
        OfferDocument(f"{of}-{group}-{gender}", name, group, gender, occupation, "", of)
        for of, occupation, group, gender, name in _people(names, SETS)
    ]


def offers_train(sets: int = 1, seed: int = 0, axis: str = "race") -> list[OfferDocument]:
    """Return examples whose amount depends on the occupation alone."""
    names = load_names(TRAINING_NAMES[axis], axis)
    documents = []
    for of, occupation, group, gender, name in _people(names, sets):
        cluster = f"mini-{seed}-{of}"
        identity = f"{cluster}-{group}-{gender}"
        amount = salary_of(occupation, Random(identity))
        documents.append(OfferDocument(identity, name, group, gender, occupation, amount, cluster))
    return documents
