"""The contract of a mitigation: it may transform the rows, and may add a term to the loss."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from numbers import Real
from typing import TYPE_CHECKING, Any, Protocol

from bias_inherit.errors import InputError
from bias_inherit.rows import AUGMENTED, ORIGINAL, Example

if TYPE_CHECKING:
    import numpy as np
    import torch


class GroupWords(Protocol):
    """The words of one group of an axis."""

    @property
    def word(self) -> str:
        """What names one of its members ("a {word}")."""
        ...

    @property
    def plural(self) -> str:
        """What names all of them."""
        ...

    @property
    def first_names(self) -> tuple[str, ...]:
        """Names that tell the group, whole and the given name alone; written as they stand."""
        ...

    @property
    def words(self) -> tuple[str, ...]:
        """The words that reveal the group in any case: `word`, `plural` and others."""
        ...


class AxisWords(Protocol):
    """What a transform may ask an axis (`bias_inherit.bias_augment.axes.axis.Axis` is one)."""

    @property
    def groups(self) -> Mapping[str, GroupWords]:
        """The groups by name."""
        ...

    def find_cues(self, text: str) -> list[str]:
        """Return the distinct words of `text` that reveal a group, as they stand there."""
        ...

    def swap(self, text: str, group: str, other: str) -> str:
        """Return the text told of the group `other` instead of `group`."""
        ...


class Tools(Protocol):
    """What a transform may ask the trainer for."""

    def axis(self, name: str) -> AxisWords:
        """Return the axis of that name; InputError where there is none."""
        ...

    def features(self, examples: Sequence[Example]) -> np.ndarray:
        """Return phi of the untouched base, float32 of shape (examples, width).

        phi of a row is the mean over its tokens of the last hidden states.
        """
        ...


Transform = Callable[[list[Example], Tools], list[Example]]
"""The whole mix in, the whole mix out; see `Mitigation.transform`."""

Penalty = Callable[["torch.Tensor", "torch.Tensor"], "torch.Tensor"]
"""(E_o[phi], E_a[phi]), each float32 of shape (width,) -> a scalar added to the loss."""


@dataclass(frozen=True)
class Mitigation:
    """What a mitigation does; both parts are optional.

    Attributes:
        name, summary: as listed; the name stands in the adapter's name.
        transform: the whole mix in, the whole mix out. Original rows come out equal and in
            their order. It may change, drop or add augmented rows (new ids, origin
            "augmented"), and give them a column `weight` (a number above 0; without one it
            is 1) by which the row's loss is multiplied.
        penalty: added to the loss, from the means of phi over the original and over the
            augmented rows of a batch. The trainer sees to padding, accumulation, several
            processes and batches that have rows of one kind alone.
        layer: the hidden states that phi is taken from, an index into transformers'
            `hidden_states`: -1 is the last layer's, 0 the embeddings.
        options: the options in force; the adapter's manifest names them.
    """

    name: str
    summary: str
    transform: Transform | None = None
    penalty: Penalty | None = None
    layer: int = -1
    options: Mapping[str, Any] = field(default_factory=dict)

    def apply(self, examples: Iterable[Example], tools: Tools) -> list[Example]:
        """Return the mix as `transform` leaves it; the rows given are not touched.

        Raises:
            InputError: the transform broke the contract: it changed an original row, used an
                id twice, or gave a row without prompt and completion or with a wrong weight;
                or a row lacks what it needs.
        """
        rows = list(examples)
        if self.transform is None:
            return rows
        told = self.transform(copy.deepcopy(rows), tools)
        self._check(rows, told)
        return told

    def _check(self, before: list[Example], after: object) -> None:
        broken = f"mitigation '{self.name}'"
        if not isinstance(after, list) or not all(isinstance(row, dict) for row in after):
            raise InputError(f"{broken}: its transform must return a list of rows")

        seen: set[str] = set()
        for row in after:
            for column in ("id", "prompt", "completion", "origin"):
                if not isinstance(row.get(column), str):
                    raise InputError(f"{broken}: row '{row.get('id')}' has no text as '{column}'")
            if row["id"] in seen:
                raise InputError(f"{broken}: the id '{row['id']}' occurs twice in what it returns")
            seen.add(row["id"])
            weight = row.get("weight", 1.0)
            if isinstance(weight, bool) or not isinstance(weight, Real):
                raise InputError(f"{broken}: row '{row['id']}': the weight {weight!r} is no number")
            if not 0 < float(weight) < math.inf:
                raise InputError(f"{broken}: row '{row['id']}': the weight {weight} is not above 0")
            if row["origin"] not in (ORIGINAL, AUGMENTED):
                raise InputError(
                    f"{broken}: row '{row['id']}': origin must be original or augmented, not "
                    f"{row['origin']!r}"
                )

        kept = [row for row in after if row["origin"] == ORIGINAL]
        given = [row for row in before if row["origin"] == ORIGINAL]
        if kept != given:
            wrong = [new["id"] for old, new in zip(given, kept, strict=False) if old != new]
            same = len(given) == len(kept)
            which = f"row '{wrong[0]}'" if same else f"{len(given)} became {len(kept)}"
            raise InputError(
                f"{broken}: original rows must come out as they went in, in their order ({which})"
            )


NONE = Mitigation("none", "Train on the mix as it is.")
