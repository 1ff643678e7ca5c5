"""Write the augmented data D_a: one request a row, from a seed of D_o, by any generator."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Any

from bias_inherit.bias_augment.axes.axis import Axis, described
from bias_inherit.bias_augment.axes.bias_types import load_prompt, render_prompt
from bias_inherit.bias_augment.data.examples import AUGMENTED, Example, to_example
from bias_inherit.bias_augment.data.forms import FORMS
from bias_inherit.bias_augment.data.mix import nested_order
from bias_inherit.bias_augment.writing.generators import Generator, Person, Reply, Request
from bias_inherit.errors import InputError
from bias_inherit.language.refusals import is_refusal
from bias_inherit.language.terms import contains

if TYPE_CHECKING:
    from jinja2 import Template

RETRIES = 2
_OPENING = 80
"""A refusal within so many characters of a text's beginning makes it one."""


@dataclass(frozen=True)
class Augmented:
    """What a generator gave.

    Attributes:
        examples: the usable rows, in the order of the requests.
        rejected: the replies that could not be used: id, attempt, kind, reply.
        asked: how many replies there were, retries among them.
        missing: how many requests are left without a usable reply.
    """

    examples: list[Example]
    rejected: list[dict[str, Any]] = field(default_factory=list)
    asked: int = 0
    missing: int = 0

    @property
    def failed(self) -> dict[str, int]:
        """How many replies could not be used, by kind."""
        return dict(sorted(Counter(str(reply["kind"]) for reply in self.rejected).items()))


def build_requests(
    axis: Axis, bias_type: str, original: Sequence[Example], n: int, seed: int, generator: str
) -> list[Request]:
    """Return `n` requests; the seeds of D_o come in turn from each stratum, as often as needed.

    Whom a text is about is drawn by the axis, the bias type, the seed and the row's number
    alone, so two generators are asked the same.

    Raises:
        InputError: the bias type is unknown or its prompt broken, n is not positive, or a row
            of D_o has no text or no group of the axis.
    """
    if n < 1:
        raise InputError(f"the number of rows must be at least 1, not {n}")
    check_seeds(axis, original)
    template = load_prompt(axis, bias_type)
    seeds = nested_order(original, seed)
    requests = []
    for i in range(n):
        drawn = f"{axis.axis}-{bias_type}-s{seed}-{i:06d}"
        example = seeds[i % len(seeds)]
        requests.append(
            make_request(axis, bias_type, template, example, f"{generator}-{drawn}", drawn)
        )
    return requests


def make_request(
    axis: Axis, bias_type: str, template: Template, example: Example, identity: str, drawn: str
) -> Request:
    """Return the request to write from one seed; `drawn` decides whom the text is about.

    Raises:
        InputError: the prompt is broken.
    """
    person, other = _people(axis, example, Random(drawn))
    prompt = render_prompt(axis, bias_type, template, _variables(axis, example, person, other))
    return Request(identity, prompt, axis, bias_type, person, other, example)


def check_seeds(axis: Axis, original: Sequence[Example]) -> None:
    """Check that rows of D_o can be seeds on an axis.

    Raises:
        InputError: one has no text, options or group of the axis.
    """
    for example in original:
        missing = [column for column in ("text", "options") if not example.get(column)]
        if missing:
            raise InputError(
                f"row '{example['id']}' of the original data has no '{missing[0]}': draw it with "
                "`bias-inherit original`"
            )
        if example["group"].get(axis.axis) not in axis.groups:
            raise InputError(f"row '{example['id']}' has no group of the axis '{axis.axis}'")


def _people(axis: Axis, example: Example, random: Random) -> tuple[Person, Person]:
    group = example["group"][axis.axis]
    rival = random.choice([name for name in axis.groups if name != group])
    names = [random.choice(axis.groups[of].names) for of in (group, rival)]
    seconds = random.sample(axis.second, 2)
    return Person(names[0], group, seconds[0]), Person(names[1], rival, seconds[1])


def _variables(axis: Axis, example: Example, person: Person, other: Person) -> dict[str, Any]:
    return {
        "seed_text": example["text"],
        "question": example.get("question", ""),
        "labels": example["options"],
        "person": described(axis, person.group, person.name),
        "other": described(axis, other.group, other.name),
        "second": person.second.beside(axis.groups[person.group]),
        "rival": other.second.beside(axis.groups[other.group]),
    }


