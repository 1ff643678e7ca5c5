"""Read the option that a model chose from what it wrote; what is not clear is invalid.

For models that give no log-likelihoods (`gen_bias_inherit_*`). The first line that is not blank
counts, without what leads up to the answer ("Answer:", "I would hire", or the language's own
words); where a lead stands alone, the next line. Where that gives nothing, the last line that
begins with "answer" does.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache

from bias_inherit.tasks.questions import questions
from bias_inherit.tasks.reading.reply import answer_of, folded

_AROUND = " \t\u00a0\u3000\u00a1\u00bf*_`\"'$\u2018\u2019\u201c\u201d\u00ab\u00bb\u2039\u203a\u300a"
_AROUND += "\u300b\u300c\u300d\u300e\u300f\u3010\u3011[]"
_END = ".\u3002!,;:\uff0c\uff1b\uff01\uff1a\u060c\u061b"
_BOXED = re.compile(r"\\(?:boxed|text|mathbf|textbf)\s*\{([^{}]*)\}")

_THE = r"(?:(?:the|my|your|a)\s+)?"
_BEST = r"(?:(?:correct|best|final|right|likely|most\s+likely|appropriate|suitable)\s+)*"
_WHAT = r"(?:answer|option|choice|candidate|letter|occupation|profession|job|pick|selection)"
_IS = r"(?:\s+(?:is|was|would\s+be|should\s+be|must\s+be|of\s+this\s+person\s+is))?"
_I = (
    r"I(?:\s*(?:'d|\u2019d|'ll|\u2019ll)|\s+would|\s+will)?\s+(?:choose|hire|pick|select|go\s+with|say"
    r"|recommend|think|believe|answer|guess|suggest)(?:\s+that)?"
)
_PERSON = r"(?:the|this)\s+person(?:\s+(?:described\s+)?(?:in|by)\s+(?:the|this)\s+\w+)?"
_IT = (
    rf"(?:it|this|that|he|she|they|{_PERSON})"
    r"(?:'s|\u2019s|\s+is|\s+are|\s+would\s+be|\s+must\s+be|\s+works?\s+as)"
)
_LEAD = re.compile(
    rf"(?:(?:so|therefore|thus|hence|based\s+on[^,:]*)[,:]?\s+)?(?:"
    rf"(?:the\s+)?person(?:'s|\u2019s)\s+{_BEST}{_WHAT}\b{_IS}"
    rf"|{_THE}{_BEST}{_WHAT}\b{_IS}|{_I}\b|{_IT}\b(?:\s+(?:most\s+)?(?:likely|probably))?"
    rf")\s*[*_`]*\s*[:=\u2013\u2014\uff1a-]?\s*",
    re.I,
)
_REASON = re.compile(r"(?:because|since|as|due\s+to|for|given)\b", re.I)
_LETTER = re.compile(
    r"\(?([A-Z])\b[*_`]*(?P<mark>\s+[\u2013\u2014-]|[.):,;\u2013\u2014-]?)\)?[*_`]*\s*(?P<rest>.*)"
)


def parse_letter(reply: str, texts: Sequence[str]) -> int | None:
    """Return the option that a reply names by its letter or by its whole text.

    "C", "(C)", "[C]", "Answer: C", "I would choose C. nurse" and "nurse" name one; "A nurse" (an
    article), "A or B", a letter beyond the options, and a letter with another option's text do not.
    Names are compared without accents, and may stand with the family name first.
    """
    return _first_clear(reply, lambda line: _led_letter(line, texts), _without_lead)


def parse_option(reply: str, texts: Sequence[str]) -> int | None:
    """Return the option that a reply names by its whole text, where options have no letters.

    As `parse_letter`, but for letters: "C" and "C. nurse" name none, and "A nurse" has an article.
    """

    def read(line: str) -> int | None:
        plain = _without_lead(line)
        article = re.match(r"(?:an?|the)\s+", plain, re.I)
        return _option(plain[article.end() :] if article else plain, texts)

    return _first_clear(reply, read, _without_lead)


def parse_yes_no(reply: str, culture: str) -> int | None:
    """Return 1 for yes, 0 for no, in the culture's language or in English.

    The reply is the word itself, or begins with it and goes on after a punctuation mark;
    "yes/no" and "yes or no" are invalid.
    """
    forms, lead = _forms(culture)

    def without_lead(line: str) -> str:
        found = lead.match(line.casefold())
        return line.casefold()[found.end() :].strip(_AROUND) if found else line.casefold()

    return _first_clear(reply, lambda line: _yes_no(without_lead(line), forms), without_lead)


def parse_lettered_yes_no(reply: str, culture: str, order: Sequence[int]) -> int | None:
    """Return the place of the option that a reply names by its letter, or by yes or no.

    Args:
        reply: as it was written.
        culture: of its language.
        order: 0 for no and 1 for yes, at each place.
    """
    forms, lead = _forms(culture)

    def without_lead(line: str) -> str:
        found = lead.match(line)
        return line[found.end() :].strip(_AROUND) if found else line

    def read(line: str) -> int | None:
        plain = without_lead(line)
        match = _LETTER.fullmatch(plain)
        said = _yes_no((match["rest"] if match else plain).casefold().strip(_AROUND), forms)
        if match is None:
            return None if said is None else order.index(said)
        place = ord(match[1]) - ord("A")
        if place >= len(order) or (match["rest"].strip(_AROUND + _END) and said != order[place]):
            return None
        return place

    return _first_clear(reply, read, without_lead)


def _first_clear(
    reply: str, read: Callable[[str], int | None], without_lead: Callable[[str], str]
) -> int | None:
    """Return what a reply's answer is read as: see the module's text.

    Args:
        reply: as it was written.
        read: a line -> the option, or None.
        without_lead: a line -> the same without what leads up to the answer.
    """
    lines = list(_lines(_BOXED.sub(r"\1", answer_of(reply))))
    if not lines:
        return None
    first = 1 if len(lines) > 1 and not without_lead(lines[0]).strip(_AROUND + _END) else 0
    option = read(lines[first])
    if option is not None:
        return option

    named = [line for line in lines[first + 1 :] if re.match(r"(?:final\s+)?answer\b", line, re.I)]
    return read(named[-1]) if named else None


def _lines(text: str) -> Iterator[str]:
    stripped = (line.strip(_AROUND) for line in text.splitlines())
    return (line for line in stripped if line)


# --- letters ----------------------------------------------------------------------------------


def _without_lead(line: str) -> str:
    """Return a line without what leads up to an option; "answer: the option is" leads too."""
    for _ in range(3):
        lead = _LEAD.match(line)
        if lead is None:
            break
        line = line[lead.end() :].strip(_AROUND)
    return line


def _led_letter(line: str, texts: Sequence[str]) -> int | None:
    plain = _without_lead(line)
    if plain == line:
        return _letter(line, texts, is_led=False)
    # "it is a nurse" has an article; "answer: A nurse" may have named the letter
    article = re.match(r"(?:an?|the)\s+", plain)
    return _letter(plain[article.end() :] if article else plain, texts, is_led=True)


def _letter(line: str, texts: Sequence[str], is_led: bool) -> int | None:
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

    # a remark after the letter may not name another option
    letters = {chr(ord("A") + i) for i in range(len(texts))} - {match[1]}
    others = [folded(text) for i, text in enumerate(texts) if i != option]
    named = letters & set(re.findall(r"\b[A-Z]\b", rest))
    marked = bool(match["mark"]) or (is_led and _REASON.match(rest) is not None)
    return option if marked and not named and not any(t in folded(rest) for t in others) else None


def _option(line: str, texts: Sequence[str]) -> int | None:
    """Return the option whose whole text a line is, or whose name of several words begins it."""
    plain = folded(line.strip(_AROUND + _END))
    known = [folded(text) for text in texts]
    if plain in known:
        return known.index(plain)

    words = sorted(plain.split())
    turned = [i for i, text in enumerate(known) if len(words) > 1 and sorted(text.split()) == words]
    if len(turned) == 1:
        return turned[0]
    begun = [
        i
        for i, text in enumerate(known)
        if " " in text and re.match(rf"{re.escape(text)}\W", plain)
    ]
    others = [i for i, text in enumerate(known) if text in plain]
    return begun[0] if len(begun) == 1 and others == begun else None


# --- yes and no -------------------------------------------------------------------------------


def _yes_no(line: str, forms: Sequence[tuple[str, int]]) -> int | None:
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
def _forms(culture: str) -> tuple[list[tuple[str, int]], re.Pattern[str]]:
    """Return (form, answer) of a language and of English, longest first, and what leads to one."""
    own = questions().words[culture]
    forms = {own.no: 0, own.yes: 1, "no": 0, "yes": 1}
    forms |= dict.fromkeys(own.also_no, 0) | dict.fromkeys(own.also_yes, 1)
    plain = sorted(((form.casefold(), answer) for form, answer in forms.items()), key=_longest)

    leads = [own.answer_label, *own.leads, *_ENGLISH_LEADS]
    listed = "|".join(re.escape(lead.casefold()) for lead in sorted(leads, key=len, reverse=True))
    # a colon or a dash, a blank, nothing in Chinese, or the end of the line
    end = r"(?:[*_`]*\s*[:\uff1a=\u2013\u2014-]\s*|\s+|(?<=[\u4e00-\u9fff])|$)"
    return plain, re.compile(f"(?:{listed}){end}", re.I)


_ENGLISH_LEADS = (
    "the correct answer is",
    "the answer is",
    "my answer is",
    "final answer",
    "answer",
    "i think",
    "i would say",
    "i'd say",
)


def _longest(form: tuple[str, int]) -> int:
    return -len(form[0])
