"""Batches that lm-eval would write one after the other, written side by side.

They may be batches of one model, or of several adapters on a base (`multi_lora.py`). What is
sampled has the numbers that it would have alone: a generator is wound on to where the batch before
would leave it. That is known beforehand where the batch before is written to the longest length,
which is tried; a batch behind one that ended sooner is written anew.

Rows that have ended leave the computation. A sampled batch draws for them all the same, and goes on
for as long as lm-eval would: its numbers are those of the batches behind it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeAlias

import torch

from bias_inherit.harness.multi_lora import MultiLora
from bias_inherit.past import SHRINK, Past, Tokens

if TYPE_CHECKING:
    from transformers import LogitsProcessorList, PreTrainedModel

AT_ONCE = 2**30
"""Bytes of keys and values of rows written side by side, unless it is one batch: our choice."""
_KEPT = 2**27
"""Bytes of drawn numbers that are kept for models that draw the same ones: our choice."""

HasEnded: TypeAlias = Callable[[Tokens], bool]
"""Whether what was written of a row makes it end."""
Criterion: TypeAlias = Callable[[torch.Tensor, None], torch.Tensor]
"""lm-eval's: whether a string stands in the last of some tokens, shape (1, tokens)."""


class Stop:
    """Whether a string at which a sampled batch stops was in each of its rows at some step.

    Only the first row that had it not is looked at: a batch goes on while one such row is there.

    Args:
        criteria: one for each row.
        may_end: whether a token may be the end of the string: others are not looked at.
    """

    def __init__(self, criteria: Sequence[Criterion], may_end: Callable[[int], bool]) -> None:
        self._criteria, self._may_end = criteria, may_end
        self._row, self._seen = 0, 0

    def is_met(self, written: Sequence[Sequence[int]]) -> bool:
        """Return it, after a step that left the rows with these tokens."""
        while self._row < len(self._criteria):
            if not self._is_in(written[self._row]):
                return False
            self._row, self._seen = self._row + 1, 0
        return True

    def _is_in(self, tokens: Sequence[int]) -> bool:
        begin, self._seen = self._seen, len(tokens)
        has_stopped = self._criteria[self._row]
        return any(
            bool(has_stopped(torch.tensor([tokens[: i + 1]]), None).all())
            for i in range(begin, len(tokens))
            if self._may_end(tokens[i])
        )


