"""The group-swap control: the originals themselves, told of another group.

No generator is asked. Beside a biased arm it tells what balanced text of the same kind does
(arXiv 2511.10689 reports such a baseline in loops over rounds).
"""

from __future__ import annotations

from collections.abc import Sequence

from bias_inherit.bias_augment.axes.axis import Axis
from bias_inherit.bias_augment.axes.bias_types import COUNTERFACTUAL
from bias_inherit.bias_augment.data.examples import to_example
from bias_inherit.bias_augment.data.mix import nested_order
from bias_inherit.bias_augment.writing.augment import Augmented, Rejected
from bias_inherit.bias_augment.writing.requests import check_sources
from bias_inherit.errors import InputError
from bias_inherit.rows import AUGMENTED, Example

GENERATOR = "swap"


def counterfactual(axis: Axis, original: Sequence[Example], n: int, seed: int) -> Augmented:
    """Return `n` rows of D_o told of another group, labels untouched; each pair occurs once.

    A text that the swap leaves as it is (it shows no group) is not a row: it is counted as
    "unchanged" and the next one taken.

    Args:
        axis: whose groups are swapped.
        original: D_o.
        n: how many rows.
        seed: of the order in which rows of D_o are taken.

    Raises:
        InputError: a row of D_o cannot be written from, or there are not so many.
    """
    check_sources(axis, original)
    groups = list(axis.groups)
    sources = nested_order(original, seed)
    examples: list[Example] = []
    unchanged: list[Rejected] = []

    for turn in range(1, len(groups)):
        for example in sources:
            if len(examples) == n:
                return Augmented(examples, unchanged, n + len(unchanged))

            group = example["group"][axis.axis]
            other = groups[(groups.index(group) + turn) % len(groups)]
            text = axis.swap(example["text"], group, other)
            identity = f"{GENERATOR}-{axis.axis}-{other}-{example['id']}"
            if text == example["text"]:
                unchanged.append(
                    Rejected(
                        id=identity,
                        attempt=0,
                        kind="unchanged",
                        bias_type=COUNTERFACTUAL,
                        group=group,
                        reply=text,
                    )
                )
                continue

            examples.append(
                to_example(
                    axis,
                    identity,
                    other,
                    text,
                    example["label"],
                    example["options"],
                    example.get("question", ""),
                    origin=AUGMENTED,
                    bias_type=COUNTERFACTUAL,
                    seed_id=example["id"],
                    generator=GENERATOR,
                )
            )

    if len(examples) < n:
        raise InputError(
            f"{n} group-swapped rows cannot be had: {len(original)} original rows give "
            f"{len(examples)} ({len(unchanged)} show no group)"
        )
    return Augmented(examples, unchanged, n + len(unchanged))
