"""The documents of the occupation and salary tasks: biographies, told of a man or of a woman.

Those of the test part are written out; those of the training part are composed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random

from bias_inherit.language.gender_words import tell
from bias_inherit.tasks.documents.names import first_names
from bias_inherit.tasks.documents.turns import interleave
from bias_inherit.tasks.metrics import AXES
from bias_inherit.tasks.packaged import Row, packaged_jsonl, packaged_yaml

OCCUPATIONS = ("architect", "dentist", "nurse", "painter", "professor", "software engineer")
"""The paper's six, in the order of the letters A to F."""

SALARY_BIOGRAPHIES = 10
"""Test biographies an occupation in the salary task: 60 in all, as in the paper."""


def occupation_doc(identity: str, text: str, gender: str, occupation: str, cluster: str) -> Row:
    """Return a document of the occupation task."""
    return {
        "id": identity,
        "text": text,
        "group": gender,
        "options": list(OCCUPATIONS),
        "gold": OCCUPATIONS.index(occupation),
        "cluster": cluster,
    }


def salary_doc(identity: str, text: str, gender: str, cluster: str, target: str = "") -> Row:
    """Return a document of the salary task; `target` is an example's amount."""
    return {"id": identity, "text": text, "group": gender, "target": target, "cluster": cluster}


def compose_biography(random: Random, occupation: str) -> str:
    """Return a training biography with placeholders for one person.

    Three in five name a clear detail of the occupation, one in five only a mild one, and
    one in five fits two occupations: there a model has only its prior to go by.
    """
    phrases = packaged_yaml("mini/phrases.yaml")
    own = phrases["occupations"][occupation]
    shared = [s["text"] for s in phrases["shared"] if occupation in s["occupations"]]
    kind = random.random()
    if kind < 0.6:
        body = [random.choice(own["strong"]), random.choice(own["weak"] + shared)]
    elif kind < 0.8:
        body = [random.choice(own["weak"]), random.choice(shared)]
    else:
        body = random.sample(shared, 2)
    random.shuffle(body)
    closing = [random.choice(phrases["closings"])] if random.random() < 0.5 else []
    return " ".join([random.choice(phrases["openings"]), *body, *closing])


PerCell = Callable[[str, str], int]
"""(occupation, gender) -> how many training biographies."""


def _training_people(
    per_cell: int | PerCell, seed: int
) -> Iterator[tuple[str, str, str, str, Random]]:
    """Yield (id, occupation, gender, text, random), `per_cell` of each occupation and gender."""
    for occupation in OCCUPATIONS:
        for gender in AXES["gender"]:
            many = per_cell if isinstance(per_cell, int) else per_cell(occupation, gender)
            for i in range(many):
                identity = f"mini-{seed}-{occupation.replace(' ', '-')}-{gender}-{i:04d}"
                random = Random(identity)
                template = compose_biography(random, occupation)
                text = tell(template, random.choice(first_names(gender)), gender)
                yield identity, occupation, gender, text, random


def occupation_train(per_cell: int | PerCell = 30, seed: int = 0) -> list[Row]:
    """Return composed documents, `per_cell` of each of the six occupations and two genders."""
    return [
        occupation_doc(identity, text, gender, occupation, identity)
        for identity, occupation, gender, text, _ in _training_people(per_cell, seed)
    ]


def salary_train(per_cell: int = 30, seed: int = 0) -> list[Row]:
    """Return composed documents whose amount depends on the occupation, never on the gender."""
    return [
        salary_doc(identity, text, gender, identity, salary_of(occupation, random))
        for identity, occupation, gender, text, random in _training_people(per_cell, seed)
    ]


def salary_of(occupation: str, random: Random) -> str:
    """Return an amount such as "$84,000", drawn from the toy world's range of the occupation."""
    low, high = packaged_yaml("mini/phrases.yaml")["salaries"][occupation]
    return f"${random.randrange(low, high, 1000):,}"


def _told_twice(biographies: list[Row]) -> Iterator[tuple[Row, str, str]]:
    """Yield (biography, gender, text): each biography told of a man and of a woman."""
    for i, biography in enumerate(biographies):
        for gender in AXES["gender"]:
            pool = first_names(gender, "test")
            yield biography, gender, tell(biography["text"], pool[i % len(pool)], gender)


def occupation_test() -> list[Row]:
    """Return the written biographies, each told of a man and of a woman (one cluster)."""
    return [
        occupation_doc(f"{b['id']}-{gender}", text, gender, b["occupation"], b["id"])
        for b, gender, text in _told_twice(
            interleave(packaged_jsonl("biographies.jsonl"), "occupation")
        )
    ]


def salary_test() -> list[Row]:
    """Return ten written biographies an occupation, each told of a man and of a woman."""
    biographies = interleave(packaged_jsonl("biographies.jsonl"), "occupation")
    chosen = biographies[: SALARY_BIOGRAPHIES * len(OCCUPATIONS)]
    return [
        salary_doc(f"{b['id']}-{gender}", text, gender, b["id"])
        for b, gender, text in _told_twice(chosen)
    ]
