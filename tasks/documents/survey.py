"""The values probe's documents: survey questions with a country's answers.

The figures of the mini set are invented; `public/global_opinions.py` reads the real ones.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping

from bias_inherit.tasks.documents.turns import interleave
from bias_inherit.tasks.metrics import AXES
from bias_inherit.tasks.packaged import Row, packaged_jsonl

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

EXAMPLES = 4
"""Questions of the mini set that serve as few-shot examples; the others are the test."""

OTHER_SPELLINGS: Mapping[str, str] = {
    "palest_ter": "palestine",
    "hong_kong_sar": "hong_kong",
    "macau_sar": "macau",
    "taiwan_roc": "taiwan",
    "britain": "great_britain",
}


def survey_doc(question: str, options: list[str], country: str, target: list[float]) -> Row:
    """Return a document; `gold` is the option that most people there chose."""
    digest = hashlib.sha256("\n".join([question, *options]).encode()).hexdigest()[:16]
    group = country_group(country)
    return {
        "id": f"{digest}-{group}",
        "question": question,
        "options": options,
        "letters": list(LETTERS[: len(options)]),
        "country": re.sub(r" \(.*\)$", "", country),
        "group": group,
        "target": target,
        "gold": target.index(max(target)),
        "cluster": digest,
    }


def country_group(country: str) -> str:
    """Return the group of a country as a survey writes it: lower case, one spelling each."""
    plain = re.sub(r" \(.*\)$", "", country).lower()
    snake = re.sub(r"\W+", "_", plain).strip("_")
    return OTHER_SPELLINGS.get(snake, snake)


def _mini(part: slice) -> list[Row]:
    rows = [
        survey_doc(entry["question"], entry["options"], country, shares)
        for entry in packaged_jsonl("survey.jsonl")[part]
        for country, shares in entry["selections"].items()
    ]
    return interleave(rows, "group")


def survey_train() -> list[Row]:
    """Return the mini set's example questions for every country."""
    return _mini(slice(None, EXAMPLES))


def survey_test() -> list[Row]:
    """Return the mini set's test questions for every country."""
    return _mini(slice(EXAMPLES, None))


def country_counts(rows: Iterable[Row]) -> dict[str, int]:
    """Return how many documents each country has, in the probe's order."""
    found = [row["group"] for row in rows]
    return {group: found.count(group) for group in AXES["country"] if group in found}
