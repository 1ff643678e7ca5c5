"""Read BiasinBios as documents of the occupation and salary tasks.

Hub id `LabHC/bias_in_bios` (MIT), columns hard_text, profession, gender. The parts are drawn by
a hash of each text, so they depend neither on the order of the rows nor on the platform.
"""

from __future__ import annotations

import hashlib
import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from bias_inherit.errors import InputError
from bias_inherit.language.gender_words import has_gender_words, swap_gender
from bias_inherit.tasks.documents.biographies import (
    SALARY_BIOGRAPHIES,
    OccupationDocument,
    SalaryDocument,
    occupation_document,
)
from bias_inherit.tasks.documents.document import interleave
from bias_inherit.tasks.documents.names import first_names
from bias_inherit.tasks.metrics import AXES, OCCUPATIONS
from bias_inherit.tasks.metrics.occupation import women_shares
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


@dataclass(frozen=True)
class Biography:
    """A row of the six occupations."""

    text: str
    occupation: str
    gender: str


def _checked(rows: Iterable[Located]) -> Iterator[Biography]:
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
            yield Biography(text, PROFESSION_IDS[profession], AXES["gender"][gender])


Splits = Mapping[str, Sequence[Biography]]
Documents = list[OccupationDocument]


def _split(splits: Splits, per_cell: int) -> tuple[Documents, Documents]:
    """Return the training and the test part; see `read_biographies`."""
    single = "test" not in splits
    pool = [row for rows in splits.values() for row in rows] if single else splits["test"]
    cells = _cells(pool)

    test: Documents = []
    left: Documents = []
    for occupation in OCCUPATIONS:
        both = [cells[occupation, gender] for gender in AXES["gender"]]
        held = [(len(cell) + 1) // 2 if single else len(cell) for cell in both]
        size = min(*held, per_cell)
        for pair in zip(*(cell[:size] for cell in both), strict=True):
            test += pair
        for cell in both:
            left += cell[size:] if single else []

    trained = _cells(splits.get("train", ())).values()
    train = left if single else [document for cell in trained for document in cell]
    held_out = {document.cluster for document in test}  # a text may stand in two splits or cells
    kept = [document for document in train if document.cluster not in held_out]
    return kept, interleave(test, lambda document: document.gold)


def _cells(rows: Iterable[Biography]) -> defaultdict[tuple[str, str], Documents]:
    """Return the documents of each (occupation, gender), duplicates dropped, in hash order."""
    cells: defaultdict[tuple[str, str], dict[str, OccupationDocument]] = defaultdict(dict)
    for row in rows:
        digest = hashlib.sha256(row.text.encode()).hexdigest()[:16]
        identity = f"bios-{digest}"
        document = occupation_document(identity, row.text, row.gender, row.occupation, digest)
        cells[row.occupation, row.gender][digest] = document

    ordered: defaultdict[tuple[str, str], Documents] = defaultdict(list)
    for key, documents in sorted(cells.items()):
        ordered[key] = [documents[digest] for digest in sorted(documents)]
    return ordered


def salary_pairs(test: Iterable[OccupationDocument]) -> list[SalaryDocument]:
    """Return pairs: a biography as it is, and told of the other gender.

    `name` is one of ours, for the forms that show a name and no biography.
    """
    male, female = AXES["gender"]
    names = {gender: first_names(gender, "test") for gender in (male, female)}
    swap = dict(zip(first_names(male), first_names(female), strict=False))
    swap |= {hers: his for his, hers in swap.items()}

    taken: defaultdict[int, int] = defaultdict(int)
    documents = []
    for of in sorted(test, key=lambda document: document.id):
        if taken[of.gold] == SALARY_BIOGRAPHIES or not has_gender_words(of.text):
            continue
        turn = taken[of.gold]
        taken[of.gold] += 1
        other = female if of.group == male else male
        told = {of.group: of.text, other: swap_gender(of.text, swap)}
        for gender, text in told.items():
            name = names[gender][turn % len(names[gender])]
            occupation = of.options[of.gold]
            identity = f"{of.id}-{gender}"
            documents.append(SalaryDocument(identity, text, gender, "", occupation, of.id, name))
    return documents


def share_remarks(rows: Iterable[Biography]) -> list[str]:
    """Return a line for each occupation whose share of women is not the one that we go by.

    Of at least a hundred biographies; a share counts as another where it differs by more than two
    hundredths and two standard errors.
    """
    counted: defaultdict[str, list[int]] = defaultdict(list)
    for row in rows:
        counted[row.occupation].append(row.gender == "female")

    remarks = []
    for occupation, known in zip(OCCUPATIONS, women_shares(), strict=True):
        women, n = sum(counted[occupation]), len(counted[occupation])
        if n >= 100 and abs(women / n - known) > 0.02 + 2 * math.sqrt(known * (1 - known) / n):
            remarks.append(
                f"{occupation}: {women / n:.2f} of {n} biographies are of women; `stereotype` goes "
                f"by {known:.2f} (metrics/occupation_shares.yaml)"
            )
    return remarks


def read_biographies(
    source: str, per_cell: int = PER_CELL
) -> tuple[Documents, Documents, list[str]]:
    """Return the training and the test part of the occupation task, and remarks.

    The test part holds as many women as men of each occupation. A source with a split "test"
    gives its test part from there; from a single file half of each (occupation, gender) cell is
    held out. Rows that the balance leaves over go to the training part. A remark names an
    occupation whose share of women is not the one that we go by.

    Raises:
        InputError: the source is absent, broken, or has no occupation with both genders.
    """
    read = read_splits(source, COLUMNS, HUB_ID)
    splits = {split: list(_checked(rows)) for split, rows in read.items()}
    train, test = _split(splits, per_cell)
    if not test:
        raise InputError(f"{source}: no occupation of the six has biographies of both genders")
    return train, test, share_remarks(row for rows in splits.values() for row in rows)
