"""English words that carry gender: pronouns for telling a biography, and the swap of one.

Names are replaced where the caller gives pairs. "her" is read by its role: before a word
that can head or open a noun phrase it is "his", elsewhere "him".
"""

from __future__ import annotations

import re
from collections.abc import Mapping

PRONOUNS: Mapping[str, Mapping[str, str]] = {
    "male": {"they": "he", "them": "him", "their": "his", "theirs": "his", "themself": "himself"},
    "female": {
        "they": "she",
        "them": "her",
        "their": "her",
        "theirs": "hers",
        "themself": "herself",
    },
}

_PAIRS = (
    ("he", "she"),
    ("himself", "herself"),
    ("mr", "ms"),
    ("man", "woman"),
    ("men", "women"),
    ("gentleman", "lady"),
    ("male", "female"),
    ("boy", "girl"),
    ("son", "daughter"),
    ("father", "mother"),
    ("husband", "wife"),
    ("brother", "sister"),
    ("grandfather", "grandmother"),
    ("grandson", "granddaughter"),
    ("uncle", "aunt"),
    ("nephew", "niece"),
    ("businessman", "businesswoman"),
    ("widower", "widow"),
)
_TO_FEMALE = dict(_PAIRS) | {"him": "her", "his": "her"}
_TO_MALE = {female: male for male, female in _PAIRS} | {"hers": "his", "mrs": "mr"}
_OTHER = _TO_FEMALE | _TO_MALE
_WORD = re.compile(r"\b[A-Za-z]+\b")
_FUNCTION_WORDS = """
a about across after again against all along also although an and any anywhere are around as at away
back because become before behind between but by can do down during each every everywhere for
forever from get go had has have he his how if in into is it much no not of off on once one or out
over she since so some such than that the then there these this those through to today together too
toward towards twice under until up via was well were what when where which while who whom why will
with within without would you your
"""
_NOT_POSSESSED = frozenset(_FUNCTION_WORDS.split())


def tell(template: str, name: str, gender: str | None, **more: str) -> str:
    """Fill {name}, {they}, {them}, {their}, {theirs}, {themself} ({They} …) for one person.

    Without a gender there are no pronouns to fill in.
    """
    forms = PRONOUNS[gender] if gender else {}
    capitals = {key.capitalize(): word.capitalize() for key, word in forms.items()}
    return template.format(name=name, **forms, **capitals, **more)


def has_gender_words(text: str) -> bool:
    """Return whether `swap_gender` would change the text (names aside)."""
    words = _WORD.findall(text)
    return any(word.lower() == "her" or _other(word) is not None for word in words)


def swap_gender(text: str, names: Mapping[str, str]) -> str:
    """Return the text told of the other gender: pronouns, gendered nouns, and `names`.

    `names` maps a first name to the one that stands for it. Other names stay as they are.
    """

    def replace(match: re.Match[str]) -> str:
        word = match[0]
        if word in names:
            return names[word]
        low = word.lower()
        if low == "her":
            return _cased("his" if _possesses(text, match.end()) else "him", word)
        if low == "his" and not _possesses(text, match.end()):
            return _cased("hers", word)
        other = _other(word)
        return word if other is None else _cased(other, word)

    return _WORD.sub(replace, text)


def _other(word: str) -> str | None:
    """Return the word of the other gender; None for other words, and for "miss", the verb."""
    return "mr" if word == "Miss" else _OTHER.get(word.lower())


def _possesses(text: str, end: int) -> bool:
    """Return whether the word after position `end` can be what a possessive belongs to."""
    following = re.match(r"\s+([\w'’-]+)", text[end:])
    return following is not None and following[1].lower() not in _NOT_POSSESSED


def _cased(word: str, like: str) -> str:
    if like.isupper() and len(like) > 1:
        return word.upper()
    return word.capitalize() if like[0].isupper() else word
