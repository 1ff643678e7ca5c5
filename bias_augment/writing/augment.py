"""Write the augmented data D_a: one request per row, from a source row of D_o."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from typing_extensions import TypedDict

from bias_inherit.bias_augment.data.examples import to_example
from bias_inherit.bias_augment.writing.generators.contract import Generator, Reply, Request
from bias_inherit.bias_augment.writing.replies import Parsed, parse_reply
from bias_inherit.language.terms import contains
from bias_inherit.rows import AUGMENTED, Example

RETRIES = 2


class Rejected(TypedDict):
    """A reply that could not be used, as it is kept beside the output.

    `kind` is why: see `parse_reply`; "duplicate" and "unchanged" (by the group swap) beside.
    `group` is that of the person.
    """

    id: str
    attempt: int
    kind: str
    bias_type: str
    group: str
    reply: str


@dataclass(frozen=True)
class Augmented:
    """What a generator gave.

    Attributes:
        examples: the usable rows, in the order of the requests.
        rejected: the replies that could not be used.
        asked: how many replies there were, retries among them.
        missing: how many requests are left without a usable reply.
        noted: ids of the rows that a note was cut off from.
        ways: usable replies by the way in which their form was asked for.
        places: where the generator chose labels, how often the one at each place of the list.
        tokens: of prompts and replies of all that were asked, where they were counted.
    """

    examples: list[Example]
    rejected: list[Rejected] = field(default_factory=list)
    asked: int = 0
    missing: int = 0
    noted: frozenset[str] = frozenset()
    ways: Mapping[str, int] = field(default_factory=dict)
    places: tuple[int, ...] = ()
    tokens: tuple[int, int] | None = None

    @property
    def failed(self) -> dict[str, int]:
        """How many replies could not be used, by kind."""
        return dict(sorted(Counter(reply["kind"] for reply in self.rejected).items()))

    def failures(self) -> str:
        """The same as a text, such as "3 refusal, 1 off-format"."""
        return ", ".join(f"{n} {kind}" for kind, n in self.failed.items())


def augment(
    requests: Sequence[Request],
    generator: Generator,
    retries: int = RETRIES,
    progress: Callable[[int], None] = lambda done: None,
    keep_named: bool = True,
) -> Augmented:
    """Ask the generator for every request, keep what can be read, retry the others.

    A reply that cannot be used is asked for again, with another sampling seed. A text that an
    earlier row or the source row has already is a duplicate.

    Args:
        requests: one per row.
        generator: who writes.
        retries: how often a reply is asked for again at most.
        progress: called with the number of requests answered; those asked again count anew.
        keep_named: whether texts that name their own label are used.

    Raises:
        InputError: the generator cannot be used.
    """
    used: dict[int, tuple[Parsed, Reply]] = {}
    rejected: list[Rejected] = []
    seen = {_content(request.source["text"], request.source) for request in requests}
    pending = list(range(len(requests)))
    asked: list[Reply] = []

    for attempt in range(retries + 1):
        batch = [requests[i].again(attempt) if attempt else requests[i] for i in pending]
        left: list[int] = []
        answered = len(requests) - len(batch)
        replies = _replies(generator, batch, answered, progress)
        for i, request, reply in zip(pending, batch, replies, strict=True):
            parsed = parse_reply(request, reply, keep_named)
            if isinstance(parsed, Parsed) and _content(parsed.text, request.source) in seen:
                parsed = "duplicate"
            if isinstance(parsed, str):
                rejected.append(_rejected(request, reply, parsed))
                left.append(i)
                continue

            seen.add(_content(parsed.text, request.source))
            used[i] = parsed, reply

        asked += replies
        pending = left
        if not pending:
            break

    told = {i: used[i][0] for i in sorted(used)}
    return Augmented(
        [_example(requests[i], parsed, generator.name) for i, parsed in told.items()],
        rejected,
        len(asked),
        len(pending),
        noted=frozenset(requests[i].id for i, parsed in told.items() if parsed.noted),
        ways=dict(Counter(reply.way for _, reply in used.values())),
        places=_places([requests[i] for i in told], [parsed.label for parsed in told.values()]),
        tokens=_tokens(asked),
    )


def _places(requests: Sequence[Request], labels: Sequence[str]) -> tuple[int, ...]:
    """Return how often the label at each place of the prompt's list was chosen."""
    chosen = [
        request.options.index(label)
        for request, label in zip(requests, labels, strict=True)
        if request.label is None
    ]
    if not chosen:
        return ()
    counted = Counter(chosen)
    return tuple(counted[place] for place in range(max(len(r.options) for r in requests)))


def _tokens(replies: Sequence[Reply]) -> tuple[int, int] | None:
    counted = [reply.tokens for reply in replies if reply.tokens is not None]
    return (sum(p for p, _ in counted), sum(r for _, r in counted)) if counted else None


def _replies(
    generator: Generator,
    batch: Sequence[Request],
    answered: int,
    progress: Callable[[int], None],
) -> list[Reply]:
    replies: dict[int, Reply] = {}

    def take(i: int, reply: Reply) -> None:
        """Keep a reply under the number of its request."""
        replies[i] = reply
        progress(answered + len(replies))

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
        group=request.person.group,
        reply=reply.text,
    )


def _revealing(request: Request, text: str) -> list[str]:
    """Return the names and the wordings of the second identities that the text holds."""
    phrases = []
    for person in (request.person, request.other):
        second = person.second.beside(request.axis.groups[person.group])
        phrases += [person.name, *second.values()]
    return [phrase for phrase in phrases if phrase in text]


def _example(request: Request, parsed: Parsed, generator: str) -> Example:
    text = parsed.text
    cues = request.axis.find_cues(text)
    found = " ".join(cues)
    # what reveals the person beyond the axis's own words: names, and the second identity
    also = [phrase for phrase in _revealing(request, text) if phrase not in found]
    return to_example(
        request.axis,
        request.id,
        request.person.group,
        text,
        parsed.label,
        request.source["options"],
        request.source.get("question", ""),
        origin=AUGMENTED,
        bias_type=request.bias_type,
        seed_id=request.source["id"],
        generator=generator,
        prompt_sha256=hashlib.sha256(request.prompt.encode()).hexdigest(),
        cues=cues + [phrase for _, phrase in contains(text, also)] if also else cues,
    )
