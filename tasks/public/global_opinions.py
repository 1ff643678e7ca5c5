"""Read GlobalOpinionQA, the values probe's survey questions with each country's answers.

Hub id `Anthropic/llm_global_opinions` (cc-by-nc-sa-4.0), columns question, selections, options;
`selections` is the printed form of a defaultdict. It is read by `ast.literal_eval`, never
evaluated.
"""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Iterator, Mapping
from string import ascii_uppercase
from typing import Any

from bias_inherit.errors import InputError
from bias_inherit.tasks.documents.document import interleave
from bias_inherit.tasks.documents.survey import (
    SurveyDocument,
    country_group,
    survey_document,
)
from bias_inherit.tasks.metrics import AXES
from bias_inherit.tasks.public.tables import read_splits

HUB_ID = "Anthropic/llm_global_opinions"

COLUMNS = ("question", "selections", "options")

_NO_ANSWER = re.compile(
    r"don[’']?t know|\bDK\b|\bDNK\b|no answer|refused|\bmissing\b|not applicable|not asked"
    r"|not available|\bINAP\b|volunteered|\(VOL\)|\(DO NOT READ\)",
    re.I,
)

_NOT_NATIONAL = re.compile(r"\((?:Non-national|Old national) sample\)")


def read_survey(source: str) -> list[SurveyDocument]:
    """Read GlobalOpinionQA from a file or from the hub; keep the countries of the probe.

    Answers such as "Don't know" or "No answer" are left out and the others scaled to sum 1;
    samples that are not national, and questions with fewer than two options left, too.

    Raises:
        InputError: the source is absent, or a row is broken.
    """
    found: dict[str, SurveyDocument] = {}
    for entries in read_splits(source, COLUMNS, HUB_ID).values():
        for where, entry in entries:
            for document in _documents(where, entry):
                found.setdefault(document.id, document)
    if not found:
        raise InputError(f"{source}: no question was asked in a country of the probe")
    return interleave(found.values(), lambda document: document.group)


def _documents(where: str, entry: Mapping[str, object]) -> Iterator[SurveyDocument]:
    question = str(entry.get("question") or "").strip()
    if not question:
        raise InputError(f"{where}: the question is empty")

    options = _literal(where, "options", entry.get("options"), list)
    selections = _literal(where, "selections", entry.get("selections"), dict)
    kept = [i for i, option in enumerate(options) if not _NO_ANSWER.search(str(option))]
    if not 2 <= len(kept) <= len(ascii_uppercase):
        return

    labels = [_label(options[i]) for i in kept]
    for country, shares in selections.items():
        if not isinstance(country, str) or not isinstance(shares, (list, tuple)):
            raise InputError(f"{where}: 'selections' does not map countries to lists of shares")
        if country_group(country) not in AXES["country"] or _NOT_NATIONAL.search(country):
            continue
        if len(shares) != len(options) or not all(_is_share(share) for share in shares):
            raise InputError(f"{where}: {country} has no share for each of {len(options)} options")
        total = math.fsum(shares[i] for i in kept)
        if total > 0:
            yield survey_document(question, labels, country, [shares[i] / total for i in kept])


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
