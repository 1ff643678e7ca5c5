"""Prepare the full public data: BiasinBios and a CultureLLM checkout become task documents.

Sources: BiasinBios, hub id `LabHC/bias_in_bios` (MIT), columns hard_text, profession,
gender; CultureLLM, github Scarelette/CultureLLM (no licence file: users fetch it
themselves). Both parts of a task are drawn by a hash of each text, so they depend neither
on the order of the rows nor on the platform.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from bias_inherit import store
from bias_inherit.errors import InputError
from bias_inherit.tasks.candidates import hiring_test
from bias_inherit.tasks.gender_words import has_gender_words, swap_gender
from bias_inherit.tasks.metrics import AXES
from bias_inherit.tasks.mini_data import (
    OCCUPATIONS,
    SALARY_BIOGRAPHIES,
    interleave,
    names,
    occupation_doc,
    salary_doc,
    text_doc,
)
from bias_inherit.tasks.respondents import read_respondents
from bias_inherit.tasks.stories import story_test
from bias_inherit.tasks.survey import country_counts, read_survey
from bias_inherit.tasks.tables import Located, read_splits

HERE = Path(__file__).resolve().parent
HUB_ID = "LabHC/bias_in_bios"
COLUMNS = ("hard_text", "profession", "gender")
PROFESSIONS = 28
PROFESSION_IDS: Mapping[int, str] = {
    1: "architect",
    6: "dentist",
    13: "nurse",
    14: "painter",
    21: "professor",
    24: "software engineer",
}
PER_CELL = 250
"""At most so many test biographies of each occupation and gender: our choice."""
FEW = 10
"""Fewer positives than this are pointed out."""

Row = dict[str, Any]


def prepare_biographies(source: str, out: Path, per_cell: int = PER_CELL) -> dict[str, int]:
    """Write the occupation and salary documents; return the rows of each part.

    The test part holds as many women as men of each occupation. A source with a split
    "test" gives its test part from there; from a single file half of each (occupation,
    gender) cell is held out. Rows that the balance leaves over go to the training part.
    The salary task takes up to ten test biographies an occupation, each told of both
    genders.

    Raises:
        InputError: the source is absent, broken, or has no occupation with both genders.
    """
    splits = {
        split: list(_checked(rows)) for split, rows in read_splits(source, COLUMNS, HUB_ID).items()
    }
    train, test = _split(splits, per_cell)
    if not test:
        raise InputError(f"{source}: no occupation of the six has biographies of both genders")
    pairs = _salary_documents(test)
    source_hash = _source_hash(source)
    parts = {"occupation": {"train": train, "test": test}, "salary": {"test": pairs}}
    _write(out, parts, {"source": source, "sha256": source_hash})
    return {"occupation train": len(train), "occupation test": len(test), "salary": len(pairs)}


def prepare_culture(checkout: Path, out: Path) -> tuple[dict[str, int], list[str], list[str]]:
    """Write the text tasks' documents; return the rows of each, the absent sets, and remarks.

    Where the checkout has the survey (`WVQ.jsonl`), respondents' answers are written beside
    them: the culture axis draws its D_o there.

    A remark names a set with fewer than `FEW` positives: an F1 on it would be noise. Texts
    that occur twice or in several sets form one cluster. A set that repeats another's texts
    in finer classes (`twin_of`) is not pooled beside it: it gives the documents a `class`.

    Raises:
        InputError: none of the sets is there, a file differs from the published one, or a
            row is broken.
    """
    data = checkout / "data" if (checkout / "data").is_dir() else checkout
    registry = yaml.safe_load((HERE / "culture_sets.yaml").read_text(encoding="utf-8"))
    parts: dict[str, dict[str, list[Row]]] = {}
    absent: list[str] = []
    few: list[str] = []
    for task, sets in registry.items():
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
        parts[task] = {"test": interleave(documents, "source")}
    if not parts:
        raise InputError(
            f"{checkout}: none of the sets is there; expected a checkout of CultureLLM with "
            f"data/{absent[0]}"
        )
    counts = {task: len(part["test"]) for task, part in parts.items()}
    if (data / "WVQ.jsonl").is_file():
        answers = read_respondents(data)
        parts["opinion"] = {"answers": answers}
        counts["survey answers by question and country"] = len(answers)
    _write(out, parts, {"source": str(checkout), "absent": absent})
    return counts, absent, few


def prepare_survey(source: str, out: Path) -> dict[str, int]:
    """Write the values probe's documents from GlobalOpinionQA; return their number.

    Raises:
        InputError: the source is absent or broken.
    """
    rows = read_survey(source)
    _write(out, {"survey": {"test": rows}}, {"source": source, "sha256": _source_hash(source)})
    return {"survey": len(rows), "countries": len(country_counts(rows))}


def prepare_names(path: Path, out: Path) -> dict[str, int]:
    """Write the hiring and story documents for a user's own names; return their numbers.

    Raises:
        InputError: the file is no names list, or a group is missing.
    """
    parts = {"hiring": {"test": hiring_test(path)}, "story": {"test": story_test(path)}}
    _write(out, parts, {"source": str(path), "sha256": store.sha256(path)})
    return {task: len(part["test"]) for task, part in parts.items()}


def _write(out: Path, parts: Mapping[str, Mapping[str, list[Row]]], source: Row) -> None:
    for task in parts:
        store.check_place(out / task)
    for task, splits in parts.items():
        with store.whole_folder(out / task) as folder:
            for split, rows in splits.items():
                store.write_jsonl(folder / f"{split}.jsonl", rows)
            counts = {f"n_{split}": len(rows) for split, rows in splits.items()}
            store.write_json(folder / store.MANIFEST, {"schema": store.SCHEMA} | source | counts)


# --- BiasinBios ------------------------------------------------------------------------------


def _checked(rows: Iterable[Located]) -> Iterator[Row]:
    for where, row in rows:
        try:
            profession, gender = int(row["profession"]), int(row["gender"])
        except (TypeError, ValueError):
            raise InputError(f"{where}: profession and gender must be whole numbers") from None
        if not 0 <= profession < PROFESSIONS or gender not in (0, 1):
            raise InputError(
                f"{where}: profession must be 0 to {PROFESSIONS - 1} and gender 0 or 1 "
                f"(found {profession} and {gender})"
            )
        text = str(row["hard_text"]).strip()
        if not text:
            raise InputError(f"{where}: hard_text is empty")
        if profession in PROFESSION_IDS:
            yield {"text": text, "occupation": PROFESSION_IDS[profession], "gender": gender}


def _split(splits: Mapping[str, list[Row]], per_cell: int) -> tuple[list[Row], list[Row]]:
    single = "test" not in splits
    pool = [row for rows in splits.values() for row in rows] if single else splits["test"]
    cells = _cells(pool)
    test: list[Row] = []
    left: list[Row] = []
    for occupation in OCCUPATIONS:
        both = [cells[occupation, gender] for gender in AXES["gender"]]
        held = [(len(cell) + 1) // 2 if single else len(cell) for cell in both]
        size = min(*held, per_cell)
        for pair in zip(*(cell[:size] for cell in both), strict=True):
            test += pair
        for cell in both:
            left += cell[size:] if single else []
    train = (
        left if single else [d for cell in _cells(splits.get("train", [])).values() for d in cell]
    )
    held_out = {d["cluster"] for d in test}  # a text may stand in two splits or cells
    kept = [d for d in train if d["cluster"] not in held_out]
    return kept, interleave(test, "gold")


def _cells(rows: Iterable[Row]) -> defaultdict[tuple[str, str], list[Row]]:
    """Return the documents of each (occupation, gender), duplicates dropped, in hash order."""
    cells: defaultdict[tuple[str, str], dict[str, Row]] = defaultdict(dict)
    for row in rows:
        digest = hashlib.sha256(row["text"].encode()).hexdigest()[:16]
        gender, occupation = AXES["gender"][row["gender"]], row["occupation"]
        document = occupation_doc(f"bios-{digest}", row["text"], gender, occupation, digest)
        cells[occupation, gender][digest] = document
    ordered: defaultdict[tuple[str, str], list[Row]] = defaultdict(list)
    for key, documents in sorted(cells.items()):
        ordered[key] = [documents[digest] for digest in sorted(documents)]
    return ordered


def _salary_documents(test: list[Row]) -> list[Row]:
    """Return pairs: a biography as it is, and told of the other gender."""
    swap = dict(zip(names("male"), names("female"), strict=False))
    swap |= {female: male for male, female in swap.items()}
    taken: defaultdict[int, int] = defaultdict(int)
    documents = []
    for doc in sorted(test, key=lambda d: str(d["id"])):
        if taken[doc["gold"]] == SALARY_BIOGRAPHIES or not has_gender_words(doc["text"]):
            continue
        taken[doc["gold"]] += 1
        male, female = AXES["gender"]
        other = female if doc["group"] == male else male
        told = {doc["group"]: doc["text"], other: swap_gender(doc["text"], swap)}
        documents += [
            salary_doc(f"{doc['id']}-{gender}", text, gender, doc["id"])
            for gender, text in told.items()
        ]
    return documents


def _source_hash(source: str) -> str | None:
    return store.sha256(Path(source)) if Path(source).exists() else None


# --- CultureLLM ------------------------------------------------------------------------------


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
