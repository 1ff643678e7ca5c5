"""Read a generator's reply: its label and its text, whatever form the model gave them.

Models wrap what they are asked for in markdown, bullets, quotes, fences and JSON, think aloud
before it, and add notes after it. What is read off is the label and the text alone.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from bias_inherit.bias_augment.axes.axis import Axis
from bias_inherit.bias_augment.data.forms import Form
from bias_inherit.bias_augment.data.outcomes import names_label
from bias_inherit.bias_augment.writing.generators.contract import Reply, Request
from bias_inherit.language.notes import cut_notes
from bias_inherit.language.refusals import is_refusal, opens_with_refusal
from bias_inherit.tasks.reading.reply import answer_of, folded

_FENCE = re.compile(r"^[ \t]*(?:```|~~~)[\w-]*[ \t]*$", re.M)
_SPECIAL = re.compile(r"<\|[^|<>\n]{1,40}\|>|</?s>|<(?:end|start)_of_turn>|\[/?INST\]")
_MARKS = (
    r"[\s*_`>#\"'\u201c\u2018\u2022\u00b7\u25cf\u25aa\u2013\u2014-]{0,40}"
    r"(?:\(?\d{1,2}[.)]|[a-d][.)])?[\s*_`\"'\u201c\u2018]{0,9}"
)
_COLON = r"[\s*_`\"'\u201d\u2019]{0,9}[:\uff1a][ \t*_`]*"
_AROUND = " \t*_`\"'.,;:!()[]<>{}\u201c\u201d\u2018\u2019\u00ab\u00bb\u2022-\u2013\u2014"
_BULLET = re.compile(r"^[ \t]*(?:[-*\u2022\u25cf]|\d{1,2}[.)])[ \t]+", re.M)
_EMPHASIS = re.compile(r"(\*{1,3}|_{2,3}|`)(?=\S)(.+?)(?<=\S)\1", re.S)
_PLACEHOLDER = re.compile(r"<[^<>]*>\.?|\[[^\[\]]*\]\.?")
_FEWEST = 3
"""Words beside the name that make a text, in scripts that put spaces between them."""
_LETTER = re.compile(r"^\(?(?:[A-Z]|\d{1,2})[.):]\s+")
_PREAMBLE = re.compile(
    r"^(?:sure|certainly|of\s+course|okay|absolutely|great)\b[^\n]{0,120}\n+"
    r"|^(?:here(?:'s|\u2019s|\s+is|\s+are)|below\s+is)\b[^\n:]{0,120}:\s+",
    re.I,
)
_BESIDE = re.compile(
    r"\s+(?:of|in|at|for|from|with|who|by|and\s+\w+ing)\s.*$|\s*[,(/;\u2013\u2014].*$|\s+-\s.*$"
)
_NOT = re.compile(r"\b(?:not|no|non|never|neither|isn't|aspiring|future|former\s+student)\b", re.I)


@dataclass(frozen=True)
class Parsed:
    """A usable reply: label and text, whether a note was cut off, whether it names the label."""

    label: str
    text: str
    noted: bool
    named: bool


def parse_reply(request: Request, reply: Reply, keep_named: bool = True) -> Parsed | str:
    """Return what a reply says, or the kind of its failure.

    Kinds: "empty", "refusal", "truncated", "off-format" (no label or no text can be told),
    "unknown-label" (one that is not on the list), "other-label" (not the one that was given),
    "echo" (the text stands in the prompt) and "label-named" (the text names its label, where such
    are not wanted).

    Args:
        request: what was asked.
        reply: what came back.
        keep_named: whether a text that names its own label is usable.
    """
    form = request.form
    told = _SPECIAL.sub(" ", answer_of(reply.text)).strip()
    if not told:
        return "truncated" if reply.truncated and reply.text.strip() else "empty"

    found = _from_json(told, form) or _from_lines(told, form, needs_label=request.label is None)
    if found is None:
        if is_refusal(told):
            return "refusal"
        return "truncated" if reply.truncated else "off-format"

    named, raw = found
    text, noted = cut_notes(raw)
    text = _plain(text)
    if opens_with_refusal(text):
        return "refusal"
    if reply.truncated:
        return "truncated"

    label = (
        request.label
        if named is None
        else read_label(named, request.source["options"], request.axis)
    )
    if label is None:
        return "unknown-label"
    if label not in request.allowed:
        return "other-label"
    if not text:
        return "empty"
    if _is_echo(text, request):
        return "echo"
    says_it = names_label(text, label)
    if says_it and not keep_named:
        return "label-named"
    return Parsed(label, text, noted, says_it)


def _is_echo(text: str, request: Request) -> bool:
    """Return whether a text is a placeholder, a name and hardly more, or in the prompt."""
    told = folded(text).strip(_AROUND)
    if told == folded(request.source["text"]).strip(_AROUND):
        return False  # the whole example: a duplicate
    bare = folded(text.removeprefix(request.person.name)).strip(_AROUND)
    bare = re.sub(r"^(?:is |was )?(?:an? |the )?", "", bare)
    if text.startswith(request.person.name) and len(bare.split()) < _FEWEST and bare.isascii():
        return True
    return (
        _PLACEHOLDER.fullmatch(text) is not None
        or bare in {"", *map(folded, request.options)}
        or (" " in told and told in folded(request.prompt))
    )


def read_label(named: str, options: Iterable[str], axis: Axis) -> str | None:
    """Return the label that a model named, None where it is none of them or not clear which.

    Case, accents, marks, an article, a letter or number before it and words beside it do not count;
    an axis's synonyms do.

    Args:
        named: as the model wrote it.
        options: the labels.
        axis: whose synonyms are known.
    """
    value = folded(_LETTER.sub("", named.strip().strip(_AROUND)).strip(_AROUND))
    known = _known(tuple(options), axis)
    if value in known:
        return known[value]

    value = re.sub(r"^(?:an?|the|as|he is|she is|they are|it is)\s+", "", value).strip(_AROUND)
    head = _BESIDE.sub("", value).strip(_AROUND)
    for one in (value, head, head.removesuffix("s")):
        if one in known:
            return known[one]

    if _NOT.search(value) or len(value.split()) > 8:
        return None
    ending = {label for name, label in known.items() if head.endswith(f" {name}")}
    if len(ending) > 1:  # "nurse practitioner" ends as no other does, "dental surgeon" may
        longest = max((name for name in known if head.endswith(f" {name}")), key=len)
        return known[longest]
    others = {label for name, label in known.items() if re.search(rf"\b{re.escape(name)}\b", value)}
    return ending.pop() if ending and len(others) == 1 else None


@lru_cache(maxsize=256)
def _known_names(
    options: tuple[str, ...], synonyms: tuple[tuple[str, str], ...]
) -> Mapping[str, str]:
    names = {folded(word): label for word, label in synonyms if label in options}
    return names | {folded(option).strip(_AROUND): option for option in options}


def _known(options: tuple[str, ...], axis: Axis) -> Mapping[str, str]:
    pairs = ((word, label) for label, words in axis.synonyms.items() for word in words)
    return _known_names(options, tuple(pairs))


def _from_json(told: str, form: Form) -> tuple[str | None, str] | None:
    """Return (label or None, text) of a reply that holds a JSON object with the form's keys."""
    start = told.find("{")
    while start >= 0:
        try:
            value, _ = json.JSONDecoder(strict=False).raw_decode(told, start)
        except ValueError:
            value = None
        if isinstance(value, dict):
            cells = {folded(key): cell for key, cell in value.items() if isinstance(cell, str)}
            label = next((cells[n] for n in map(folded, form.label_names) if n in cells), None)
            text = next((cells[n] for n in map(folded, form.text_names) if n in cells), None)
            if text is not None:
                return label, text
        start = told.find("{", start + 1)
    return None


