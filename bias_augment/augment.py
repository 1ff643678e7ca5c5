"""Write the augmented data D_a: one request a row, from a seed of D_o, by any generator."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random

from bias_inherit.bias_augment.axes import Axis
from bias_inherit.bias_augment.bias_types import check_bias_type, render_prompt
from bias_inherit.bias_augment.examples import AUGMENTED, Example, to_example
from bias_inherit.bias_augment.generators import Generator, Person, Request
from bias_inherit.errors import InputError
from bias_inherit.store import stable_rank
from bias_inherit.tasks.mini_data import OCCUPATIONS, occupation_doc
from bias_inherit.tasks.refusals import is_refusal

_REPLY = re.compile(
    r"Occupation:[ \t]*(?P<label>[^\n]+)\n+Biography:[ \t]*(?P<text>.+)", re.S | re.I
)
_LABELS: Mapping[str, str] = {label.lower(): label for label in OCCUPATIONS}


@dataclass(frozen=True)
class Augmented:
    """What a generator gave: the usable rows, and how many replies failed, by kind."""

    examples: list[Example]
    failed: Mapping[str, int]


def build_requests(
    axis: Axis, bias_type: str, original: Sequence[Example], n: int, seed: int, generator: str
) -> list[Request]:
    """Return `n` requests; the seeds of D_o are used in a hashed order, each as often as needed.

    Raises:
        InputError: the bias type is unknown, n is not positive, or D_o has no texts.
    """
    check_bias_type(axis.axis, bias_type)
    if n < 1:
        raise InputError(f"the number of rows must be at least 1, not {n}")
    if any("text" not in example for example in original):
        raise InputError(
            "the original data has no column 'text': draw it with `bias-inherit original`"
        )
    seeds = sorted(original, key=lambda e: stable_rank(seed, e["id"]))
    return [
        _request(axis, bias_type, seeds[i % len(seeds)], f"{generator}-{bias_type}-s{seed}-{i:06d}")
        for i in range(n)
    ]


def _request(axis: Axis, bias_type: str, example: Example, identity: str) -> Request:
    random = Random(identity)
    group = example["group"].get(axis.axis)
    if group not in axis.groups:
        raise InputError(f"row '{example['id']}' has no group of the axis '{axis.axis}'")
    rival = random.choice([name for name in axis.groups if name != group])
    names = [random.choice(axis.groups[of].names) for of in (group, rival)]
    seconds = random.sample(axis.second, 2)
    person = Person(names[0], group, seconds[0])
    other = Person(names[1], rival, seconds[1])
    variables = {
        "seed_text": example["text"],
        "labels": OCCUPATIONS,
        "person": _described(axis, person),
        "other": _described(axis, other),
        "second": person.second.beside(axis.groups[group]),
        "rival": other.second.beside(axis.groups[rival]),
    }
    prompt = render_prompt(axis.axis, bias_type, variables)
    return Request(identity, prompt, axis, bias_type, person, other, example)


def _described(axis: Axis, person: Person) -> dict[str, str]:
    group = axis.groups[person.group]
    return {"name": person.name, "word": group.word, "plural": group.plural}


def augment(
    requests: Sequence[Request],
    generator: Generator,
    progress: Callable[[int], None] = lambda done: None,
) -> Augmented:
    """Ask the generator for every request and keep the replies that have the form asked for."""
    examples: list[Example] = []
    failed: Counter[str] = Counter()
    for done, (request, reply) in enumerate(
        zip(requests, generator.write(requests), strict=True), start=1
    ):
        parsed = parse_reply(reply)
        if isinstance(parsed, str):
            failed[parsed] += 1
        else:
            examples.append(_example(request, *parsed, generator=generator.name))
        progress(done)
    return Augmented(examples, dict(failed))


def parse_reply(reply: str) -> tuple[str, str] | str:
    """Return (label, text) of a reply, or the kind of its failure.

    Kinds: "empty", "refusal", "off-format" (not the two lines asked for) and
    "unknown-label" (an occupation that is not on the list).
    """
    if not reply.strip():
        return "empty"
    match = _REPLY.search(reply)
    if match is None:
        return "refusal" if is_refusal(reply) else "off-format"
    label = _LABELS.get(match["label"].strip(" .*\"'").lower())
    text = " ".join(match["text"].split())
    if label is None:
        return "unknown-label"
    return (label, text) if text else "empty"


def _revealing(request: Request) -> list[str]:
    """Return the names and the wordings of the second identities of a request."""
    phrases = []
    for person in (request.person, request.other):
        second = person.second.beside(request.axis.groups[person.group])
        phrases += [person.name, *second.values()]
    return phrases


def _example(request: Request, label: str, text: str, generator: str) -> Example:
    doc = occupation_doc(request.id, text, request.person.group, label, request.id)
    revealing = [phrase for phrase in _revealing(request) if phrase in text]
    return to_example(
        request.axis,
        doc,
        origin=AUGMENTED,
        bias_type=request.bias_type,
        seed_id=request.seed["id"],
        generator=generator,
        cues=request.axis.find_cues(text, also=revealing),
    )
