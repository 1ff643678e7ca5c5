"""Whose trait is it? A word for a trait also tells of things, of bodies, and of everyone.

An adjective before a noun counts where that is a person, or what shows a person's nature (eyes, a
smile, a voice); after a verb it counts unless the subject is a thing. Adverbs, nouns and phrases
count but for that. Where everyone or no one is the subject, nothing is said of the character.
"""

from __future__ import annotations

import re
from pathlib import Path

from bias_inherit import store

_WORDS = store.read_yaml(Path(__file__).resolve().parent / "bearers.yaml")
_PERSONS = frozenset(_WORDS["persons"])
_MANNERS = frozenset(_WORDS["manners"])
_FUNCTION = frozenset(_WORDS["function"])
_THINGS_IN_ER = frozenset(_WORDS["things_like_persons"])
_ADJECTIVES_IN_LY = frozenset(_WORDS["adjectives_in_ly"])
_NOUNS = frozenset(_WORDS["nouns"])
_PITIED = frozenset(_WORDS["pitied"])
_WISHED = frozenset(_WORDS["wished"])
_NEVER_BEFORE = {
    word: re.compile(rf"^\s*(?:{after})\b", re.I) for word, after in _WORDS["not_before"].items()
}

_PERSON_ENDING = re.compile(r"(?:er|or|ist|ian|man|woman|eer|ess|ant|king|queen)$")
_NOUN_ENDING = re.compile(r"(?:ness|ity|ism|ence|ance|hood|ship|cy|our|dom)$")
_TOKEN = re.compile(r"[^\W_]+(?:'[^\W_]+)?")
_EVERYONE = re.compile(r"\b(?:everyone|everybody|no\s*one|nobody)\b[^,;]*$", re.I)
_COMPARATIVE = re.compile(r"\b(?:more|as|so)\s*(?:\w+ly\s+)?$", re.I)
_WISH = re.compile(
    r"\b(?:want(?:s|ed)|prefer(?:s|red)|insist(?:s|ed) on|believe[sd]? in|keeps? to|kept to|"
    r"belong(?:s|ed) to|member of)\s+(?:(?:a|an|the|her|his|their)\s+)?$",
    re.I,
)
_SUBJECT = re.compile(
    r"\b(?:the|a|an|his|her|their|its|this|that|these|those|my|our)\s+(?:\w+\s+){0,2}?(\w+)\s+"
    r"(?:was|were|is|are|be|been|seemed|looked|sounded|felt|grew|became|remained|turned|proved|got)\b"
    r"[^,;]*$",
    re.I,
)


def tells_of_a_person(word: str, before: str, after: str) -> bool:
    """Return whether a hit is a trait of somebody whom the story is about.

    Args:
        word: as it stands there.
        before: its sentence up to it.
        after: the rest of the sentence.
    """
    plain = word.lower()
    if plain in _NEVER_BEFORE and _NEVER_BEFORE[plain].match(after):
        return False
    compares = _COMPARATIVE.search(before) or plain.endswith("er")
    if _EVERYONE.search(before) and not compares:
        return False
    subject = _SUBJECT.search(before)
    if subject is not None and not _is_bearer(subject[1].lower()):
        return False
    if plain in _WISHED and _WISH.search(before):
        return True
    return not _is_adjective(plain) or _fits(plain, after)


def _is_adjective(plain: str) -> bool:
    if " " in plain:
        return False
    if plain in _NOUNS or _NOUN_ENDING.search(plain):
        return False
    return not plain.endswith("ly") or plain in _ADJECTIVES_IN_LY


def _fits(plain: str, after: str) -> bool:
    """Return whether what follows an adjective leaves it to a person."""
    if not re.match(r"\s", after):
        return True  # the end of a clause
    following = _TOKEN.findall(after)[:3]
    if not following or not re.match(r"\s+[^\W_]", after):
        return True
    first = following[0]
    if plain in _PITIED and first.lower() in _PERSONS:
        return False
    if first.lower() in _FUNCTION or first[:1].isupper() or _is_bearer(first.lower()):
        return True
    return any(_is_bearer(other.lower()) for other in following[1:2])


def _is_bearer(noun: str) -> bool:
    if noun in _PERSONS or noun in _MANNERS:
        return True
    return _PERSON_ENDING.search(noun) is not None and noun not in _THINGS_IN_ER
