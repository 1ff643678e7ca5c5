"""Read a checkout of CultureLLM as documents of the text tasks.

github Scarelette/CultureLLM (no licence file: users fetch it themselves). `culture_sets.yaml`
lists its sets: path, sha256, culture, the column of the text, and what the labels mean.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from bias_inherit import store
from bias_inherit.errors import InputError
from bias_inherit.tasks.documents.document import Row, interleave
from bias_inherit.tasks.documents.texts import TextDocument, text_document
from bias_inherit.tasks.packaged import packaged_yaml
from bias_inherit.tasks.questions import instructed

SETS = Path(__file__).resolve().parent / "culture_sets.yaml"

FEW = 10
"""Fewer positives than this are pointed out."""


class CultureSet(BaseModel):
    """A public set.

    Attributes:
        path: below the checkout's `data/`.
        culture: of its language.
        text: the column of the text.
        question: what its labels are about, in its language, without the instruction.
        labels: what the values of the column `label` mean: 1 is what the task looks for.
        n: its rows.
        sha256: first 16 digits of the file as published.
        topic: names its documents.
        twin_of: the path of the set whose texts it repeats in finer classes.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: str
    culture: str
    text: str
    question: str
    labels: dict[str, int]
    n: int
    sha256: str
    topic: str
    twin_of: str | None = None


def culture_sets() -> Mapping[str, list[CultureSet]]:
    """Return the sets of each text task (`culture_sets.yaml`)."""
    return packaged_yaml(SETS, dict[str, list[CultureSet]])


@dataclass(frozen=True)
class PublicText:
    """A document, with the path of its set and the label that it has there, as it is written."""

    document: TextDocument
    source: str
    label: str

    def to_row(self) -> Row:
        """Return the document's columns, and `source` and `class`."""
        return self.document.to_row() | {"source": self.source, "class": self.label}


def _read_set(data: Path, task: str, of: CultureSet) -> Iterator[PublicText]:
    path = data / of.path
    found = store.sha256(path)
    if not found.startswith(of.sha256):
        raise InputError(
            f"{path}: differs from the published file (sha256 {found[:16]} instead of "
            f"{of.sha256}): fetch it again"
        )

    for where, row in store.iter_jsonl(path, (of.text, "label")):
        written, text = str(row["label"]), str(row[of.text]).strip()
        label = of.labels.get(written)
        if label is None:
            raise InputError(f"{where}: unknown label '{written}' (known: {', '.join(of.labels)})")
        if not text:
            raise InputError(f"{where}: the text is empty")

        digest = hashlib.sha256(text.encode()).hexdigest()[:16]
        identity = f"{of.topic}-{where.rpartition(':')[2]}"
        document = text_document(task, identity, text, of.culture, label, digest)
        asked = replace(document, question=instructed(of.question, of.culture))
        yield PublicText(asked, of.path, written)


def _with_classes(
    texts: Iterable[PublicText], twin: CultureSet, finer: Iterable[PublicText]
) -> list[PublicText]:
    """Return the texts; those of the set that `twin` repeats have its finer classes."""
    classes = {text.document.text: text.label for text in finer}
    return [
        replace(text, label=classes.get(text.document.text, text.label))
        if text.source == twin.twin_of
        else text
        for text in texts
    ]


def read_culture(checkout: Path) -> tuple[dict[str, list[PublicText]], list[str], list[str]]:
    """Return the documents of each text task, the absent sets, and remarks.

    A remark names a set with fewer than `FEW` positives: an F1 on it would be noise. Texts
    that occur twice or in several sets form one cluster. A set that repeats another's texts
    in finer classes (`twin_of`) is not pooled beside it: it gives the documents a `class`.

    Raises:
        InputError: none of the sets is there, a file differs from the published one, or a
            row is broken.
    """
    data = data_folder(checkout)
    tasks: dict[str, list[PublicText]] = {}
    absent: list[str] = []
    few: list[str] = []

    for task, sets in culture_sets().items():
        present = [of for of in sets if (data / of.path).is_file()]
        absent += [of.path for of in sets if of not in present]
        if not present:
            continue

        there = {of.path for of in present}
        twins = [of for of in present if of.twin_of in there]
        pooled = [of for of in present if of not in twins]
        texts = [text for of in pooled for text in _read_set(data, task, of)]
        for twin in twins:
            texts = _with_classes(texts, twin, _read_set(data, task, twin))

        for of in pooled:
            positives = sum(text.document.gold for text in texts if text.source == of.path)
            if positives < FEW:
                few.append(f"only {positives} positives: {of.path}")
        tasks[task] = interleave(texts, lambda text: text.source)

    if not tasks:
        raise InputError(
            f"{checkout}: none of the sets is there; expected a checkout of CultureLLM with "
            f"data/{absent[0]}"
        )
    return tasks, absent, few


def data_folder(checkout: Path) -> Path:
    """Return the folder of a checkout's data: `data/`, or the folder itself."""
    return checkout / "data" if (checkout / "data").is_dir() else checkout
