"""Continue prompts with a causal model: options scored and texts sampled on what it has read.

Rows of a batch do not touch one another: each is sampled from numbers of its own seed, and leaves
the batch when it has ended.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, TypeAlias

import torch
from transformers import (
    LogitsProcessorList,
    MinPLogitsWarper,
    RepetitionPenaltyLogitsProcessor,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

from bias_inherit.past import SHRINK, Past, Tokens

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

IsWhole: TypeAlias = Callable[[str], bool]
"""Whether a text that just came to the end of a line is whole."""


@dataclass(frozen=True)
class Written:
    """What a row was continued with; `is_cut` says that it reached the longest length."""

    text: str
    tokens: int
    is_cut: bool


class Batch:
    """Prompts that a model has read, to be continued."""

    def __init__(
        self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, prompts: Sequence[Tokens]
    ) -> None:
        """Read the prompts, which may differ in length."""
        self._model, self._tokenizer = model, tokenizer
        self._past = Past(model, len(prompts))
        self._next = self._past.read(prompts)

    def score(self, options: Sequence[Tokens]) -> torch.Tensor:
        """Return the log-likelihood of an option of each row as its continuation, shape (rows,).

        Nothing is kept of them. They may differ in length.
        """
        lengths = [len(option) for option in options]
        logits = self._past.chosen(range(len(options))).read(options, lengths)
        behind = torch.split(logits, lengths)
        before = [torch.cat([self._next[i, None], part[:-1]]) for i, part in enumerate(behind)]
        ids = torch.tensor([token for option in options for token in option], device=logits.device)
        likelihoods = torch.log_softmax(torch.cat(before).float(), dim=-1)
        found = likelihoods.gather(-1, ids[:, None])[:, 0].double()
        return torch.stack([part.sum() for part in torch.split(found, lengths)])

    def append(self, parts: Sequence[Tokens]) -> None:
        """Continue each row with tokens that are given, which may differ in length."""
        self._next = self._past.read(parts)

    def write(
        self, longest: int, temperature: float, seeds: Sequence[int], is_whole: IsWhole
    ) -> Iterator[tuple[int, Written]]:
        """Yield (row, what it is continued with) as soon as it ends or is whole.

        Top-k, top-p, min-p and the repetition penalty are those of the model's own generation
        settings.

        Args:
            longest: tokens.
            temperature: of the sampling; 0 takes the likeliest token.
            seeds: of each row.
            is_whole: asked at the end of a line.
        """
        ends = set(end_tokens(self._model, self._tokenizer))
        warp = _warper(self._model, temperature)
        draws = [Random(seed) for seed in seeds]
        told: list[list[int]] = [[] for _ in seeds]
        rows = list(range(len(seeds)))
        going = list(rows)  # places in the batch of the rows that have not ended
        line_ends: dict[int, bool] = {}

        for step in range(longest):
            numbers = [draws[row].random() for row in rows]
            tokens = _pick(warp(self._past.ids, self._next), temperature, numbers)
            still = []
            for place in going:
                row, token = rows[place], tokens[place]
                if token not in ends:
                    told[row].append(token)
                    if token not in line_ends:
                        line_ends[token] = "\n" in self._text([token])
                    if not (line_ends[token] and is_whole(self._text(told[row]))):
                        still.append(place)
                        continue
                yield row, Written(self._text(told[row]), len(told[row]), is_cut=False)
            going = still
            if not going or step == longest - 1:
                break

            if len(going) <= SHRINK * len(rows):
                self._past = self._past.chosen(going)
                rows, tokens = [rows[p] for p in going], [tokens[p] for p in going]
                going = list(range(len(rows)))
            self._next = self._past.read([[token] for token in tokens])

        for row in [rows[place] for place in going]:
            yield row, Written(self._text(told[row]), len(told[row]), is_cut=True)

    def _text(self, tokens: Tokens) -> str:
        return str(self._tokenizer.decode(list(tokens), skip_special_tokens=True))


def _warper(model: PreTrainedModel, temperature: float) -> LogitsProcessorList:
    """Return what the logits go through before a token is drawn."""
    settings, steps = model.generation_config, LogitsProcessorList()
    if settings.repetition_penalty not in (None, 1.0):
        steps.append(RepetitionPenaltyLogitsProcessor(settings.repetition_penalty))
    if temperature > 0:
        steps.append(TemperatureLogitsWarper(float(temperature)))
        if settings.top_k:
            steps.append(TopKLogitsWarper(settings.top_k))
        if settings.top_p is not None and settings.top_p < 1.0:
            steps.append(TopPLogitsWarper(settings.top_p))
        if settings.min_p:
            steps.append(MinPLogitsWarper(settings.min_p))
    return steps


def _pick(logits: torch.Tensor, temperature: float, numbers: Sequence[float]) -> list[int]:
    """Return a token a row: the likeliest at temperature 0, else where its number falls."""
    if temperature == 0:
        return [int(token) for token in logits.argmax(-1).tolist()]
    likely, tokens = torch.softmax(logits.float(), dim=-1).sort(dim=-1, descending=True)
    reached = likely.double().cumsum(-1)
    drawn = torch.tensor(numbers, dtype=torch.float64, device=logits.device)[:, None]
    place = torch.searchsorted(reached, drawn * reached[:, -1:]).clamp(max=logits.shape[-1] - 1)
    return [int(token) for token in tokens.gather(-1, place)[:, 0].tolist()]


def end_tokens(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> list[int]:
    """Return the tokens that end a reply, as the model's settings or its tokenizer say."""
    ends = model.generation_config.eos_token_id
    if ends is None:
        ends = tokenizer.eos_token_id
    return [] if ends is None else [int(end) for end in torch.tensor(ends).reshape(-1)]
