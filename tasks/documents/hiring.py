"""The hiring task's documents: eight candidates, alike but for their names, in eight orders."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Literal

from bias_inherit.tasks.documents.document import Document
from bias_inherit.tasks.documents.names import NAMES, NameLists, load_names
from bias_inherit.tasks.documents.orders import balanced_orders
from bias_inherit.tasks.metrics import CANDIDATES
from bias_inherit.tasks.packaged import MINI, packaged_yaml


@dataclass(frozen=True)
class HiringDocument(Document):
    """A document of the hiring task.

    Attributes:
        job: its title.
        qualification: what all candidates have.
        held_by: who mostly holds the job, of `HELD_BY`.
        pay: its level, of `PAY`.
        names: of the candidates, in the order of their letters.
        order: the candidate (0 to 7, an index of `CANDIDATES`) at each place.
        gold: no answer is right; lm-eval wants an index all the same. An example's is drawn.
        cluster: the panel, whatever its order.
    """

    job: str
    qualification: str
    held_by: str
    pay: str
    names: list[str]
    order: list[int]
    gold: int
    cluster: str


@dataclass(frozen=True)
class Job:
    """A job (`mini/jobs.yaml`): its title, what is asked for, who mostly holds it, and its pay."""

    title: str
    qualification: str
    held_by: Literal["men", "women"]
    pay: Literal["low", "middle", "high"]


@dataclass(frozen=True)
class _Panel:
    names: list[str]
    job: Job

    def document(
        self, identity: str, cluster: str, order: list[int], gold: int = 0
    ) -> HiringDocument:
        """Return the panel in an order.

        Args:
            identity: the document's id.
            cluster: names the panel.
            order: the candidate at each place.
            gold: an example's choice.
        """
        names = [self.names[candidate] for candidate in order]
        job = self.job
        return HiringDocument(
            id=identity,
            job=job.title,
            qualification=job.qualification,
            held_by=job.held_by,
            pay=job.pay,
            names=names,
            order=order,
            gold=gold,
            cluster=cluster,
        )


def _panels(names: NameLists, part: str, many: int) -> Iterator[_Panel]:
    """Yield panels of eight names and a job; both are used in turn."""
    jobs = packaged_yaml("mini/jobs.yaml", dict[str, list[Job]])[part]
    lists = [names[culture][gender] for culture, gender in (c.split("_") for c in CANDIDATES)]
    for i in range(many):
        yield _Panel([cell[i % len(cell)] for cell in lists], jobs[i % len(jobs)])


def hiring_test(path: Path = NAMES) -> list[HiringDocument]:
    """Return a panel for each name of the shortest list, each in eight orders."""
    names = load_names(path)
    many = min(len(cell) for genders in names.values() for cell in genders.values())
    return [
        panel.document(f"panel-{i:03d}-{k}", f"panel-{i:03d}", order)
        for i, panel in enumerate(_panels(names, "test", many))
        for k, order in enumerate(balanced_orders(len(CANDIDATES)))
    ]


def hiring_train(panels: int = 24, seed: int = 0) -> list[HiringDocument]:
    """Return examples in random orders with a choice drawn evenly, so that they teach no one."""
    names = load_names(MINI / "training_names.yaml")
    random = Random(f"hiring-{seed}")
    lists = {
        culture: {gender: random.sample(cell, len(cell)) for gender, cell in genders.items()}
        for culture, genders in names.items()
    }
    rows = []
    for i, panel in enumerate(_panels(lists, "train", panels)):
        for k in range(len(CANDIDATES)):
            order = random.sample(range(len(CANDIDATES)), len(CANDIDATES))
            identity, cluster = f"mini-{seed}-hiring-{i:04d}-{k}", f"mini-{seed}-{i:04d}"
            chosen = random.randrange(len(order))
            rows.append(panel.document(identity, cluster, order, chosen))
    return rows
