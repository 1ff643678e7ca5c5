"""Read BiasinBios as documents of the occupation and salary tasks.

Hub id `LabHC/bias_in_bios` (MIT), columns hard_text, profession, gender. The parts are drawn by
a hash of each text, so they depend neither on the order of the rows nor on the platform.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from bias_inherit.errors import InputError
from bias_inherit.language.gender_words import has_gender_words, swap_gender
from bias_inherit.tasks.documents.biographies import (
    OCCUPATIONS,
    SALARY_BIOGRAPHIES,
    occupation_doc,
    salary_doc,
)
from bias_inherit.tasks.documents.names import first_names
from bias_inherit.tasks.documents.turns import interleave
from bias_inherit.tasks.metrics import AXES
from bias_inherit.tasks.packaged import Row
from bias_inherit.tasks.public.tables import Located, read_splits

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


def salary_pairs(test: list[Row]) -> list[Row]:
    """Return pairs: a biography as it is, and told of the other gender."""
    swap = dict(zip(first_names("male"), first_names("female"), strict=False))
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


def read_biographies(source: str, per_cell: int = PER_CELL) -> tuple[list[Row], list[Row]]:
    """Return the training and the test part of the occupation task.

    The test part holds as many women as men of each occupation. A source with a split "test"
    gives its test part from there; from a single file half of each (occupation, gender) cell is
    held out. Rows that the balance leaves over go to the training part.

    Raises:
        InputError: the source is absent, broken, or has no occupation with both genders.
    """
    splits = {
        split: list(_checked(rows)) for split, rows in read_splits(source, COLUMNS, HUB_ID).items()
    }
    train, test = _split(splits, per_cell)
    if not test:
        raise InputError(f"{source}: no occupation of the six has biographies of both genders")
    return train, test