def _from_lines(told: str, form: Form, needs_label: bool) -> tuple[str | None, str] | None:
    """Return (label or None, text) of a reply in lines; None where they cannot be told.

    Args:
        told: the reply, without what was thought aloud.
        form: whose lines are looked for.
        needs_label: whether a reply without a label is none; else the text may stand alone.
    """
    told = _FENCE.sub("", told).strip()
    heads = _headings(form)
    label, text = heads[0].search(told), None
    if label is not None:
        text = heads[2].search(told, label.end()) or heads[1].search(told)
    else:
        text = heads[1].search(told)

    if label is None:
        if needs_label:
            return None
        body = told[text.end() :] if text is not None else _PREAMBLE.sub("", told, count=1)
        return (None, body) if body.strip() and not body.lstrip().startswith("{") else None

    if text is None:  # the label, and under it the text without a heading of its own
        value, _, body = told[label.end() :].lstrip().partition("\n")
        return (value, body) if body.strip() else None
    if text.start() > label.start():
        value, body = told[label.end() : text.start()], told[text.end() :]
        again = heads[0].search(body)  # a second one that nobody asked for
        return value, body[: again.start()] if again is not None else body
    value = told[label.end() :].lstrip().partition("\n")[0]
    return value, told[text.end() : label.start()]


@lru_cache
def _headings(form: Form) -> tuple[re.Pattern[str], re.Pattern[str], re.Pattern[str]]:
    """Return what matches the label's heading, the text's, and the text's within a line too."""

    def named(names: Iterable[str]) -> str:
        """Return what matches one of the names, as a model may write it."""
        return rf"(?:the\s+|chosen\s+)?(?:{'|'.join(map(re.escape, names))})"

    label, text = named(form.label_names), named(form.text_names)
    alone = rf"^#+\s*{text}\s*$"
    within = rf"(?:^{_MARKS}|(?<=[\s.;,|*_]){_MARKS}){text}{_COLON}"
    return (
        re.compile(
            rf"^{_MARKS}{label}{_COLON}|^#+\s*{label}\s*$|^(?:the|their|his|her)\s+{label}\s+is\s",
            re.I | re.M,
        ),
        re.compile(rf"^{_MARKS}{text}{_COLON}|{alone}", re.I | re.M),
        re.compile(rf"{within}|{alone}", re.I | re.M),
    )


def _plain(text: str) -> str:
    """Return a text as one line, without markdown and the quotes around it."""
    text = _EMPHASIS.sub(r"\2", _EMPHASIS.sub(r"\2", _BULLET.sub("", text)))
    text = " ".join(text.split()).strip(" *_`")
    for left, right in ('""', "\u201c\u201d", "\u00ab\u00bb"):
        if text.startswith(left) and text.endswith(right) and left not in text[1:-1]:
            text = text[1:-1].strip()
    if text.count('"') == 1:  # the other one stood around the whole reply
        text = text.strip('"').rstrip()
    return text
