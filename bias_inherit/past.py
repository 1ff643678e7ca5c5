"""Rows of tokens that a causal model has read, with their keys and values, to be read on from.

A row that is shorter than others has padding before it, so that the last token of each is the last
of all: a sliding window counts places.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias

import torch
from transformers.cache_utils import DynamicCache, DynamicLayer

if TYPE_CHECKING:
    from transformers import PreTrainedModel

Tokens: TypeAlias = Sequence[int]

SHRINK = 0.75
"""A batch is cut down to its unfinished rows where they are at most so large a part of it."""

_ATTENTION = {"full_attention", "sliding_attention", "chunked_attention"}
_GROWTH = 1.25
"""Keys and values that need more room get so many times what they have."""


def keeps_past(model: PreTrainedModel) -> bool:
    """Return whether a model's past is keys and values, which can be chosen from and moved."""
    kinds = set(getattr(model.config.get_text_config(), "layer_types", None) or ())
    return (
        kinds <= _ATTENTION
        and not getattr(model, "_is_stateful", False)
        and "past_key_values" in _parameters(model)
    )


def _parameters(model: PreTrainedModel) -> set[str]:
    """Return what a model's forward pass takes; of one inside an adapter's, what the model does."""
    inner = model.get_base_model() if hasattr(model, "get_base_model") else model
    return set(inspect.signature(inner.forward).parameters)


