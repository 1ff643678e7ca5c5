"""Write the augmented data D_a: one request per row, from a source row of D_o."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING

from typing_extensions import TypedDict

from bias_inherit.bias_augment.axes.axis import Axis, described
from bias_inherit.bias_augment.axes.bias_types import (
    load_prompt,
    names_group,
    render_prompt,
)
from bias_inherit.bias_augment.data.examples import to_example
from bias_inherit.bias_augment.data.forms import FORMS
from bias_inherit.bias_augment.data.mix import nested_order
from bias_inherit.bias_augment.writing.generators.contract import Generator, Person, Reply, Request
from bias_inherit.errors import InputError
from bias_inherit.language.refusals import is_refusal, opens_with_refusal
from bias_inherit.language.terms import contains
from bias_inherit.rows import AUGMENTED, Example

if TYPE_CHECKING:
    from jinja2 import Template

RETRIES = 2


class Rejected(TypedDict):
    """A reply that could not be used, as it is kept beside the output.

    `kind` is why: see `parse_reply`; "duplicate" and "unchanged" (by the group swap) beside.
    """

    id: str
    attempt: int
    kind: str
    bias_type: str
    reply: str


@dataclass(frozen=True)
class Augmented:
    """What a generator gave.

    Attributes:
        examples: the usable rows, in the order of the requests.
        rejected: the replies that could not be used.
        asked: how many replies there were, retries among them.
        missing: how many requests are left without a usable reply.
    """

    examples: list[Example]
    rejected: list[Rejected] = field(default_factory=list)
    asked: int = 0
    missing: int = 0

    @property
    def failed(self) -> dict[str, int]:
        """How many replies could not be used, by kind."""
        return dict(sorted(Counter(reply["kind"] for reply in self.rejected).items()))

    def failures(self) -> str:
        """The same as a text, such as "3 refusal, 1 off-format"."""
        return ", ".join(f"{n} {kind}" for kind, n in self.failed.items())


def build_requests(
    axis: Axis, bias_type: str, original: Sequence[Example], n: int, seed: int, generator: str
) -> list[Request]:
    """Return `n` requests; source rows come in turn from each cell of D_o, as often as needed.

    Whom a text is about is drawn by the axis, the bias type, the seed and the row's number
    alone, so two generators are asked the same.

    Args:
        axis: whose prompts are rendered.
        bias_type: one of the eight, or "neutral".
        original: D_o.
        n: how many.
        seed: of the draws.
        generator: its name, which begins the ids of the rows.

    Raises:
        InputError: the bias type is unknown or its prompt broken, n is not positive, or a row
            of D_o has no text or no group of the axis.
    """
    if n < 1:
        raise InputError(f"the number of rows must be at least 1, not {n}")
    check_sources(axis, original)
    template = load_prompt(axis, bias_type)
    sources = nested_order(original, seed)

    requests = []
    for i in range(n):
        drawn = f"{axis.axis}-{bias_type}-s{seed}-{i:06d}"
        source = sources[i % len(sources)]
        requests.append(
            make_request(axis, bias_type, template, source, f"{generator}-{drawn}", drawn)
        )
    return requests


def make_request(
    axis: Axis, bias_type: str, template: Template, source: Example, identity: str, drawn: str
) -> Request:
    """Return the request to write from one source row.

    Args:
        axis: whose groups the people are of.
        bias_type: one of the eight, or "neutral".
        template: its prompt.
        source: the row of D_o.
        identity: the id of the row to be.
        drawn: decides whom the text is about.

    Raises:
        InputError: the prompt is broken.
    """
    person, other = _people(axis, source, Random(drawn))
    prompt = render_prompt(
        axis, bias_type, template, _variables(axis, bias_type, source, person, other)
    )
    return Request(identity, prompt, axis, bias_type, person, other, source)


def check_sources(axis: Axis, original: Sequence[Example]) -> None:
    """Check that rows of D_o can be written from on an axis.

    Raises:
        InputError: one has no text, options or group of the axis.
    """
    for example in original:
        identity = example["id"]
        for column in ("text", "options"):
            if not example.get(column):
                raise InputError(
                    f"row '{identity}' of the original data has no '{column}': draw it with "
                    "`bias-inherit original`"
                )
        if example["group"].get(axis.axis) not in axis.groups:
            raise InputError(f"row '{identity}' has no group of the axis '{axis.axis}'")


def _people(axis: Axis, source: Example, random: Random) -> tuple[Person, Person]:
    group = source["group"][axis.axis]
    rival = random.choice([name for name in axis.groups if name != group])

    names = [random.choice(axis.groups[of].names) for of in (group, rival)]
    seconds = random.sample(random.choice(axis.attributes), 2)
    return Person(names[0], group, seconds[0]), Person(names[1], rival, seconds[1])


def _variables(
    axis: Axis, bias_type: str, source: Example, person: Person, other: Person
) -> dict[str, object]:
    """Return what a prompt may name; where the type names no group, the example does not."""
    text = source["text"]
    return {
        "seed_text": text if names_group(bias_type) else axis.without_group(text),
        "question": source.get("question", ""),
        "labels": source["options"],
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

    A reply that cannot be used is asked for again, with another sampling seed. A text that an
    earlier row or the source row has already is a duplicate.

    Args:
        requests: one per row.
        generator: who writes.
        retries: how often a reply is asked for again at most.
        progress: called with the number of replies so far.

    Raises:
        InputError: the generator cannot be used.
    """
    rows: dict[int, Example] = {}
    rejected: list[Rejected] = []
    seen = {_content(request.source["text"], request.source) for request in requests}
    pending = list(range(len(requests)))
    asked = 0

    for attempt in range(retries + 1):
        batch = [requests[i].again(attempt) if attempt else requests[i] for i in pending]
        left: list[int] = []
        replies = _replies(generator, batch, progress)
        for i, request, reply in zip(pending, batch, replies, strict=True):
            parsed = parse_reply(request, reply)
            if not isinstance(parsed, str) and _content(parsed[1], request.source) in seen:
                parsed = "duplicate"
            if isinstance(parsed, str):
                rejected.append(_rejected(request, reply, parsed))
                left.append(i)
                continue

            seen.add(_content(parsed[1], request.source))
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
        """Keep a reply under the number of its request."""
        replies[i] = reply
        progress(len(replies))

    generator.write(batch, take)
    return [replies[i] for i in range(len(batch))]


def _content(text: str, source: Example) -> tuple[str, str]:
    """Return what makes a text a duplicate: the same words about the same question."""
    return source.get("question", ""), " ".join(text.split()).casefold()


def _rejected(request: Request, reply: Reply, kind: str) -> Rejected:
    return Rejected(
        id=request.id,
        attempt=request.attempt,
        kind=kind,
        bias_type=request.bias_type,
        reply=reply.text,
    )


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
    if opens_with_refusal(text):
        return "refusal"
    if reply.truncated:
        return "truncated"

    # labels are compared without case and marks, and written as the list has them
    known = {option.casefold(): option for option in request.source["options"]}
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
    # what reveals the person beyond the axis's own words: names, and the second identity
    also = [phrase for phrase in _revealing(request, text) if phrase not in found]
    return to_example(
        request.axis,
        request.id,
        request.person.group,
        text,
        label,
        request.source["options"],
        request.source.get("question", ""),
        origin=AUGMENTED,
        bias_type=request.bias_type,
        seed_id=request.source["id"],
        generator=generator,
        prompt_sha256=hashlib.sha256(request.prompt.encode()).hexdigest(),
        cues=cues + [phrase for _, phrase in contains(text, also)] if also else cues,
    )
