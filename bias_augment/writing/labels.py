"""Labels: who decides what a text's person is, or answers; the generator, the source, or shares.

Shares by group plant a stereotype of known strength with any generator: the positive control.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Literal, get_args

from bias_inherit import store
from bias_inherit.bias_augment.axes.axis import Axis
from bias_inherit.errors import InputError, unknown
from bias_inherit.rows import Example

Who = Literal["chosen", "given"]

BLOCK = 12
"""Texts of a group over which the shares are kept as nearly as whole texts allow."""


@dataclass(frozen=True)
class Labels:
    """Who decides the labels.

    Attributes:
        who: "chosen": the generator; "given": the source row, or the shares.
        shares: group -> label (or its place among the options) -> how often, as counts or
            shares; only with "given".
        where: the file that the shares are from, for messages.
    """

    who: Who = "chosen"
    shares: Mapping[str, Mapping[str | int, float]] = field(default_factory=dict)
    where: str = ""

    def of(self, axis: Axis, sources: Sequence[Example], seed: int) -> list[str | None]:
        """Return the label of each text to be, in order; None where the generator chooses.

        With shares, each further `BLOCK` texts of a group take the labels that are furthest behind
        (Sainte-Lague's divisors), shuffled, so that the label says nothing of the source row.

        Args:
            axis: whose groups the shares are of.
            sources: the row that each text is written from.
            seed: of the shuffles.

        Raises:
            InputError: the shares name an unknown group, lack one, or name a label that a source
                row has not.
        """
        if self.who == "chosen":
            return [None] * len(sources)
        if not self.shares:
            return [source["label"] for source in sources]

        for group in self.shares:
            if group not in axis.groups:
                raise InputError(f"{self.where}: {unknown('group', group, axis.groups)}")
        waiting = {group: _sequence(of, f"{seed} {group}") for group, of in self.shares.items()}
        given: list[str | None] = []
        for source in sources:
            group = source["group"][axis.axis]
            if group not in waiting:
                raise InputError(f"{self.where}: has no labels for the group '{group}'")
            given.append(self._label(next(waiting[group]), group, source["options"]))
        return given

    def _label(self, entry: str | int, group: str, options: Sequence[str]) -> str:
        if isinstance(entry, int):
            if not -len(options) <= entry < len(options):
                raise InputError(f"{self.where}: {group}: there is no option {entry}")
            return options[entry]
        if entry not in options:
            raise InputError(f"{self.where}: {group}: {unknown('label', entry, options)}")
        return entry

    def to_json(self) -> str | dict[str, dict[str, float]]:
        """Return what manifests hold."""
        shares = {
            group: {str(label): count for label, count in of.items()}
            for group, of in self.shares.items()
        }
        return shares or self.who


CHOSEN = Labels()


def _sequence(shares: Mapping[str | int, float], seed: str) -> Iterator[str | int]:
    """Yield labels without end, in blocks that are as near to the shares as they can be."""
    taken = dict.fromkeys(shares, 0)
    random = Random(seed)
    while True:
        block = []
        for _ in range(BLOCK):
            label = max(shares, key=lambda one: shares[one] / (2 * taken[one] + 1))
            taken[label] += 1
            block.append(label)
        random.shuffle(block)
        yield from block


def read_labels(who: str | None, file: Path | None) -> Labels:
    """Return who decides the labels, as the command line says it.

    Args:
        who: "given" or "chosen"; None is "given" where there is a file, else "chosen".
        file: YAML or JSON, group -> label, or its place among the options -> count or share.

    Raises:
        InputError: `who` is none of them or does not go with a file, or the file is broken.
    """
    if who is not None and who not in get_args(Who):
        raise unknown("label", who, get_args(Who))
    if file is None:
        return Labels("given") if who == "given" else CHOSEN
    if who == "chosen":
        raise InputError("--label-share gives the labels: leave --label chosen out")

    content = store.read_yaml(file)
    if not isinstance(content, dict) or not content:
        raise InputError(f"{file}: expected `group: {{label: count}}` for each group")
    shares = {str(group): _counts(file, group, of) for group, of in content.items()}
    return Labels("given", shares, str(file))


def _counts(file: Path, group: object, content: object) -> dict[str | int, float]:
    if not isinstance(content, dict) or not content:
        raise InputError(f"{file}: {group}: expected {{label: count}}")
    for label, count in content.items():
        is_number = isinstance(count, (int, float)) and not isinstance(count, bool)
        if not isinstance(label, (str, int)) or not is_number or not 0 <= count < math.inf:
            raise InputError(f"{file}: {group}: {label}: {count} is no count or share of a label")
    counts = {label: float(count) for label, count in content.items() if count > 0}
    if not counts:
        raise InputError(f"{file}: {group}: no label has a count above 0")
    return counts
