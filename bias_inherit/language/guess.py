"""Which language a text is in, by its script and its commonest words: a guess, and a light one.

A Latin text is of the language with most of its words in the lists below. The lists are short, so
languages that are near each other (Danish and Norwegian) share one; a longer text with hardly a
word of any list is of another language.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping

ENGLISH = "English"
OTHER = "another language"

_LISTS: Mapping[str, str] = {
    ENGLISH: """
        the and of to in is was for with his her she he as at by from they their this that has
        have had who which been are it its on not but or be were an a i my you your we our there
        when while after all into about would will can do does did him them what how
    """,
    "French": """
        le la les des de du et est un une dans pour que qui en au aux sur avec je pas ne ce il
        elle sa son ses mon ma mes nous vous ont sont été cette plus par à
    """,
    "Spanish": """
        el la los las de del y en que un una con por para es su se al lo como más son fue ha
        está muy me mi sus ella pero
    """,
    "Portuguese": """
        o a os as de do da dos das e em no na que um uma com por para é não se ao seu sua ela
        ele foi são mais me
    """,
    "Italian": """
        il la di che e è un una per con in del della dei delle non si da lo gli le nel nella al
        sono ha ho mi suo sua come più anche
    """,
    "German": """
        der die das und ist mit für ein eine einen den dem des von zu im auf nicht sie er es als
        auch sich war hat ich in an
    """,
    "Dutch": """
        de het een van en in is was met voor dat die zijn haar ze hij als op bij uit niet maar
        ook er aan naar om te door over wordt heeft of ik
    """,
    "Danish, Norwegian or Swedish": """
        og och er är en et ett at att det den til till på af av med for för som ikke inte han
        hun hon har de var jeg jag i
    """,
    "Polish": """
        i w na z się nie do jest że to jak po za od dla oraz przez jego jej są był była
    """,
    "Czech or Slovak": "a se na je v že do to jako pro byl byla která který jeho sa so ako",
    "Romanian": "și şi de în la cu pe din este o un care a nu pentru mai sa al ale",
    "Turkish": "ve bir bu için ile çok olarak da de olan gibi daha en her ben o",
    "Finnish": "ja on ei se hän että oli ovat joka myös mutta kun hänen sekä",
    "Hungarian": "a az és egy hogy nem is meg volt van ő de mint vagy aki",
    "Indonesian or Malay": """
        yang dan di untuk dengan ini itu dari adalah pada dia seorang tidak
    """,
    "Vietnamese": "và của là có không cho người một các được trong với",
    "Swahili": "na ya wa kwa ni katika za la yake kuwa cha",
    "Tagalog": "ang ng sa na mga siya at ay kanyang isang",
}
_LANGUAGES: Mapping[str, list[str]] = {
    word: [language for language, others in _LISTS.items() if word in others.split()]
    for words in _LISTS.values()
    for word in words.split()
}
"""The languages that a word is of."""
_SCRIPTS = {"CJK": "Chinese or Japanese", "HIRAGANA": "Japanese", "KATAKANA": "Japanese"}

_LONG, _LEAST = 12, 0.08
"""A text of so many words has this share of its language's words, or it is of another language."""
_READ = 3000
"""So many characters of a text are looked at."""

_WORD = re.compile(r"\b[^\W\d_]+\b")


def guess_language(text: str) -> str | None:
    """Return the language, or the script's name where it is not Latin; None if too short to tell.

    Of languages that have as many of the words the first counts, and English is the first.
    """
    words = _WORD.findall(text[:_READ].casefold())
    script = _script(words)
    if script is not None:
        return script

    hits = dict.fromkeys(_LISTS, 0)
    for word in words:
        for language in _LANGUAGES.get(word, ()):
            hits[language] += 1
    best = max(hits, key=lambda language: hits[language])
    if len(words) >= _LONG and hits[best] < _LEAST * len(words):
        return OTHER
    return best if hits[best] else None


def _script(words: list[str]) -> str | None:
    """Return the script of most letters, None where it is Latin or there is none."""
    letters = "".join(words)[:200]
    scripts = Counter(unicodedata.name(letter, "LATIN").split()[0] for letter in letters)
    if not scripts:
        return None
    script, _ = scripts.most_common(1)[0]
    return None if script == "LATIN" else _SCRIPTS.get(script, f"{script.capitalize()} script")