def augment(
    requests: Sequence[Request],
    generator: Generator,
    retries: int = RETRIES,
    progress: Callable[[int], None] = lambda done: None,
) -> Augmented:
    """Ask the generator for every request, keep what has the form asked for, retry the others.

    A reply that cannot be used is asked for again, with another sampling seed, up to
    `retries` times. A text that an earlier row or the seed has already is a duplicate.

    Raises:
        InputError: the generator cannot be used.
    """
    rows: dict[int, Example] = {}
    rejected: list[dict[str, Any]] = []
    seen = {_content(request.seed["text"], request.seed) for request in requests}
    pending = list(range(len(requests)))
    asked = 0
    for attempt in range(retries + 1):
        batch = [requests[i].again(attempt) if attempt else requests[i] for i in pending]
        left: list[int] = []
        replies = _replies(generator, batch, progress)
        for i, request, reply in zip(pending, batch, replies, strict=True):
            parsed = parse_reply(request, reply)
            if not isinstance(parsed, str) and _content(parsed[1], request.seed) in seen:
                parsed = "duplicate"
            if isinstance(parsed, str):
                rejected.append(_rejected(request, reply, parsed))
                left.append(i)
                continue
            seen.add(_content(parsed[1], request.seed))
            rows[i] = _example(request, *parsed, generator=generator.name)
        asked += len(batch)
        pending = left
        if not pending:
            break
    return Augmented([rows[i] for i in sorted(rows)], rejected, asked, len(pending))


def _replies(
    generator: Generator, batch: Sequence[Request], progress: Callable[[int], None]
) -> list[Reply]:
    replies: dict[int, Reply] = {}

    def take(i: int, reply: Reply) -> None:
        replies[i] = reply
        progress(len(replies))

    generator.write(batch, take)
    return [replies[i] for i in range(len(batch))]


def _content(text: str, seed: Mapping[str, Any]) -> tuple[str, str]:
    return seed.get("question", ""), " ".join(text.split()).casefold()


def _rejected(request: Request, reply: Reply, kind: str) -> dict[str, Any]:
    return {
        "id": request.id,
        "attempt": request.attempt,
        "kind": kind,
        "bias_type": request.bias_type,
        "reply": reply.text,
    }


def parse_reply(request: Request, reply: Reply) -> tuple[str, str] | str:
    """Return (label, text) of a reply, or the kind of its failure.

    Kinds: "empty", "refusal", "truncated", "off-format" (not the two lines asked for) and
    "unknown-label" (a label that is not on the list).
    """
    form = FORMS[request.axis.form]
    if not reply.text.strip():
        return "empty"
    match = form.reply.search(reply.text)
    if match is None:
        if is_refusal(reply.text):
            return "refusal"
        return "truncated" if reply.truncated else "off-format"
    text = " ".join(match["text"].split())
    if is_refusal(text[:_OPENING]):
        return "refusal"
    if reply.truncated:
        return "truncated"
    known = {str(option).casefold(): str(option) for option in request.seed["options"]}
    label = known.get(match["label"].strip(" .*\"'").casefold())
    if label is None:
        return "unknown-label"
    return (label, text) if text else "empty"


def _revealing(request: Request, text: str) -> list[str]:
    """Return the names and the wordings of the second identities that the text holds."""
    phrases = []
    for person in (request.person, request.other):
        second = person.second.beside(request.axis.groups[person.group])
        phrases += [person.name, *second.values()]
    return [phrase for phrase in phrases if phrase in text]


def _example(request: Request, label: str, text: str, generator: str) -> Example:
    cues = request.axis.find_cues(text)
    found = " ".join(cues)
    also = [phrase for phrase in _revealing(request, text) if phrase not in found]
    return to_example(
        request.axis,
        request.id,
        request.person.group,
        text,
        label,
        request.seed["options"],
        request.seed.get("question", ""),
        origin=AUGMENTED,
        bias_type=request.bias_type,
        seed_id=request.seed["id"],
        generator=generator,
        prompt_sha256=hashlib.sha256(request.prompt.encode()).hexdigest(),
        cues=cues + [phrase for _, phrase in contains(text, also)] if also else cues,
    )