class Past:
    """Rows that a model has read.

    A model whose past cannot be chosen from (a state space, say) reads it anew at every step.
    """

    def __init__(
        self, model: PreTrainedModel, rows: int, owners: Sequence[int] | None = None
    ) -> None:
        """Begin so many rows of no token.

        Args:
            model: a causal model, or one with several adapters (`harness/multi_lora.py`).
            rows: their number.
            owners: the adapter of each row, which such a model is told; None of a plain one.
        """
        self._owners = owners
        self._model, self._takes = model, _parameters(model)
        self._cache: DynamicCache | None = _cache() if keeps_past(model) else None
        self.ids = torch.zeros((rows, 0), dtype=torch.long, device=model.device)
        """The tokens, shape (rows, longest), with zeros as padding."""
        self._mask = torch.zeros_like(self.ids)
        self._gaps: list[int] = []
        self._is_padded = False

    @property
    def size(self) -> int:
        """Bytes of the keys and values."""
        return 0 if self._cache is None else sum(layer.size for layer in self._cache.layers)

    @torch.no_grad()
    def read(self, parts: Sequence[Tokens], behind: Sequence[int] | None = None) -> torch.Tensor:
        """Continue each row and return logits, row after row, of shape (tokens, words).

        Args:
            parts: one or more tokens of each row; they may differ in length.
            behind: how many of the last tokens of each are followed by logits; None is one each.
        """
        self._close_gaps()
        before, device = self.ids.shape[1], self.ids.device
        ids, mask = (part.to(device) for part in _padded(parts))
        self.ids, self._mask = torch.cat([self.ids, ids], 1), torch.cat([self._mask, mask], 1)
        self._gaps = [ids.shape[1] - len(part) for part in parts]

        given: dict[str, object] = {"input_ids": self.ids, "use_cache": False}
        if self._cache is not None:
            given = {"input_ids": ids, "use_cache": True, "past_key_values": self._cache}
            before = 0
        if self._is_padded or self._cache is None:  # what stands after a row is not seen by it
            given["attention_mask"] = self._mask
        if self._owners is not None:
            given["owners"] = self._owners
        if "position_ids" in self._takes:
            positions = (self._mask.cumsum(1) - 1).clamp(min=0)
            given["position_ids"] = positions[:, -ids.shape[1] - before :]

        wanted = [
            (row, before + place)
            for row, (part, many) in enumerate(zip(parts, behind or [1] * len(parts), strict=True))
            for place in range(len(part) - many, len(part))
        ]
        rows, places = torch.tensor(wanted, device=device).T
        return self._logits(rows, places, given)

    def forget(self, many: Sequence[int]) -> None:
        """Drop so many of the last tokens of each row."""
        ends = [self.ids.shape[1] - gap for gap in self._gaps or [0] * len(many)]
        for row, (end, dropped) in enumerate(zip(ends, many, strict=True)):
            self._mask[row, end - dropped : end] = 0
        self._gaps = [
            self.ids.shape[1] - end + dropped for end, dropped in zip(ends, many, strict=True)
        ]

    def chosen(self, rows: Sequence[int]) -> Past:
        """Return these rows, each as often as it is named; what they read on is not read here."""
        self._close_gaps()
        index = torch.tensor(rows, device=self.ids.device)
        owners = None if self._owners is None else [self._owners[row] for row in rows]
        past = Past(self._model, 0, owners)
        past.ids, past._mask = self.ids[index], self._mask[index]
        past._is_padded = self._is_padded
        if self._cache is not None and past._cache is not None:
            past._cache.layers = [layer.chosen(index) for layer in self._cache.layers]
        return past

    def _close_gaps(self) -> None:
        """Move padding at the end of rows to their beginning."""
        gaps, self._gaps = self._gaps, []
        if not any(gaps):
            return
        self._is_padded = True
        length, device = self.ids.shape[1], self.ids.device
        by = torch.tensor(gaps, device=device)[:, None]
        places = (torch.arange(length, device=device)[None, :] - by) % length
        self.ids, self._mask = self.ids.gather(1, places), self._mask.gather(1, places)
        for layer in () if self._cache is None else self._cache.layers:
            layer.move(places[:, None, :, None])

    def _logits(
        self, rows: torch.Tensor, places: torch.Tensor, given: dict[str, object]
    ) -> torch.Tensor:
        """Run the model and return logits of these places alone, shape (places, words)."""
        is_picked = False

        def pick(_: torch.nn.Module, taken: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
            nonlocal is_picked
            is_picked = True
            hidden, *more = taken
            return hidden[rows, places][None], *more

        head = self._model.get_output_embeddings()
        hook = None if head is None else head.register_forward_pre_hook(pick)
        try:
            logits: torch.Tensor = self._model(**given).logits
        finally:
            if hook is not None:
                hook.remove()
        return logits[0] if is_picked else logits[rows, places]


class _Layer(DynamicLayer):  # type: ignore[misc]  # transformers, untyped to mypy
    """Keys and values with room to grow: joined to what is there, each token would copy it all."""

    def __init__(self) -> None:
        super().__init__()
        self._held: tuple[torch.Tensor, ...] = ()

    @property
    def size(self) -> int:
        """Bytes that are held."""
        return sum(part.nbytes for part in self._held)

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *_: object, **__: object
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Take more of them in, and return all."""
        more = key_states, value_states
        begin = self.keys.shape[-2] if self._held else 0
        end = begin + key_states.shape[-2]
        if not self._held or end > self._held[0].shape[-2]:
            room = max(end, int(_GROWTH * begin))
            self._held = tuple(
                part.new_empty((*part.shape[:-2], room, part.shape[-1])) for part in more
            )
            for part, old in zip(self._held, (self.keys, self.values), strict=True):
                if begin:
                    part[..., :begin, :] = old
        for part, new in zip(self._held, more, strict=True):
            part[..., begin:end, :] = new
        self._show(end)
        return self.keys, self.values

    def chosen(self, rows: torch.Tensor) -> _Layer:
        """Return a layer of these rows."""
        layer = _Layer()
        if self._held:
            index = rows.to(self.keys.device)
            layer._held = self.keys[index], self.values[index]
            layer._show(self.keys.shape[-2])
        return layer

    def move(self, places: torch.Tensor) -> None:
        """Let each place have what is now at the place that is named, shape (rows, 1, all, 1)."""
        for part in (self.keys, self.values) if self._held else ():
            index = places.to(part.device)
            part.copy_(part.gather(2, index.expand(-1, part.shape[1], -1, part.shape[-1])))

    def _show(self, end: int) -> None:
        self.keys, self.values = (part[..., :end, :] for part in self._held)
        self.dtype, self.device = self.keys.dtype, self.keys.device
        self.is_initialized = True


def _cache() -> DynamicCache:
    """Return a cache that keeps all of the past in every layer, whatever a layer's window is."""
    cache = DynamicCache()
    cache.layer_class_to_replicate = _Layer
    return cache


def _padded(parts: Sequence[Tokens]) -> tuple[torch.Tensor, torch.Tensor]:
    """Return ids and mask, shape (rows, longest), with padding after what is shorter."""
    width = max(map(len, parts))
    rows = [[*part, *[0] * (width - len(part))] for part in parts]
    kept = [[1] * len(part) + [0] * (width - len(part)) for part in parts]
    return torch.tensor(rows), torch.tensor(kept)
