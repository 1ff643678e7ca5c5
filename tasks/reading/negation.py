"""Does what stands around a word turn it into its opposite?

In the same clause, a negator among the words before it does ("not honest", "rarely polite"), and so
do phrases that deny ("anything but poor", "devoid of compassion", "refused to be", "too proud to
be") and what comes after ("powerless no more"). Two of them cancel. No negation are "not only", and
comparisons under a negator, which say the most of it: "had never felt more confident", "no kinder
soul", "nobody was more loyal".
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_SENTENCE_END = re.compile(r"(?<=[.!?;:])(?=\s)|(?<=[\n\"\u201c\u201d])")
_PARENTHESIS = re.compile(
    r",\s*(?:however|though|of course|in fact|indeed|after all|perhaps|to be sure)\s*,", re.I
)
_BUT = re.compile(r"\b(any|no)thing\s+but\b", re.I)
_CLAUSE_END = re.compile(
    r"[.,;:!?()\n\u2014\u2013\"\u201c\u201d]|\b(?:but|yet|and|who|which)\b|(?=\bnor\b)", re.I
)
_NEGATOR = re.compile(
    r"\b(?:not(?!\s+(?:only|just|merely|simply)\b)|never|no(?!\s+(?:doubt|wonder)\b)|non|nor"
    r"|neither|hardly|barely|scarcely|rarely|seldom|without|cannot|\w+n't)\b",
    re.I,
)
_REACH = 4
"""A negator stands among so many words before a hit."""

_DENIES = re.compile(
    r"\b(?:anythingbut|far\s+from(?:\s+being)?|devoid\s+of|free\s+(?:of|from)|void\s+of|bereft\s+of"
    r"|lack(?:ed|s|ing)?(?:\s+(?:of|in|any|all|the))*|instead\s+of|rather\s+than"
    r"|(?:refused|failed|ceased|declined|unable)\s+to\s+(?:be|become|act|seem)"
    r"|stopped\s+(?:being|acting)|too\s+\w+\s+to\s+be|in\s+no\s+way|by\s+no\s+means"
    r"|(?:without|not)\s+(?:a|any|the\s+least|the\s+slightest)\s+\w+\s+of"
    r"|(?:lost|overcame|abandoned|shed)\s+(?:his|her|their|all)(?:\s+own)?"
    r"|the\s+(?:opposite|reverse)\s+of)\s*(?:(?!to\b)\w+\s+)?$",
    re.I,
)
_STRONGER = re.compile(r"\b(more|as|so|such\s+an?|a\s+more)\s*(?:\w+ly\s+)?$", re.I)
_NO_MORE = re.compile(r"\bno\s+(?:more|longer)\s*$", re.I)
_THAN = re.compile(r"^\W*(?:\w+\W+){0,2}?than\b", re.I)
_UNDER = re.compile(
    r"\b(?:never|\w+n't|cannot|not|nor|no|hardly|rarely|seldom|no\s*one|nobody|none|nothing)\b",
    re.I,
)
_EXTREME = re.compile(r"\b(?:never|nobody|no\s*one)\b", re.I)
_AFTER = re.compile(
    r"^\s*,?\s*(?:no\s+(?:more|longer)|not\s+at\s+all|(?:he|she|they)\s+(?:was|were)\s+not)\b", re.I
)


def sentences(text: str) -> Iterator[str]:
    """Yield the sentences of a text; a quotation ends one."""
    yield from _SENTENCE_END.split(text)


def is_negated(before: str, word: str, after: str) -> bool:
    """Return whether a word is said not to hold.

    Args:
        before: its sentence up to it.
        word: as it stands there.
        after: the rest of the sentence.
    """
    told = _BUT.sub(r"\1thingbut", _PARENTHESIS.sub(" ", before))
    clause = _CLAUSE_END.split(told)[-1]

    denied = _DENIES.search(clause)
    if denied is not None:
        return _count(clause[: denied.start()]) % 2 == 0
    if _says_the_most(clause, word, after):
        return False
    turned = _count(clause) + (_AFTER.match(after) is not None)
    return turned % 2 == 1


def _count(clause: str) -> int:
    """Return how many negators are among the last words of a clause."""
    return len(_NEGATOR.findall(" ".join(clause.split()[-_REACH:])))


def _says_the_most(clause: str, word: str, after: str) -> bool:
    """Return whether a negated comparison says the most of it: "never more confident"."""
    stronger = _STRONGER.search(clause)
    plain = word.lower()
    if stronger is None:
        return plain.endswith("er") and _UNDER.search(clause) is not None
    if stronger[1].lower() not in ("more", "a more"):
        # "never so confident" says the most, "not as honest as" says less
        return _EXTREME.search(clause) is not None
    if _NO_MORE.search(clause) and _THAN.match(after) is None:
        return False
    return _UNDER.search(clause) is not None
