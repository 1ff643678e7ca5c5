"""Batches that lm-eval would write one after the other, written side by side.

What is sampled has the numbers that it would have alone: torch's generator is wound on to where the
batch before would leave it. That is known beforehand where the batch before is written to the
longest length, which is tried; a batch behind one that ended sooner is written anew.

Rows that have ended leave the computation. A sampled batch draws for them all the same, and goes on
for as long as lm-eval would: its numbers are those of the batches behind it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeAlias

import torch

from bias_inherit.past import SHRINK, Past, Tokens

if TYPE_CHECKING:
    from transformers import LogitsProcessorList, PreTrainedModel

AT_ONCE = 2**30
"""Bytes of keys and values of rows written side by side, unless it is one batch: our choice."""

HasEnded: TypeAlias = Callable[[Tokens], bool]
"""Whether what was written of a row makes it end."""
HasStopped: TypeAlias = Callable[[torch.Tensor, None], torch.Tensor]
"""Whether what was read and written of all rows makes a sampled batch stop."""


class Stream:
    """A batch that is written.

    Attributes:
        ids: prompts, padded on the left, and what was written; rows that have ended are padded.
        prompts: their tokens, without padding.
        written: the tokens that were written of each row.
        going: the rows that have not ended.
        is_over: whether nothing more is written.
    """

    def __init__(
        self,
        ids: torch.Tensor,
        mask: torch.Tensor,
        pad: int,
        warp: LogitsProcessorList,
        has_stopped: HasStopped | None,
    ) -> None:
        """Begin.

        Args:
            ids: prompts, padded on the left.
            mask: 1 where they are not padding.
            pad: for rows that have ended.
            warp: what logits of the batch go through.
            has_stopped: of a sampled batch; None of one that takes the likeliest tokens.
        """
        self.ids, self._pad, self._warp, self._has_stopped = ids, pad, warp, has_stopped
        self.prompts: list[Tokens] = [
            row[kept.bool()].tolist() for row, kept in zip(ids, mask, strict=True)
        ]
        self.written: list[list[int]] = [[] for _ in self.prompts]
        self.going, self.is_over = list(range(len(ids))), False

    @property
    def is_sampled(self) -> bool:
        """Whether tokens are drawn."""
        return self._has_stopped is not None

    def take(
        self,
        logits: torch.Tensor,
        generator: torch.Generator,
        has_ended: HasEnded,
    ) -> None:
        """Write a token of each row that is going.

        Args:
            logits: of those rows.
            generator: draws numbers for all rows, as torch.multinomial does.
            has_ended: of a row.
        """
        index = torch.tensor(self.going, device=logits.device)
        shape = (len(self.ids), logits.shape[-1])
        all_logits = torch.zeros(shape, dtype=torch.float32, device=logits.device)
        all_logits[index] = logits.float()
        scores = self._warp(self.ids, all_logits)
        if self.is_sampled:
            scores = torch.softmax(scores, dim=-1) / _drawn(shape, scores.device, generator)
        column = torch.full_like(self.ids[:, 0], self._pad)
        column[index] = scores.argmax(-1)[index]

        self.ids = torch.cat([self.ids, column[:, None]], dim=1)
        for tokens, token in zip(self.written, column.tolist(), strict=True):
            tokens.append(token)
        self.going = [row for row in self.going if not has_ended(self.written[row])]
        self.is_over = not self.going
        if self._has_stopped is not None and self._has_stopped(self.ids, None).all():
            self.is_over = True


def _drawn(
    shape: tuple[int, int], device: torch.device, generator: torch.Generator
) -> torch.Tensor:
    return torch.empty(shape, dtype=torch.float32, device=device).exponential_(generator=generator)


def write_side_by_side(
    model: PreTrainedModel,
    streams: Sequence[Stream],
    longest: int,
    has_ended: HasEnded,
) -> int:
    """Write batches and set torch's generator to where lm-eval would leave it.

    Args:
        model: a causal model whose past can be chosen from.
        streams: all sampled, or none.
        longest: tokens.
        has_ended: of a row.

    Returns:
        How many of the batches are whole.
    """
    rows = [(stream, row) for stream in streams for row in stream.going]
    past = Past(model, len(rows))
    logits = past.read([stream.prompts[row] for stream, row in rows])
    generators = _generators(streams, logits, longest)
    whole = list(streams)

    for step in range(longest):
        going = []
        for stream, generator in zip(streams, generators, strict=True):
            if stream not in whole or stream.is_over:
                continue
            places = [i for i, (of, row) in enumerate(rows) if of is stream and row in stream.going]
            stream.take(logits[places], generator, has_ended)
            if stream.is_over and stream.is_sampled and step < longest - 1:
                whole = whole[: whole.index(stream) + 1]
            going += [i for i in places if not stream.is_over and rows[i][1] in stream.going]
        going = [i for i in going if rows[i][0] in whole]
        if not going or step == longest - 1:
            break

        if len(going) <= SHRINK * len(rows):
            past, rows = past.chosen(going), [rows[i] for i in going]
        logits = past.read([stream.written[row][-1:] for stream, row in rows])

    if streams[0].is_sampled:
        _set_state(logits.device, generators[len(whole) - 1].get_state())
    return len(whole)


def _generators(
    streams: Sequence[Stream], logits: torch.Tensor, longest: int
) -> list[torch.Generator]:
    """Return a generator for each batch, where each before it is written to the longest length."""
    generators = [torch.Generator(logits.device) for _ in streams]
    if not streams[0].is_sampled:
        return generators
    generators[0].set_state(_state(logits.device))
    for i in range(1, len(streams)):
        shape = (len(streams[i - 1].ids), logits.shape[-1])
        generators[i].set_state(generators[i - 1].get_state())
        for _ in range(longest):
            _drawn(shape, logits.device, generators[i])
    return generators


def _state(device: torch.device) -> torch.Tensor:
    return torch.cuda.get_rng_state(device) if device.type == "cuda" else torch.get_rng_state()


def _set_state(device: torch.device, state: torch.Tensor) -> None:
    if device.type == "cuda":
        torch.cuda.set_rng_state(state, device)
    else:
        torch.set_rng_state(state)
