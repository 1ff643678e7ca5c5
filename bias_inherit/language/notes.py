"""What models add to a text that they were asked for: notes, disclaimers, offers of help."""

from __future__ import annotations

import re

_THIS = (
    r"(?:this|the\s+above|the)\s+(?:above\s+)?(?:short\s+|brief\s+)?"
    r"(?:biography|bio|profile|text|story|answer|character|response|description|person|example)"
)
_NOTE = (
    r"(?:(?:please|kindly|also|important)\s+)*note\b(?:\s*:|\s*[-\u2013\u2014]|\s+that\b)"
    r"|(?:\w+\s+)?disclaimer\b\s*[:.\u2013\u2014-]|n\.?\s?b\.?\s*:|important\s*:|word\s+count\b"
    rf"|{_THIS}\s+(?:is|was|has\s+been)\s+(?:\w+ly\s+)?"
    r"(?:fiction(?:al)?|fictitious|made\s+up|a\s+work\s+of\s+fiction|generated|imaginary|invented"
    r"|hypothetical|written\s+(?:to|as|for|by)|meant\s+to|intended\s+(?:to|as|for))\b"
    r"|as\s+an\s+AI\b|\d+\s+words\b"
    r"|I\s+(?:have|'ve|\u2019ve)\s+(?:written|tried|avoided|followed|chosen|kept|made\s+sure)\b"
)
_CLOSING = (
    r"(?:it\s+is|it's|it\u2019s)\s+(?:also\s+)?(?:important|worth|crucial|essential|vital)\s+(?:to\s+)?"
    r"(?:note|noting|remember|recogni[sz]e|mention(?:ing)?|acknowledge|avoid|understand|consider)\b"
    r"|(?:please\s+)?(?:remember|keep\s+in\s+mind|be\s+aware)(?:,|:|\s+that)\s+"
    r"(?:this|these|not|people|every\w*|each|any\w*|it|stereotypes|individuals|no|the\s+above)\b"
    r"|(?:I\s+)?hope\s+(?:this|that|it)\b|let\s+me\s+know\b|(?:please\s+)?feel\s+free\b"
    r"|if\s+you\s+(?:need|want|would\s+like|have|prefer|'d\s+like)\b|is\s+there\s+anything\b"
    r"|would\s+you\s+like\s+(?:me|another)\b|(?:these|such)\s+(?:stereotypes|generali[sz]ations)\b"
)
_OPENS = r"^[\s*_\"'#>~\[(-]*"
_IS_NOTE = re.compile(rf"{_OPENS}(?:{_NOTE})", re.I)
_MAY_CLOSE = re.compile(rf"{_OPENS}(?:{_NOTE}|{_CLOSING})", re.I)
_BREAK = re.compile(r"(?<=[.!?\u3002\uff01\uff1f\u061f\"\u201d)\]*])\s+|\n+")
_RULE = re.compile(r"\n\s*(?:-{3,}|\*{3,}|_{3,})\s*(?:\n|$)")


def cut_notes(text: str) -> tuple[str, bool]:
    """Return a text without notes and disclaimers around it, and whether there were any.

    A note that says so ("Note: …", "This biography is fictional") ends the text wherever it
    begins a sentence; a phrase that a text may hold too ("It is important to remember …") does
    where nothing but such sentences follow it.
    """
    told = _RULE.split(text.strip())[0].rstrip() or text.strip()
    was_ruled = len(told) < len(text.strip())
    parts, starts, begin = [], [], 0
    for gap in [*_BREAK.finditer(told), None]:
        end = len(told) if gap is None else gap.start()
        if told[begin:end].strip():
            parts.append(told[begin:end])
            starts.append(begin)
        begin = end if gap is None else gap.end()

    first = 0
    while first < len(parts) - 1 and _IS_NOTE.match(parts[first]):
        first += 1
    last = len(parts)
    while last - 1 > first and _MAY_CLOSE.match(parts[last - 1]):
        last -= 1
    sure = next((i for i in range(first + 1, last) if _IS_NOTE.match(parts[i])), last)

    if (first, sure) == (0, len(parts)):
        return told, was_ruled
    end = len(told) if sure == len(parts) else starts[sure]
    return told[starts[first] : end].strip(), True
