"""English words that carry gender: pronouns for telling a biography, and the swap of one.

Names are replaced where the caller gives pairs. "her" is read by its role: before a word
that can head or open a noun phrase it is "his", elsewhere "him".
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from bias_inherit.language.scripts import cased

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
    ("he", "she", "they"),
    ("himself", "herself", "themself"),
    ("mr", "ms", "Mx"),
    ("man", "woman", "person"),
    ("men", "women", "people"),
    ("gentleman", "lady", "person"),
    ("male", "female", ""),
    ("boy", "girl", "child"),
    ("son", "daughter", "child"),
    ("father", "mother", "parent"),
    ("husband", "wife", "spouse"),
    ("brother", "sister", "sibling"),
    ("grandfather", "grandmother", "grandparent"),
    ("grandson", "granddaughter", "grandchild"),
    ("uncle", "aunt", "relative"),
    ("nephew", "niece", "relative"),
    ("businessman", "businesswoman", "businessperson"),
    ("widower", "widow", "bereaved spouse"),
)
"""Of a man, of a woman, of anyone ("" where English has no such word): the one list that the
swap, the cues of the gender axis, the mask and the audit read."""
_TO_FEMALE = {male: female for male, female, _ in _PAIRS} | {"him": "her", "his": "her"}
_TO_MALE = {female: male for male, female, _ in _PAIRS} | {"hers": "his", "mrs": "mr"}
_OTHER = _TO_FEMALE | _TO_MALE

WORDS: Mapping[str, tuple[str, ...]] = {
    "male": tuple(_TO_FEMALE),
    "female": (*_TO_MALE, "her"),
}
"""Every word that tells a gender, lower case, by gender."""

NEUTRAL: Mapping[str, str] = {
    word: neutral for male, female, neutral in _PAIRS for word in (male, female)
} | {"mrs": "Mx", "him": "them", "his": "their", "her": "their", "hers": "theirs"}
"""Each of these words with the one for anyone; his and her as before a noun."""
_ENDS = r"(?=\s*(?:[.,;!?]|$|(?:after|as|at|by|for|from|in|on|to|when|with)\b))"
_WITH_OBJECT = (
    (r"keep(s|ing)?|kept", rf"(?:good )?company{_ENDS}"),
    (
        r"g[ia]ven?|gives|giving|grant(s|ed)?|bring(s|ing)?|brought|owe[sd]?",
        rf"(?:(?:most|more|all|much) of\b|(?:tenure|credit|permission|access|pleasure){_ENDS})",
    ),
    (r"asks?|asked", r"first (?:about|for|to)\b"),
    (r"help(s|ed)?", r"(?:put|get|find|make|do|see|keep)\b"),
    (
        r"calls?|called",
        r"(?:brave|calm|fair|generous|gentle|honest|kind|patient|strict)\b(?= (?:and|but)\b|[.,])",
    ),
    (r"with", r"(?:call|praise|remember|admire|describe|know) (?:her|him|it|them|that)\b"),
)
"""(verb, what follows) where "her" between them is an object, although a noun could follow it."""
_WORD = re.compile(r"\b[A-Za-z]+\b")
_FUNCTION_WORDS = """
a about above across after again against all along also although among amongst an and any anyone
anything anywhere are around as at away back because become before behind below beneath beside
besides between beyond but by can do down during each every everyone everything everywhere for
forever from get go had has have he his how if in into is it its much my no not nothing of off on
once one onto or our out over she since so some somebody someone something such than that the their
then there these this those through to today together too toward towards twice under unless until up
upon via was well were what when whenever where whereas whether which while who whom why will with
within without would yet you your
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
            possesses = _possesses(text, match.end()) and not _is_object(text, match)
            return cased("his" if possesses else "him", word)
        if low == "his" and not _possesses(text, match.end()):
            return cased("hers", word)
        other = _other(word)
        return word if other is None else cased(other, word)

    return _WORD.sub(replace, text)


def _other(word: str) -> str | None:
    """Return the word of the other gender; None for other words, and for "miss", the verb."""
    return "mr" if word == "Miss" else _OTHER.get(word.lower())


def _is_object(text: str, her: re.Match[str]) -> bool:
    """Return whether "her" is an object though a noun may follow: "keep her company"."""
    before = re.search(r"([A-Za-z]+)\s+$", text[: her.start()])
    after = text[her.end() :].lower()
    if before is None:
        return False
    verb = before[1].lower()
    return any(
        re.fullmatch(known, verb) and re.match(rf"\s+(?:{follows})", after)
        for known, follows in _WITH_OBJECT
    )


def _possesses(text: str, end: int) -> bool:
    """Return whether the word after position `end` can be what a possessive belongs to."""
    following = re.match(r"\s+([\w'’-]+)", text[end:])
    return following is not None and following[1].lower() not in _NOT_POSSESSED
