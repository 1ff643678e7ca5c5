"""Read a checkout of CultureLLM as documents of the text tasks.

github Scarelette/CultureLLM (no licence file: users fetch it themselves). `culture_sets.yaml`
lists its sets: path, sha256, culture, the column of the text, and what the labels mean.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from bias_inherit import store
from bias_inherit.errors import InputError
from bias_inherit.tasks.documents.texts import text_doc
from bias_inherit.tasks.documents.turns import interleave
from bias_inherit.tasks.packaged import Row

SETS = Path(__file__).resolve().parent / "culture_sets.yaml"
FEW = 10
"""Fewer positives than this are pointed out."""


def _culture_documents(data: Path, task: str, entry: Mapping[str, Any]) -> Iterator[Row]:
    path = data / entry["path"]
    found = store.sha256(path)
    if not found.startswith(entry["sha256"]):
        raise InputError(
            f"{path}: differs from the published file (sha256 {found[:16]} instead of "
            f"{entry['sha256']}): fetch it again"
        )
    for where, row in store.iter_jsonl(path, (entry["text"], "label")):
        label, text = entry["labels"].get(str(row["label"])), str(row[entry["text"]]).strip()
        if label is None:
            raise InputError(
                f"{where}: unknown label '{row['label']}' (known: {', '.join(entry['labels'])})"
            )
        if not text:
            raise InputError(f"{where}: the text is empty")
        digest = hashlib.sha256(text.encode()).hexdigest()[:16]
        identity = f"{entry['topic']}-{where.rpartition(':')[2]}"
        yield text_doc(task, identity, text, entry["culture"], label, digest) | {
            "source": entry["path"],
            "class": str(row["label"]),
        }


def _take_classes(documents: list[Row], data: Path, task: str, twin: Mapping[str, Any]) -> None:
    """Give the documents of a set the finer classes of its twin, text by text."""
    classes = {d["text"]: d["class"] for d in _culture_documents(data, task, twin)}
    for document in documents:
        if document["source"] == twin["twin_of"]:
            document["class"] = classes.get(document["text"], document["class"])


def read_culture(checkout: Path) -> tuple[dict[str, list[Row]], list[str], list[str]]:
    """Return the documents of each text task, the absent sets, and remarks.

    A remark names a set with fewer than `FEW` positives: an F1 on it would be noise. Texts
    that occur twice or in several sets form one cluster. A set that repeats another's texts
    in finer classes (`twin_of`) is not pooled beside it: it gives the documents a `class`.

    Raises:
        InputError: none of the sets is there, a file differs from the published one, or a
            row is broken.
    """
    data = data_folder(checkout)
    tasks: dict[str, list[Row]] = {}
    absent: list[str] = []
    few: list[str] = []

    for task, sets in store.read_yaml(SETS).items():
        present = [entry for entry in sets if (data / entry["path"]).is_file()]
        absent += [entry["path"] for entry in sets if entry not in present]
        if not present:
            continue

        there = {entry["path"] for entry in present}
        twins = [entry for entry in present if entry.get("twin_of") in there]
        pooled = [entry for entry in present if entry not in twins]
        documents = [d for entry in pooled for d in _culture_documents(data, task, entry)]
        for entry in twins:
            _take_classes(documents, data, task, entry)

        for entry in pooled:
            positives = sum(d["gold"] for d in documents if d["source"] == entry["path"])
            if positives < FEW:
                few.append(f"only {positives} positives: {entry['path']}")
        tasks[task] = interleave(documents, "source")

    if not tasks:
        raise InputError(
            f"{checkout}: none of the sets is there; expected a checkout of CultureLLM with "
            f"data/{absent[0]}"
        )
    return tasks, absent, few


def data_folder(checkout: Path) -> Path:
    """Return the folder of a checkout's data: `data/`, or the folder itself."""
    return checkout / "data" if (checkout / "data").is_dir() else checkout
