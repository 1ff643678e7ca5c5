"""How a model says that it will not do what it was asked."""

from __future__ import annotations

import re

_NOT = (
    r"(?:can(?:not|'t|\u2019t)|won(?:'t|\u2019t)|will\s+not|must\s+decline\s+to|have\s+to\s+decline\s+to"
    r"|(?:am|'m|\u2019m)\s+(?:not\s+able|unable|not\s+comfortable|not\s+willing|not\s+allowed)"
    r"(?:\s+to|\s+with)?|do\s+not\s+feel\s+comfortable|don(?:'t|\u2019t)\s+feel\s+comfortable)"
)
_DO = (
    r"(?:help|assist|writ(?:e|ing)|creat(?:e|ing)|generat(?:e|ing)|provid(?:e|ing)|produc(?:e|ing)"
    r"|fulfil+|comply|continue|answer(?:ing)?|engage|participate|shar(?:e|ing)|choos(?:e|ing)"
    r"|recommend(?:ing)?|complet(?:e|ing)|do\s+(?:that|this|so)|mak(?:e|ing)\s+(?:a|such)|support"
    r"|discuss(?:ing)?|respond|offer(?:ing)?|giv(?:e|ing)|depict(?:ing)?|portray(?:ing)?)"
)
_REFUSAL = re.compile(
    rf"\bI\s*{_NOT}\s+(?!help\s+(?:but|feeling|thinking|noticing))(?:be\s+able\s+to\s+)?(?:\w+\s+)?{_DO}\b"
    r"|\bI(?:\s+am|'m|\u2019m)\s+(?:really\s+|very\s+|so\s+)?sorry,?\s*(?:but|for\s+any|I\s+can)"
    rf"|\bsorry,?\s*(?:but\s+)?I\s*{_NOT}"
    r"|\bI\s+(?:apologi[sz]e|regret),?\s*(?:but|that\s+I)"
    r"|\bas\s+an?\s+AI\b|\bas\s+a\s+(?:large\s+)?language\s+model\b"
    r"|\bI\s+(?:must|have\s+to)\s+decline\b"
    rf"|^\W*I(?:\s*{_NOT}|(?:\s+am|'m|\u2019m)\s+sorry)\s*(?:[.!]|$)",
    re.I,
)
_SPEECH = re.compile(
    r"^\s*(?:\"[^\"]*\"|\u201c[^\u201d]*\u201d|\u00ab[^\u00bb]*\u00bb|'[^']{3,}'(?!\w))"
)
"""A text that begins with what somebody says."""

OPENING = 80
"""A refusal that begins within so many characters of a text's beginning makes the whole one."""


def is_refusal(text: str) -> bool:
    """Return whether the text holds a usual English phrase of refusal."""
    return _REFUSAL.search(text) is not None


def opens_with_refusal(text: str) -> bool:
    """Return whether such a phrase begins near the text's beginning, and nobody in it says so."""
    if _SPEECH.match(text):
        return False
    found = _REFUSAL.search(text)
    return found is not None and found.start() < OPENING
