"""Read the option that a model chose from what it wrote, strictly: else it is invalid.

For models that give no log-likelihoods (`gen_bias_inherit_*`). Only the first line that is
not blank counts, after an optional "Answer:" (or the language's own word for it).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from bias_inherit.tasks.packaged import packaged_yaml

_LEAD = re.compile(
    r"(?:the\s+)?(?:correct\s+|best\s+|final\s+)?(?:answer|option|choice)\b(?:\s+is)?\s*:?\s*", re.I
)
_LETTER = re.compile(
    r"\(?([A-Z])\b[*_`]*(?P<mark>\s+[\u2013\u2014-]|[.):,;\u2013\u2014-]?)\)?[*_`]*\s*(?P<rest>.*)"
)
_AROUND = " \t\u00a1*_`\"'\u201c\u201d"
_END = ".\u3002!,;:\uff0c\uff1b\uff01\uff1a\u060c\u061b"


def parse_letter(reply: str, texts: Sequence[str]) -> int | None:
    """Return the option that a reply names by its letter or by its whole text.

    "C", "(C)", "C.", "Answer: C", "C. nurse" and "nurse" name one; "A nurse" (an article),
    "A or B", a letter beyond the options, and a letter with another option's text do not.
    """
    line = _first_line(reply)
    lead = _LEAD.match(line)
    line = line[lead.end() :].strip(_AROUND) if lead else line
    by_text = _option(line, texts)
    if by_text is not None:
        return by_text
    match = _LETTER.fullmatch(line)
    if match is None:
        return None
    option, rest = ord(match[1]) - ord("A"), match["rest"].strip(_AROUND)
    if option >= len(texts):
        return None
    if not rest.strip(_END) or _option(rest, texts) == option:
        return option
    letters = {chr(ord("A") + i) for i in range(len(texts))} - {match[1]}
    others = [text.casefold() for i, text in enumerate(texts) if i != option]
    named = letters & set(re.findall(r"\b[A-Z]\b", rest))
    clear = match["mark"] and not named and not any(text in rest.casefold() for text in others)
    return option if clear else None


def parse_yes_no(reply: str, culture: str) -> int | None:
    """Return 1 for yes, 0 for no, in the culture's language or in English.

    The reply is the word itself, or begins with it and goes on after a punctuation mark;
    "yes/no" and "yes or no" are invalid.
    """
    forms, lead = _forms(culture)
    line = re.sub(rf"^(?:{lead}|answer)[*_`]*\s*[:\uff1a]\s*", "", _first_line(reply).casefold())
    line = line.strip(_AROUND)
    answer, rest = _leading(line, forms)
    if answer is None:
        return None
    following, _ = _leading(rest.lstrip(" ,;/" + _END), forms)
    return None if following is not None and following != answer else answer


def _leading(line: str, forms: Sequence[tuple[str, int]]) -> tuple[int | None, str]:
    """Return the answer that the line begins with, and what follows it."""
    for form, answer in forms:
        if line.startswith(form):
            rest = line[len(form) :].lstrip(_AROUND)
            if not rest or rest[0] in _END + "/-\u2013\u2014(":
                return answer, rest
    return None, ""


@lru_cache
def _forms(culture: str) -> tuple[list[tuple[str, int]], str]:
    """Return (form, answer) of a language and of English, longest first, and its "Answer"."""
    own = packaged_yaml("documents/questions.yaml")["words"][culture]
    forms = {own["no"]: 0, own["yes"]: 1, "no": 0, "yes": 1}
    forms |= dict.fromkeys(own["also_no"], 0) | dict.fromkeys(own["also_yes"], 1)
    plain = [(form.casefold(), answer) for form, answer in forms.items()]
    return sorted(plain, key=lambda form: -len(form[0])), own["answer_label"].casefold()


def _first_line(reply: str) -> str:
    lines = [line.strip(_AROUND) for line in reply.splitlines()]
    return next((line for line in lines if line), "")


def _option(line: str, texts: Sequence[str]) -> int | None:
    plain = line.strip(_AROUND + _END).casefold()
    return next((i for i, text in enumerate(texts) if plain == text.casefold()), None)
