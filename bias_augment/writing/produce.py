"""D_a of any bias type or control: by a generator, or by swapping groups."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from bias_inherit.bias_augment.axes.axis import Axis
from bias_inherit.bias_augment.axes.bias_types import COUNTERFACTUAL, SELF, is_control
from bias_inherit.bias_augment.writing.augment import RETRIES, Augmented, augment
from bias_inherit.bias_augment.writing.counterfactual import counterfactual
from bias_inherit.bias_augment.writing.generators.contract import Generator
from bias_inherit.bias_augment.writing.labels import CHOSEN, Labels
from bias_inherit.bias_augment.writing.requests import build_requests
from bias_inherit.errors import InputError
from bias_inherit.rows import Example


def produce(
    axis: Axis,
    bias_type: str,
    original: Sequence[Example],
    n: int,
    seed: int,
    generator: Generator,
    retries: int = RETRIES,
    progress: Callable[[int], None] = lambda done: None,
    labels: Labels = CHOSEN,
    keep_named: bool = True,
) -> Augmented:
    """Return `n` rows of the bias type, fewer where replies could not be used.

    Args:
        axis: whose prompts are used.
        bias_type: one of the eight, or a control.
        original: D_o.
        n: how many rows.
        seed: of the draws.
        generator: who writes; the counterfactual control asks nobody.
        retries: how often an unusable reply is asked for again.
        progress: called with the number of requests answered; those asked again count anew.
        labels: who decides the labels; a control has no shares, but its source rows' labels.
        keep_named: whether texts that name their own label are used.

    Raises:
        InputError: a setting or the prompt is wrong, the generator cannot be used, or none
            of its replies can.
    """
    if bias_type == COUNTERFACTUAL:
        return counterfactual(axis, original, n, seed)

    result = ask(
        axis, bias_type, original, n, seed, generator, retries, progress, labels, keep_named
    )
    if not result.examples:
        raise InputError(
            f"none of the {result.asked} replies of {generator.name} could be used "
            f"({result.failures()}): mend the prompt, or use another model. One began: "
            f"{_beginning(result)}"
        )
    return result


def ask(
    axis: Axis,
    bias_type: str,
    original: Sequence[Example],
    n: int,
    seed: int,
    generator: Generator,
    retries: int,
    progress: Callable[[int], None],
    labels: Labels,
    keep_named: bool,
) -> Augmented:
    """Return what a generator gives, also where none of it can be used.

    Args:
        axis, bias_type, original, n, seed, generator, retries: as for `produce`.
        progress, labels, keep_named: likewise.

    Raises:
        InputError: as `produce`, but for unusable replies.
    """
    if bias_type == SELF and "model" not in generator.sampling:
        raise InputError(
            "bias type 'self' is what the student itself writes: --generator local --model BASE"
        )
    if is_control(bias_type):
        labels = replace(labels, shares={})
    requests = build_requests(axis, bias_type, original, n, seed, generator.name, labels)
    return augment(requests, generator, retries, progress, keep_named)


def produce_enough(
    axis: Axis,
    bias_type: str,
    original: Sequence[Example],
    n: int,
    seed: int,
    generator: Generator,
    progress: Callable[[int], None] = lambda done: None,
    labels: Labels = CHOSEN,
) -> Augmented:
    """Return exactly `n` rows: where replies could not be used, more are asked for.

    Rows that a smaller number gives are among those of a larger one, so a recorded
    generator is asked for the difference alone.

    Args:
        axis, bias_type, original, n, seed, generator, progress, labels: as for `produce`.

    Raises:
        InputError: as `produce`; or twice as many requests do not give so many rows.
    """
    wanted = n
    while True:
        result = produce(
            axis, bias_type, original, wanted, seed, generator, RETRIES, progress, labels
        )
        short = n - len(result.examples)
        if short <= 0:
            return replace(result, examples=result.examples[:n], missing=0)

        if wanted == 2 * n:
            raise InputError(
                f"{generator.name} gave {len(result.examples)} usable rows of {n} "
                f"({result.failures()}): it cannot write this data"
            )
        wanted = min(2 * n, wanted + 2 * short)


def _beginning(result: Augmented) -> str:
    text = " ".join(result.rejected[0]["reply"].split())
    return f"'{text[:60]}'" if text else "(empty)"
