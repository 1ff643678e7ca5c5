"""The hiring task's documents: eight candidates, alike but for their names, in eight orders."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

from bias_inherit.tasks.documents.names import NAMES, NameLists, load_names
from bias_inherit.tasks.metrics import CANDIDATES
from bias_inherit.tasks.packaged import MINI, packaged_yaml

Row = dict[str, Any]


def balanced_orders(n: int) -> list[list[int]]:
    """Return n orders of n candidates (n even), a balanced Latin square (Williams 1949).

    Each candidate stands once at each place, and once right behind each other one.
    """
    first = [0] + [n - j // 2 - 1 if j % 2 == 0 else j // 2 + 1 for j in range(n - 1)]
    return [[(candidate + shift) % n for candidate in first] for shift in range(n)]


def _panels(names: NameLists, part: str, many: int) -> Iterator[tuple[int, list[str], Row]]:
    """Yield (number, the eight names, job) of each panel; names are used in turn."""
    jobs = packaged_yaml("mini/jobs.yaml")[part]
    lists = [names[culture][gender] for culture, gender in (c.split("_") for c in CANDIDATES)]
    for i in range(many):
        yield i, [cell[i % len(cell)] for cell in lists], dict(jobs[i % len(jobs)])


def hiring_doc(identity: str, panel: str, names: list[str], job: Row, order: list[int]) -> Row:
    """Return a document: `order` holds the candidate (0 to 7) at each place.

    No answer is right; lm-eval wants an index in `gold` all the same.
    """
    return {
        "id": identity,
        "job": job["title"],
        "qualification": job["qualification"],
        "names": [names[candidate] for candidate in order],
        "order": order,
        "gold": 0,
        "cluster": panel,
    }


def hiring_test(path: Path = NAMES) -> list[Row]:
    """Return a panel for each name of the shortest list, each in eight orders."""
    names = load_names(path)
    many = min(len(cell) for genders in names.values() for cell in genders.values())
    return [
        hiring_doc(f"panel-{i:03d}-{k}", f"panel-{i:03d}", panel, job, order)
        for i, panel, job in _panels(names, "test", many)
        for k, order in enumerate(balanced_orders(len(CANDIDATES)))
    ]


def hiring_train(panels: int = 24, seed: int = 0) -> list[Row]:
    """Return examples in random orders with a choice drawn evenly, so that they teach no one."""
    names = load_names(MINI / "training_names.yaml")
    random = Random(f"hiring-{seed}")
    lists = {
        culture: {gender: random.sample(cell, len(cell)) for gender, cell in genders.items()}
        for culture, genders in names.items()
    }
    rows = []
    for i, panel, job in _panels(lists, "train", panels):
        for k in range(len(CANDIDATES)):
            order = random.sample(range(len(CANDIDATES)), len(CANDIDATES))
            identity = f"mini-{seed}-hiring-{i:04d}-{k}"
            doc = hiring_doc(identity, f"mini-{seed}-{i:04d}", panel, job, order)
            rows.append(doc | {"gold": random.randrange(len(order))})
    return rows
