"""The mini data: what the suite runs on at once and offline, written for it.

The *test* part is written out, sentence by sentence (`mini/*.jsonl`). The *training* part
is composed from phrase lists (`mini/*.yaml`) that share no sentence with the test part;
the lab's base model and the mini D_o come from it. A toy world: its numbers say nothing
about people or about real models.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from itertools import zip_longest
from pathlib import Path
from random import Random
from typing import Any

import yaml

from bias_inherit.tasks.gender_words import tell
from bias_inherit.tasks.metrics import AXES

HERE = Path(__file__).resolve().parent
MINI = HERE / "mini"

OCCUPATIONS = ("architect", "dentist", "nurse", "painter", "professor", "software engineer")
"""The paper's six, in the order of the letters A to F."""

TEXT_TASKS = (
    "bias_detection",
    "hate_speech",
    "offensive_language",
    "abusive_language",
    "stance",
    "spam",
)
"""The tasks that ask yes or no about a text in one of four languages."""

SALARY_BIOGRAPHIES = 10
"""Test biographies an occupation in the salary task: 60 in all, as in the paper."""

Row = dict[str, Any]


@lru_cache
def packaged_yaml(name: str) -> Any:
    """Return a YAML that stands in this folder or below it."""
    return yaml.safe_load((HERE / name).read_text(encoding="utf-8"))


@lru_cache
def packaged_jsonl(name: str) -> list[Row]:
    """Return the rows of a file of the mini data."""
    lines = (MINI / name).read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def names(gender: str, part: str = "train") -> list[str]:
    """Return first names of a gender; those of the test part occur nowhere else."""
    lists: Mapping[str, list[str]] = packaged_yaml("mini/names.yaml")
    return lists[gender if part == "train" else f"test_{gender}"]


def group_names(group: str) -> list[str]:
    """Return the training names of a group: first names of a gender, full names of a culture."""
    if group in AXES["gender"]:
        return names(group)
    lists: Mapping[str, Mapping[str, list[str]]] = packaged_yaml("mini/training_names.yaml")
    return [name for gender in AXES["gender"] for name in lists[group][gender]]


# --- biographies ---------------------------------------------------------------------------


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
                text = tell(template, random.choice(names(gender)), gender)
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


def interleave(rows: Iterable[Row], key: str) -> list[Row]:
    """Return the rows in turn from each value of `key`, so that `--limit` cuts all alike."""
    parts: dict[Any, list[Row]] = {}
    for row in rows:
        parts.setdefault(row[key], []).append(row)
    return [row for turn in zip_longest(*parts.values()) for row in turn if row is not None]


def _told_twice(biographies: list[Row]) -> Iterator[tuple[Row, str, str]]:
    """Yield (biography, gender, text): each biography told of a man and of a woman."""
    for i, biography in enumerate(biographies):
        for gender in AXES["gender"]:
            pool = names(gender, "test")
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


# --- yes/no on a text ------------------------------------------------------------------------


def text_doc(task: str, identity: str, text: str, culture: str, label: int, cluster: str) -> Row:
    """Return a document of a text task, with the question in the text's own language."""
    table = packaged_yaml("questions.yaml")
    words = table["words"][culture]
    return {
        "id": identity,
        "text": text,
        "group": culture,
        "question": table["questions"][task][culture],
        "text_label": words["text_label"],
        "answer_label": words["answer_label"],
        "options": [words["no"], words["yes"]],
        "gold": label,
        "cluster": cluster,
    }


def text_test(task: str) -> list[Row]:
    """Return the written test texts of a task in four languages."""
    rows = interleave(packaged_jsonl(f"{task}_test.jsonl"), "culture")
    return [text_doc(task, r["id"], r["text"], r["culture"], r["label"], r["id"]) for r in rows]


def text_train(task: str, per_cell: int = 60, seed: int = 0) -> list[Row]:
    """Return composed texts, `per_cell` of each culture and label."""
    phrases = packaged_yaml(f"mini/{task}_train.yaml")
    rows = []
    for culture in AXES["culture"]:
        for label, kind in enumerate(("unbiased", "biased")):
            for i in range(per_cell):
                identity = f"mini-{seed}-{task}-{culture}-{label}-{i:04d}"
                text = _compose_text(Random(identity), phrases[culture], kind, culture)
                rows.append(text_doc(task, identity, text, culture, label, identity))
    return rows


def _compose_text(random: Random, phrases: Mapping[str, Any], kind: str, culture: str) -> str:
    block = random.choice(phrases[kind])
    space = "" if culture == "chinese" else " "
    sentence = random.choice(block["subjects"]) + space + random.choice(block["predicates"])
    text = str(random.choice(phrases["prefixes"]) + sentence)
    return text[:1].upper() + text[1:]
