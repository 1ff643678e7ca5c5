"""Survey respondents' answers in a CultureLLM checkout: 50 questions, one CSV a country.

Source: github Scarelette/CultureLLM, `data/WVQ.jsonl` and `data/<culture>/<country>.csv`
(World Values Survey). Negative codes mean that there is no answer: they are dropped, as are
the lines of averages that its authors appended to the CSVs.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bias_inherit import store
from bias_inherit.errors import InputError
from bias_inherit.tasks.documents.document import Document

FOLDERS: Mapping[str, str] = {
    "Arabic": "arabic",
    "China": "chinese",
    "Portuguese": "portuguese",
    "Spanish": "spanish",
}
"""The checkout's folder of each culture."""
COUNTRY = "B_COUNTRY_ALPHA"
"""The column that is empty on lines of averages."""
_OPTION = re.compile(r"(\d+)\.\s*(.*?)\s*(?=\d+\.|$)")


@dataclass(frozen=True)
class Answers(Document):
    """How often each option of a question was answered in a country.

    Attributes:
        axis: "culture".
        group: the culture.
        country: the name of its file.
        question: as the survey asks it.
        options: its answers.
        counts: of each option, in their order.
        n: all answers.
    """

    axis: str
    group: str
    country: str
    question: str
    options: list[str]
    counts: list[int]
    n: int


@dataclass(frozen=True)
class _Question:
    id: str
    text: str
    options: list[str]
    codes: list[int]


def read_respondents(data: Path) -> list[Answers]:
    """Return the answers to each question in each country.

    Questions that nobody in a country was asked are left out.

    Raises:
        InputError: a file is broken, or a code is none of the question's options.
    """
    entries = store.iter_jsonl(data / "WVQ.jsonl", ("q_id", "q_content", "option"))
    questions = [_question(where, entry) for where, entry in entries]
    found = []
    for folder, culture in FOLDERS.items():
        for path in sorted((data / folder).glob("*.csv")):
            answers = _answers(path, [question.id for question in questions])
            for question in questions:
                counts = _counts(path, question, answers[question.id])
                if sum(counts):
                    found.append(_counted(question, culture, path.stem, counts))
    return found


def _question(where: str, entry: Mapping[str, object]) -> _Question:
    listed = _OPTION.findall(str(entry["option"]))
    if len(listed) < 2:
        raise InputError(f"{where}: '{entry['option']}' are no options")
    codes = [int(code) for code, _ in listed]
    words = [text[:1].upper() + text[1:] for _, text in listed]

    if len(set(codes)) < len(codes):  # a slip in the file: 1, 2, 4, 4
        codes = list(range(codes[0], codes[0] + len(codes)))
    if len(codes) == 2 and codes[1] - codes[0] > 1:  # a scale of which only the ends are named
        ends = dict(zip(codes, words, strict=True))
        codes = list(range(codes[0], codes[1] + 1))
        words = [f"{code} ({ends[code]})" if code in ends else str(code) for code in codes]

    text = " ".join(str(entry["q_content"]).split())
    return _Question(f"Q{entry['q_id']}", text, words, codes)


def _answers(path: Path, columns: list[str]) -> dict[str, Counter[str]]:
    answers: dict[str, Counter[str]] = {column: Counter() for column in columns}
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream)
            missing = [c for c in (COUNTRY, *columns) if c not in (reader.fieldnames or ())]
            if missing:
                raise InputError(f"{path}: column {', '.join(missing[:5])} is missing")
            for line in reader:
                if line[COUNTRY]:
                    for column in columns:
                        answers[column][line[column] or ""] += 1
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: is no CSV in UTF-8 ({error})") from None
    return answers


def _counts(path: Path, question: _Question, answers: Counter[str]) -> list[int]:
    counts = dict.fromkeys(question.codes, 0)
    for value, n in answers.items():
        try:
            code = int(float(value)) if value else -1
        except ValueError:
            raise InputError(f"{path}: '{value}' is no code ({question.id})") from None

        if code in counts:
            counts[code] += n
        elif code >= 0:  # a negative code says that there is no answer
            raise InputError(
                f"{path}: {question.id} has the code {code}, which is none of its options "
                f"({', '.join(map(str, counts))})"
            )
    return list(counts.values())


def _counted(question: _Question, culture: str, country: str, counts: list[int]) -> Answers:
    return Answers(
        id=f"{country}-{question.id}",
        axis="culture",
        group=culture,
        country=country,
        question=question.text,
        options=question.options,
        counts=counts,
        n=sum(counts),
    )