class Draws:
    """Numbers that torch.multinomial would draw, for models that draw the same ones only once."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[bytes, int, int], tuple[torch.Tensor, torch.Tensor]]
        self._kept, self._size = OrderedDict(), 0

    def next(self, rows: int, words: int, generator: torch.Generator) -> torch.Tensor:
        """Return the numbers of a step, and leave the generator behind them."""
        key = (generator.get_state().numpy().tobytes(), rows, words)
        if key in self._kept:
            drawn, state = self._kept[key]
            generator.set_state(state)
            return drawn

        drawn = _drawn(rows, words, generator)
        self._kept[key] = drawn, generator.get_state()
        self._size += drawn.nbytes
        while self._size > _KEPT:
            _, (oldest, _) = self._kept.popitem(last=False)
            self._size -= oldest.nbytes
        return drawn


class Stream:
    """A batch that is written.

    Attributes:
        prompts: their tokens, without padding.
        written: the tokens that were written of each row, padded where it has ended.
        going: the rows that have not ended.
        is_over: whether nothing more is written.
        warp: what logits go through.
        owner: the number of the adapter that it is of.
    """

    def __init__(
        self,
        ids: torch.Tensor,
        mask: torch.Tensor,
        pad: int,
        warp: LogitsProcessorList,
        stops: Sequence[Stop] | None,
        owner: int = 0,
    ) -> None:
        """Begin.

        Args:
            ids: prompts, padded on the left.
            mask: 1 where they are not padding.
            pad: for rows that have ended.
            warp: what logits go through.
            stops: of a sampled batch; None of one that takes the likeliest tokens.
            owner: the number of the adapter that it is of.
        """
        self._begun, self._pad, self._stops = ids, pad, stops
        self.warp, self.owner = warp, owner
        self.prompts: list[Tokens] = [
            row[kept.bool()].tolist() for row, kept in zip(ids, mask, strict=True)
        ]
        self.written: list[list[int]] = [[] for _ in self.prompts]
        self.going, self.is_over = list(range(len(ids))), False

    @property
    def ids(self) -> torch.Tensor:
        """The prompts, padded on the left, and what was written."""
        new = torch.tensor(self.written, dtype=self._begun.dtype, device=self._begun.device)
        return torch.cat([self._begun, new], dim=1)

    @property
    def is_sampled(self) -> bool:
        """Whether tokens are drawn."""
        return self._stops is not None

    def take(self, tokens: Sequence[int], has_ended: HasEnded) -> None:
        """Write a token of each row that is going."""
        for written in self.written:
            written.append(self._pad)
        for row, token in zip(self.going, tokens, strict=True):
            self.written[row][-1] = token
        self.going = [row for row in self.going if not has_ended(self.written[row])]
        self.is_over = not self.going or any(
            stop.is_met(self.written) for stop in self._stops or ()
        )


def write_side_by_side(
    model: PreTrainedModel | MultiLora,
    streams: Sequence[Stream],
    generators: Sequence[torch.Generator],
    longest: int,
    has_ended: HasEnded,
    draws: Draws,
) -> list[Stream]:
    """Write batches.

    Args:
        model: a causal model whose past can be chosen from, or several adapters on one.
        streams: all sampled, or none.
        generators: of each owner; each is left where lm-eval would leave it.
        longest: tokens.
        has_ended: of a row.
        draws: draws their numbers.

    Returns:
        Those that are whole, in their order.
    """
    rows = [(stream, row) for stream in streams for row in stream.going]
    owners = [stream.owner for stream, _ in rows] if isinstance(model, MultiLora) else None
    past = Past(model, len(rows), owners)
    logits = past.read([stream.prompts[row] for stream, row in rows])
    own = _wound_on(streams, generators, logits.shape[-1], longest)
    whole = list(streams)

    for step in range(longest):
        taking = [stream for stream in whole if not stream.is_over]
        place = {(id(stream), row): i for i, (stream, row) in enumerate(rows)}
        places = [place[id(stream), row] for stream in taking for row in stream.going]
        tokens = _tokens(taking, logits[places], own, draws)
        for stream in taking:
            some = len(stream.going)
            stream.take(tokens[:some], has_ended)
            tokens = tokens[some:]
            if stream.is_over and stream.is_sampled and step < longest - 1:
                behind = whole[whole.index(stream) + 1 :]
                whole = [one for one in whole if one not in behind or one.owner != stream.owner]

        going = [
            i
            for i, (stream, row) in enumerate(rows)
            if stream in whole and not stream.is_over and row in stream.going
        ]
        if not going or step == longest - 1:
            break
        if len(going) <= SHRINK * len(rows):
            past, rows = past.chosen(going), [rows[i] for i in going]
        logits = past.read([stream.written[row][-1:] for stream, row in rows])

    for stream in whole if streams[0].is_sampled else ():
        generators[stream.owner].set_state(own[id(stream)].get_state())
    return whole


def _tokens(
    streams: Sequence[Stream],
    logits: torch.Tensor,
    generators: dict[int, torch.Generator],
    draws: Draws,
) -> list[int]:
    """Return the next token of each row that is going, stream after stream.

    Args:
        streams: whose turn it is.
        logits: of those rows.
        generators: by the id of a stream.
        draws: draws their numbers.
    """
    if not streams[0].is_sampled:
        return _as_list(_warped(streams, logits.float()).argmax(-1))
    drawn = [
        draws.next(len(stream.written), logits.shape[-1], generators[id(stream)])
        for stream in streams
    ]
    largest = _only_largest(streams[0].warp)
    if largest is None:
        scores = torch.softmax(_warped(streams, logits.float()), dim=-1)
        own = [numbers[stream.going] for numbers, stream in zip(drawn, streams, strict=True)]
        return _as_list((scores / torch.cat(own)).argmax(-1))

    # of all words only those few can be drawn: the same in less time
    many, temperature = largest
    scores, words = (logits.float() / temperature).topk(min(many, logits.shape[-1]))
    begin, own = 0, []
    for numbers, stream in zip(drawn, streams, strict=True):
        rows = torch.tensor(stream.going, device=words.device)[:, None]
        own.append(numbers[rows, words[begin : begin + len(rows)]])
        begin += len(rows)
    best = (torch.softmax(scores, dim=-1) / torch.cat(own)).argmax(-1, keepdim=True)
    return _as_list(words.gather(1, best)[:, 0])


def _as_list(tokens: torch.Tensor) -> list[int]:
    found: list[int] = tokens.tolist()
    return found


def _only_largest(warp: LogitsProcessorList) -> tuple[int, float] | None:
    """Return how many words can be drawn, and the temperature, where that is all that is done."""
    from transformers import TemperatureLogitsWarper, TopKLogitsWarper

    if [type(one) for one in warp] == [TemperatureLogitsWarper, TopKLogitsWarper]:
        return warp[1].top_k, warp[0].temperature
    if [type(one) for one in warp] == [TopKLogitsWarper]:
        return warp[0].top_k, 1.0
    return None


def _warped(streams: Sequence[Stream], logits: torch.Tensor) -> torch.Tensor:
    """Return logits of rows that are going as transformers changes them before a token is taken."""
    if not reads_ids(streams[0].warp):
        found: torch.Tensor = streams[0].warp(None, logits)
        return found

    parts, begin = [], 0
    for stream in streams:
        own = logits[begin : begin + len(stream.going)]
        begin += len(own)
        batch = own.new_zeros((len(stream.written), own.shape[1]))
        batch[stream.going] = own
        parts.append(stream.warp(stream.ids, batch)[stream.going])
    return torch.cat(parts)


def reads_ids(warp: LogitsProcessorList) -> bool:
    """Return whether what logits go through depends on the tokens before: of ours one does."""
    from transformers import RepetitionPenaltyLogitsProcessor

    return any(isinstance(one, RepetitionPenaltyLogitsProcessor) for one in warp)


def _wound_on(
    streams: Sequence[Stream], generators: Sequence[torch.Generator], words: int, longest: int
) -> dict[int, torch.Generator]:
    """Return a generator for each stream, by its id.

    Each stream of an owner before it is taken to be written to the longest length.
    """
    if not streams[0].is_sampled:
        return {}
    found: dict[int, torch.Generator] = {}
    before: dict[int, Stream] = {}
    for stream in streams:
        generator = torch.Generator(generators[stream.owner].device)
        earlier = before.get(stream.owner)
        if earlier is None:
            generator.set_state(generators[stream.owner].get_state())
        else:
            generator.set_state(found[id(earlier)].get_state())
            for _ in range(longest):
                _drawn(len(earlier.written), words, generator)
        found[id(stream)] = generator
        before[stream.owner] = stream
    return found


def _drawn(rows: int, words: int, generator: torch.Generator) -> torch.Tensor:
    empty = torch.empty((rows, words), dtype=torch.float32, device=generator.device)
    return empty.exponential_(generator=generator)


def state(device: torch.device) -> torch.Tensor:
    """Return the state of torch's generator of a device."""
    return torch.cuda.get_rng_state(device) if device.type == "cuda" else torch.get_rng_state()


def set_state(device: torch.device, found: torch.Tensor) -> None:
    """Let torch's generator of a device go on from a state."""
    if device.type == "cuda":
        torch.cuda.set_rng_state(found, device)
    else:
        torch.set_rng_state(found)
