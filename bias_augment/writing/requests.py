"""Requests: which texts are asked for, about whom, from which row of D_o, with which label.

Whom a text is about and what it is written from is drawn by the axis, the seed and the row's number
alone: so two generators are asked the same, and a biased type and its neutral control are told of
the same people from the same rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import TYPE_CHECKING

from bias_inherit.bias_augment.axes.axis import Axis, described
from bias_inherit.bias_augment.axes.bias_types import load_prompt, names_group, render_prompt
from bias_inherit.bias_augment.data.forms import FORMS
from bias_inherit.bias_augment.data.mix import nested_order
from bias_inherit.bias_augment.writing.generators.contract import Person, Request
from bias_inherit.bias_augment.writing.labels import CHOSEN, Labels
from bias_inherit.errors import InputError
from bias_inherit.rows import Example
from bias_inherit.tasks.documents.orders import both_ways

if TYPE_CHECKING:
    from jinja2 import Template


def build_requests(
    axis: Axis,
    bias_type: str,
    original: Sequence[Example],
    n: int,
    seed: int,
    generator: str,
    labels: Labels = CHOSEN,
) -> list[Request]:
    """Return `n` requests; source rows come in turn from each cell of D_o, as often as needed.

    Those of a smaller `n` are the first ones of a larger.

    Args:
        axis: whose prompts are rendered.
        bias_type: one of the eight, or a control that is asked for.
        original: D_o.
        n: how many.
        seed: of the draws.
        generator: its name, which begins the ids of the rows.
        labels: who decides the labels.

    Raises:
        InputError: the bias type is unknown or its prompt broken, n is not positive, a row of D_o
            has no text or no group of the axis, or `labels` names a label that a row has not.
    """
    if n < 1:
        raise InputError(f"the number of rows must be at least 1, not {n}")
    check_sources(axis, original)
    template = load_prompt(axis, bias_type)
    sources = nested_order(original, seed)
    sources = [sources[i % len(sources)] for i in range(n)]
    given = labels.of(axis, sources, seed)

    requests = []
    for i, (source, label) in enumerate(zip(sources, given, strict=True)):
        drawn = f"{axis.axis}-s{seed}-{i:06d}"
        identity = f"{generator}-{axis.axis}-{bias_type}-s{seed}-{i:06d}"
        options = _shuffled(axis, source["options"], Random(f"options {drawn}"))
        requests.append(
            make_request(axis, bias_type, template, source, identity, drawn, options, label)
        )
    return requests


def make_request(
    axis: Axis,
    bias_type: str,
    template: Template,
    source: Example,
    identity: str,
    drawn: str,
    options: Sequence[str],
    label: str | None = None,
) -> Request:
    """Return the request to write from one source row.

    Args:
        axis: whose groups the people are of.
        bias_type: as for `build_requests`.
        template: its prompt.
        source: the row of D_o.
        identity: the id of the row to be.
        drawn: decides whom the text is about.
        options: the labels, in the order in which the prompt lists them.
        label: the one that is given, which the prompt's list then is; None lets the generator
            choose.

    Raises:
        InputError: the prompt is broken.
    """
    person, other = _people(axis, source, Random(drawn))
    text = source["text"]
    values = {
        # where the type names no group, the example does not
        "seed_text": text if names_group(bias_type) else axis.without_group(text),
        "question": source.get("question", ""),
        "labels": list(options) if label is None else [label],
        "person": described(axis, person.group, person.name),
        "other": described(axis, other.group, other.name),
        "second": person.second.beside(axis.groups[person.group]),
        "rival": other.second.beside(axis.groups[other.group]),
    }
    prompt = render_prompt(axis, bias_type, template, values)
    return Request(
        identity, prompt, axis, bias_type, person, other, source, tuple(options), label=label
    )


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


def _shuffled(axis: Axis, options: Sequence[str], random: Random) -> list[str]:
    """Return the labels in an order of the request's own: answers on a scale one way or the other.

    It is not that of the row to be, so that a model's liking for the first one is no letter.
    """
    if FORMS[axis.form].is_scale:
        return [options[i] for i in random.choice(both_ways(len(options)))]
    return random.sample(list(options), len(options))
