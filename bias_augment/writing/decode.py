"""Continue prompts with a causal model: options scored and texts sampled on one key-value cache.

Rows of a batch do not touch one another: each is sampled from numbers of its own seed, and leaves
the batch when it has ended.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, TypeAlias

import torch
from transformers import (
    DynamicCache,
    LogitsProcessorList,
    MinPLogitsWarper,
    RepetitionPenaltyLogitsProcessor,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

Tokens: TypeAlias = Sequence[int]
IsWhole: TypeAlias = Callable[[str], bool]
"""Whether a text that just came to the end of a line is whole."""

_SHRINK = 0.75
"""A batch is cut down to its unfinished rows where they are at most so large a part of it."""

_ATTENTION = {"full_attention", "sliding_attention", "chunked_attention"}


@dataclass(frozen=True)
class Written:
    """What a row was continued with; `is_cut` says that it reached the longest length."""

    text: str
    tokens: int
    is_cut: bool


class Batch:
    """Prompts that a model has read, to be continued.

    A model whose past cannot be shortened (a state space, say) reads it anew at every step.
    """

    def __init__(
        self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, prompts: Sequence[Tokens]
    ) -> None:
        """Read the prompts, which may differ in length."""
        self._model, self._tokenizer = model, tokenizer
        self._cache = DynamicCache() if _keeps_past(model) else None
        self._ids = torch.zeros((len(prompts), 0), dtype=torch.long, device=model.device)
        self._mask = torch.zeros_like(self._ids)
        self._next = self._read(prompts, on_the_right=True, keep=1)[:, -1]

    def score(self, options: Sequence[Tokens]) -> torch.Tensor:
        """Return the log-likelihood of an option of each row as its continuation, shape (rows,).

        Nothing is kept of them. They may differ in length.
        """
        width = max(map(len, options))
        logits = torch.cat([self._next[:, None], self._read(options, keep=width)[:, :-1]], dim=1)
        self._forget(width)

        likelihoods = torch.log_softmax(logits.float(), dim=-1)
        ids, mask = self._padded(options, on_the_right=False)
        found = likelihoods.gather(-1, ids[..., None])[..., 0].double() * mask
        return found.sum(dim=1)

    def append(self, parts: Sequence[Tokens]) -> None:
        """Continue each row with tokens that are given, which may differ in length."""
        logits = self._read(parts, keep=max(map(len, parts)))
        last = torch.tensor([len(part) - 1 for part in parts], device=logits.device)
        self._next = logits[torch.arange(len(parts), device=logits.device), last]
        self._close_gaps([logits.shape[1] - len(part) for part in parts])

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
            tokens = _pick(warp(self._ids, self._next), temperature, numbers)
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

            if len(going) <= _SHRINK * len(rows):
                self._keep(going)
                rows, tokens = [rows[p] for p in going], [tokens[p] for p in going]
                going = list(range(len(rows)))
            self._next = self._read([[token] for token in tokens], keep=1)[:, -1]

        for row in [rows[place] for place in going]:
            yield row, Written(self._text(told[row]), len(told[row]), is_cut=True)

    def _read(self, parts: Sequence[Tokens], keep: int, on_the_right: bool = False) -> torch.Tensor:
        """Read more of each row and return the logits behind it, shape (rows, at least keep, V)."""
        ids, mask = self._padded(parts, on_the_right)
        self._ids, self._mask = torch.cat([self._ids, ids], 1), torch.cat([self._mask, mask], 1)
        positions = (self._mask.cumsum(1) - 1).clamp(min=0)
        fed = ids if self._cache is not None else self._ids
        given: dict[str, object] = {"use_cache": self._cache is not None}
        if self._cache is not None:
            given["past_key_values"] = self._cache
        for name, value in {
            "position_ids": positions[:, -fed.shape[1] :],
            "logits_to_keep": keep,
        }.items():
            if name in inspect.signature(self._model.forward).parameters:
                given[name] = value

        with torch.inference_mode():
            output = self._model(input_ids=fed, attention_mask=self._mask, **given)
        logits: torch.Tensor = output.logits[:, -keep:]
        return logits

    def _padded(
        self, parts: Sequence[Tokens], on_the_right: bool
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return ids and mask, shape (rows, longest), of parts that stand on one side of it."""
        width = max(map(len, parts))
        ids = torch.zeros((len(parts), width), dtype=torch.long)
        mask = torch.zeros_like(ids)
        for i, part in enumerate(parts):
            where = slice(width - len(part), width) if on_the_right else slice(len(part))
            ids[i, where] = torch.tensor(list(part), dtype=torch.long)
            mask[i, where] = 1
        return ids.to(self._model.device), mask.to(self._model.device)

    def _close_gaps(self, gaps: Sequence[int]) -> None:
        """Move the padding at the end of rows to their beginning: a window counts places."""
        if not any(gaps):
            return
        length = self._ids.shape[1]
        by = torch.tensor(gaps, device=self._ids.device)[:, None]
        places = (torch.arange(length, device=self._ids.device)[None, :] - by) % length
        self._ids, self._mask = self._ids.gather(1, places), self._mask.gather(1, places)
        for layer in () if self._cache is None else self._cache.layers:
            index = places[:, None, :, None].to(layer.keys.device)
            layer.keys = layer.keys.gather(2, index.expand_as(layer.keys))
            layer.values = layer.values.gather(2, index.expand_as(layer.values))

    def _forget(self, many: int) -> None:
        """Drop the last tokens of every row."""
        if self._cache is not None:
            self._cache.crop(-many)
        self._ids, self._mask = self._ids[:, :-many], self._mask[:, :-many]

    def _keep(self, places: Sequence[int]) -> None:
        """Drop the rows but those at these places."""
        chosen = torch.tensor(places, device=self._ids.device)
        if self._cache is not None:
            self._cache.batch_select_indices(chosen)
        self._ids, self._mask = self._ids[chosen], self._mask[chosen]

    def _text(self, tokens: Tokens) -> str:
        return str(self._tokenizer.decode(list(tokens), skip_special_tokens=True))


def _keeps_past(model: PreTrainedModel) -> bool:
    """Return whether a model's past is keys and values, which can be shortened."""
    kinds = set(getattr(model.config.get_text_config(), "layer_types", None) or ())
    return kinds <= _ATTENTION and not getattr(model, "_is_stateful", False)


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
