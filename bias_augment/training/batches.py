"""The order of training rows under a penalty: every batch keeps the mix's ratio.

A penalty compares the original and the augmented rows of a batch. Grouped by length alone,
rows would also be grouped by origin, as augmented texts are often the longer ones, and most
batches would have nothing to compare.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch.utils.data import Sampler

GROUP = 50
"""Batches among which rows are sorted by length: as transformers' LengthGroupedSampler."""


class OriginSampler(Sampler[int]):
    """Yields row numbers, in an order that depends on the generator alone.

    Cut into batches, each has the mix's share of augmented rows, to within one row, and of
    both origins the rows of about the same rank in length. So means are compared between
    long originals and long augmented texts, or short and short ones, and little is padded.

    Args:
        batch: rows of a global batch.
        lengths: tokens of each row.
        augmented: whether each row is augmented.
    """

    def __init__(
        self,
        batch: int,
        lengths: Sequence[int],
        augmented: Sequence[bool],
        generator: torch.Generator,
    ) -> None:
        self.batch, self.lengths, self.generator = batch, lengths, generator
        self.sides = [[i for i, a in enumerate(augmented) if a is side] for side in (False, True)]

    def __len__(self) -> int:
        return len(self.lengths)

    def __iter__(self) -> Iterator[int]:
        shuffled = [[side[i] for i in self._permutation(len(side))] for side in self.sides]
        step = self.batch * GROUP
        for start in range(0, len(self), step):
            stop = min(start + step, len(self))
            sides = []
            for side, rows in enumerate(shuffled):
                part = rows[self._taken(side, start) : self._taken(side, stop)]
                sides.append(sorted(part, key=lambda i: -self.lengths[i]))
            yield from self._deal(sides, start, stop)

    def _deal(self, sides: Sequence[Sequence[int]], start: int, stop: int) -> Iterator[int]:
        """Yield the rows of some batches, which come in random order, a smaller one last."""
        batches = []
        for at in range(start, stop, self.batch):
            end = min(at + self.batch, stop)
            rows: list[int] = []
            for side, part in enumerate(sides):
                first = self._taken(side, start)
                rows += part[self._taken(side, at) - first : self._taken(side, end) - first]
            batches.append(sorted(rows, key=lambda i: -self.lengths[i]))
        whole = len(batches) - (len(batches[-1]) < self.batch)
        for i in [*self._permutation(whole), *range(whole, len(batches))]:
            yield from batches[i]

    def _taken(self, side: int, rows: int) -> int:
        """Return how many of the first `rows` rows are of an origin (0 original, 1 augmented)."""
        augmented = rows * len(self.sides[1]) // len(self)
        return augmented if side else rows - augmented

    def _permutation(self, n: int) -> list[int]:
        order: list[int] = torch.randperm(n, generator=self.generator).tolist()
        return order
