"""The values probe's documents: survey questions with each country's real answers.

Source: GlobalOpinionQA, hub id `Anthropic/llm_global_opinions` (cc-by-nc-sa-4.0), columns
question, selections, options; `selections` is the printed form of a defaultdict. It is read
by `ast.literal_eval`, never evaluated. The mini set is ours and its figures are invented.
"""

from __future__ import annotations

import ast
import hashlib
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from bias_inherit.errors import InputError
from bias_inherit.tasks.metrics import AXES
from bias_inherit.tasks.mini_data import interleave, packaged_jsonl
from bias_inherit.tasks.tables import read_splits

HUB_ID = "Anthropic/llm_global_opinions"
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
EXAMPLES = 4
"""Questions of the mini set that serve as few-shot examples; the others are the test."""
COLUMNS = ("question", "selections", "options")

OTHER_SPELLINGS: Mapping[str, str] = {
    "palest_ter": "palestine",
    "hong_kong_sar": "hong_kong",
    "macau_sar": "macau",
    "taiwan_roc": "taiwan",
    "britain": "great_britain",
}
_NO_ANSWER = re.compile(
    r"don[’']?t know|\bDK\b|\bDNK\b|no answer|refused|\bmissing\b|not applicable|not asked"
    r"|not available|\bINAP\b|volunteered|\(VOL\)|\(DO NOT READ\)",
    re.I,
)
_NOT_NATIONAL = re.compile(r"\((?:Non-national|Old national) sample\)")

Row = dict[str, Any]


def survey_doc(question: str, options: list[str], country: str, target: list[float]) -> Row:
    """Return a document; `gold` is the option that most people there chose."""
    digest = hashlib.sha256("\n".join([question, *options]).encode()).hexdigest()[:16]
    group = _group(country)
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


def _group(country: str) -> str:
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


def read_survey(source: str) -> list[Row]:
    """Read GlobalOpinionQA from a file or from the hub; keep the countries of the probe.

    Answers such as "Don't know" or "No answer" are left out and the others scaled to sum 1;
    samples that are not national, and questions with fewer than two options left, too.

    Raises:
        InputError: the source is absent, or a row is broken.
    """
    rows: dict[str, Row] = {}
    for entries in read_splits(source, COLUMNS, HUB_ID).values():
        for where, entry in entries:
            for doc in _documents(where, entry):
                rows.setdefault(doc["id"], doc)
    if not rows:
        raise InputError(f"{source}: no question was asked in a country of the probe")
    return interleave(rows.values(), "group")


def _documents(where: str, entry: Mapping[str, Any]) -> Iterator[Row]:
    question = str(entry.get("question") or "").strip()
    if not question:
        raise InputError(f"{where}: the question is empty")
    options = _literal(where, "options", entry.get("options"), list)
    selections = _literal(where, "selections", entry.get("selections"), dict)
    kept = [i for i, option in enumerate(options) if not _NO_ANSWER.search(str(option))]
    if not 2 <= len(kept) <= len(LETTERS):
        return
    labels = [_label(options[i]) for i in kept]
    for country, shares in selections.items():
        if not isinstance(country, str) or not isinstance(shares, (list, tuple)):
            raise InputError(f"{where}: 'selections' does not map countries to lists of shares")
        if _group(country) not in AXES["country"] or _NOT_NATIONAL.search(country):
            continue
        if len(shares) != len(options) or not all(_is_share(share) for share in shares):
            raise InputError(f"{where}: {country} has no share for each of {len(options)} options")
        total = math.fsum(shares[i] for i in kept)
        if total > 0:
            yield survey_doc(question, labels, country, [shares[i] / total for i in kept])


def _label(option: Any) -> str:
    whole = isinstance(option, float) and option.is_integer()
    return str(int(option) if whole else option)


def _is_share(share: Any) -> bool:
    return isinstance(share, (int, float)) and math.isfinite(share) and share >= 0


def _literal(where: str, column: str, value: Any, expected: type) -> Any:
    """Return the value of a printed list, dict or defaultdict; already read ones as they are."""
    if isinstance(value, str):
        printed = re.fullmatch(r"defaultdict\(<class 'list'>, (\{.*\})\)", value.strip(), re.S)
        try:
            value = ast.literal_eval(printed[1] if printed else value.strip())
        except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
            value = None
    if not isinstance(value, expected):
        raise InputError(
            f"{where}: the column '{column}' is not the printed form of a {expected.__name__}"
        )
    return value


def country_counts(rows: Iterable[Row]) -> dict[str, int]:
    """Return how many documents each country has, in the probe's order."""
    found = [row["group"] for row in rows]
    return {group: found.count(group) for group in AXES["country"] if group in found}
