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
from pathlib import Path
from typing import Any

from bias_inherit import store
from bias_inherit.errors import InputError

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

Row = dict[str, Any]


def read_respondents(data: Path) -> list[Row]:
    """Return a row for each question and country: how often each option was answered.

    Columns: id, axis ("culture"), group, country, question, options, counts (of each option,
    in their order), n (all answers). Questions that nobody in a country was asked have no row.

    Raises:
        InputError: a file is broken, or a code is none of the question's options.
    """
    questions = [_question(where, q) for where, q in store.iter_jsonl(data / "WVQ.jsonl", _COLUMNS)]
    rows = []
    for folder, culture in FOLDERS.items():
        for path in sorted((data / folder).glob("*.csv")):
            answers = _answers(path, [q["id"] for q in questions])
            for question in questions:
                counts = _counts(path, question, answers[question["id"]])
                if sum(counts):
                    rows.append(_row(question, culture, path.stem, counts))
    return rows


_COLUMNS = ("q_id", "q_content", "option")


def _question(where: str, entry: Mapping[str, Any]) -> Row:
    found = _OPTION.findall(str(entry["option"]))
    if len(found) < 2:
        raise InputError(f"{where}: '{entry['option']}' are no options")
    codes = [int(code) for code, _ in found]
    words = [text[:1].upper() + text[1:] for _, text in found]
    if len(set(codes)) < len(codes):  # a slip in the file: 1, 2, 4, 4
        codes = list(range(codes[0], codes[0] + len(codes)))
    if len(codes) == 2 and codes[1] - codes[0] > 1:  # a scale of which only the ends are named
        ends = dict(zip(codes, words, strict=True))
        codes = list(range(codes[0], codes[1] + 1))
        words = [f"{code} ({ends[code]})" if code in ends else str(code) for code in codes]
    return {
        "id": f"Q{entry['q_id']}",
        "question": " ".join(str(entry["q_content"]).split()),
        "options": words,
        "codes": codes,
    }


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


def _counts(path: Path, question: Row, answers: Counter[str]) -> list[int]:
    counts = dict.fromkeys(question["codes"], 0)
    for value, n in answers.items():
        try:
            code = int(float(value)) if value else -1
        except ValueError:
            raise InputError(f"{path}: '{value}' is no code ({question['id']})") from None
        if code < 0 and code not in counts:
            continue
        if code not in counts:
            raise InputError(
                f"{path}: {question['id']} has the code {code}, which is none of its options "
                f"({', '.join(map(str, counts))})"
            )
        counts[code] += n
    return list(counts.values())


def _row(question: Row, culture: str, country: str, counts: list[int]) -> Row:
    return {
        "id": f"{country}-{question['id']}",
        "axis": "culture",
        "group": culture,
        "country": country,
        "question": question["question"],
        "options": question["options"],
        "counts": counts,
        "n": sum(counts),
    }
