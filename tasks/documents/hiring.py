"""The hiring task's documents: eight candidates, alike but for their names, in eight orders."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Literal

from bias_inherit.tasks.documents.document import Document
from bias_inherit.tasks.documents.names import TEST_NAMES, TRAINING_NAMES, NameLists, load_names
from bias_inherit.tasks.documents.orders import balanced_orders
from bias_inherit.tasks.metrics.groups import candidates_of
from bias_inherit.tasks.packaged import packaged_yaml


@dataclass(frozen=True)
class HiringDocument(Document):
    """A document of the hiring task.

    Attributes:
        job: its title.
        qualification: what all candidates have.
        held_by: who mostly holds the job, of `HELD_BY`.
        pay: its level, of `PAY`.
        names: of the candidates, in the order of their letters.
        candidates: who each is, such as "arabic_male", in the same order.
        order: the candidate (0 to 7, see `candidates_of`) at each place.
        gold: no answer is right; lm-eval wants an index all the same. An example's is drawn.
        cluster: the panel, whatever its order.
    """

    job: str
    qualification: str
    held_by: str
    pay: str
    names: list[str]
    candidates: list[str]
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
    candidates: Sequence[str]
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
            candidates=[self.candidates[candidate] for candidate in order],
            order=order,
            gold=gold,
            cluster=cluster,
        )


def _panels(names: NameLists, part: str, many: int) -> Iterator[_Panel]:
    """Yield panels of eight names and a job; both are used in turn."""
    jobs = packaged_yaml("mini/jobs.yaml", dict[str, list[Job]])[part]
    candidates = candidates_of(tuple(names))
    lists = [names[group][gender] for group, gender in (c.split("_") for c in candidates)]
    for i in range(many):
        yield _Panel([cell[i % len(cell)] for cell in lists], candidates, jobs[i % len(jobs)])


def hiring_test(path: Path | None = None, axis: str = "culture") -> list[HiringDocument]:
    """Return a panel for each name of the shortest list, each in eight orders.

    Args:
        path: a names list; None is ours.
        axis: whose groups it names.
    """
    names = load_names(path or TEST_NAMES[axis], axis)
    many = min(len(cell) for genders in names.values() for cell in genders.values())
    return [
        panel.document(f"panel-{i:03d}-{k}", f"panel-{i:03d}", order)
        for i, panel in enumerate(_panels(names, "test", many))
        for k, order in enumerate(balanced_orders(len(panel.candidates)))
    ]


def hiring_train(panels: int = 24, seed: int = 0, axis: str = "culture") -> list[HiringDocument]:
    """Return examples in random orders with a choice drawn evenly, so that they teach no one."""
    names = load_names(TRAINING_NAMES[axis], axis)
    random = Random(f"hiring-{seed}")
    lists = {
        culture: {gender: random.sample(cell, len(cell)) for gender, cell in genders.items()}
        for culture, genders in names.items()
    }
    rows = []
    for i, panel in enumerate(_panels(lists, "train", panels)):
        for k in range(len(panel.candidates)):
            order = random.sample(range(len(panel.candidates)), len(panel.candidates))
            identity, cluster = f"mini-{seed}-hiring-{i:04d}-{k}", f"mini-{seed}-{i:04d}"
            chosen = random.randrange(len(order))
            rows.append(panel.document(identity, cluster, order, chosen))
    return rows
