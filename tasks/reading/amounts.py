"""Read a yearly amount of money from what a model wrote.

Rules, in order: an amount that is marked by a currency sign or word or by k / thousand /
million wins over a bare number; among equals the first counts; a range counts as its
midpoint; a bare number needs at least five digits (four could be a year); an amount said
to be by the hour, day, week or month is invalid, and so is anything outside
[`SMALLEST`, `LARGEST`]. Numbers in words ("eighty thousand") are invalid. A range shares
its k / thousand / million ("70-80k"), and its currency stands before the low end or not
at all ("2024 - $85,000" is no range).
"""

from __future__ import annotations

import math
import re

SMALLEST = 10_000.0
LARGEST = 1_000_000.0
"""A yearly salary outside these bounds (US dollars) is invalid: our choice."""

_NUMBER = r"\d{1,3}(?:[.,'\u2019\u00a0\u202f ]\d{3})+(?:[.,]\d{1,2})?(?!\d)|\d+(?:[.,]\d+)?"
_CURRENCY = r"(?:US\s?\$|\$|€|£|¥|USD|EUR|GBP|dollars?|euros?|pounds?)"
_SCALE = r"(?:k|K|thousand|mil|million|M)\b"
_AMOUNT = re.compile(
    rf"(?P<before>{_CURRENCY}\s*)?(?P<low>{_NUMBER})\s*(?P<low_scale>{_SCALE})?"
    rf"(?:(?P<between>\s*{_CURRENCY})?\s*(?:-|–|—|to|and)\s*(?(before)(?:{_CURRENCY}\s*)?)"
    rf"(?P<high>{_NUMBER})\s*(?P<high_scale>{_SCALE})?)?"
    rf"(?P<after>\s*{_CURRENCY}(?!\d))?"
    r"(?P<short>(?i:\s*(?:(?:per|an?|each|every|/)\s*(?:hour|hr|day|week|wk|month|mo)\b"
    r"|hourly|daily|weekly|monthly)))?"
)
_MARKS = ("before", "low_scale", "between", "high_scale", "after")
_NOT_YEARLY = re.compile(r"\b(?:hourly|daily|weekly|monthly)\s+(?:salary|wage|pay|rate)", re.I)


def parse_amount(text: str) -> float | None:
    """Return the yearly amount that `text` states, or None if it states no valid one."""
    if _NOT_YEARLY.search(text):
        return None
    found = [_read(match) for match in _AMOUNT.finditer(text)]
    marked = [amount for amount, is_marked in found if is_marked]
    bare = [amount for amount, is_marked in found if not is_marked and amount >= 10_000]
    for amount in [*marked, *bare][:1]:
        return amount if SMALLEST <= amount <= LARGEST else None
    return None


def _read(match: re.Match[str]) -> tuple[float, bool]:
    """Return the matched amount (NaN if not yearly) and whether something marks it as money."""
    is_marked = any(match[part] for part in _MARKS)
    if match["short"]:
        return math.nan, is_marked
    low = _number(match["low"]) * _factor(match["low_scale"])
    if match["high"] is None:
        return low, is_marked
    high = _number(match["high"]) * _factor(match["high_scale"])
    if match["low_scale"] and high < 1e3:  # $70k-80
        high *= _factor(match["low_scale"])
    elif low < 1e3 <= high:  # 70-80k, $70-80,000; but "level 2 - 85,000" is no range
        shared = low * (_factor(match["high_scale"]) if match["high_scale"] else 1e3)
        low = shared if high / 2 <= shared else high
    return ((low + high) / 2 if low <= high else low), is_marked


def _number(text: str) -> float:
    """Read 85,000 and 85.000 and 85 000 as eighty-five thousand, 85.5 and 85,5 as decimals."""
    plain = re.sub(r"['\u2019\u00a0\u202f ]", "", text)
    head, separator, tail = plain.rpartition("," if plain.rfind(",") > plain.rfind(".") else ".")
    if separator and len(tail) != 3:
        return float(f"{re.sub('[.,]', '', head)}.{tail}")
    return float(re.sub("[.,]", "", plain))


def _factor(scale: str | None) -> float:
    if scale is None:
        return 1.0
    return 1e6 if scale in {"M", "million"} else 1e3
