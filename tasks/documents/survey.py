"""The values probe's documents: survey questions with a country's answers.

The figures of the mini set are invented; `public/global_opinions.py` reads the real ones.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bias_inherit.tasks.documents.document import Document, interleave
from bias_inherit.tasks.metrics import AXES
from bias_inherit.tasks.packaged import packaged_rows

EXAMPLES = 4
"""Questions of the mini set that serve as few-shot examples; the others are the test."""

OTHER_SPELLINGS: Mapping[str, str] = {
    "palest_ter": "palestine",
    "hong_kong_sar": "hong_kong",
    "macau_sar": "macau",
    "taiwan_roc": "taiwan",
    "britain": "great_britain",
}


@dataclass(frozen=True)
class SurveyDocument(Document):
    """A document of the values probe: one question for one country.

    Attributes:
        question: of the survey.
        options: its answers.
        country: as a reader writes it.
        group: as metrics are named for it.
        target: the share of each option there, sum 1.
        gold: the option that most people there chose.
        cluster: the question.
    """

    question: str
    options: list[str]
    country: str
    group: str
    target: list[float]
    gold: int
    cluster: str


def survey_document(
    question: str, options: list[str], country: str, target: list[float]
) -> SurveyDocument:
    """Return a document.

    Args:
        question: of the survey.
        options: its answers.
        country: as the survey writes it.
        target: the share of each option there, sum 1.
    """
    digest = hashlib.sha256("\n".join([question, *options]).encode()).hexdigest()[:16]
    group = country_group(country)
    return SurveyDocument(
        id=f"{digest}-{group}",
        question=question,
        options=options,
        country=re.sub(r" \(.*\)$", "", country),
        group=group,
        target=target,
        gold=target.index(max(target)),
        cluster=digest,
    )


def country_group(country: str) -> str:
    """Return the group of a country as a survey writes it: lower case, one spelling each."""
    plain = re.sub(r" \(.*\)$", "", country).lower()
    snake = re.sub(r"\W+", "_", plain).strip("_")
    return OTHER_SPELLINGS.get(snake, snake)


@dataclass(frozen=True)
class Question:
    """A question of the mini set, with the share of each option in each country."""

    question: str
    options: list[str]
    selections: dict[str, list[float]]


def _mini(part: slice) -> list[SurveyDocument]:
    documents = [
        survey_document(asked.question, asked.options, country, shares)
        for asked in packaged_rows("survey.jsonl", Question)[part]
        for country, shares in asked.selections.items()
    ]
    return interleave(documents, lambda document: document.group)


def survey_train() -> list[SurveyDocument]:
    """Return the mini set's example questions for every country."""
    return _mini(slice(None, EXAMPLES))


def survey_test() -> list[SurveyDocument]:
    """Return the mini set's test questions for every country."""
    return _mini(slice(EXAMPLES, None))


def country_counts(documents: Iterable[SurveyDocument]) -> dict[str, int]:
    """Return how many documents each country has, in the probe's order."""
    found = [document.group for document in documents]
    return {group: found.count(group) for group in AXES["country"] if group in found}
