"""Several LoRA adapters on one base, which computes rows of all of them in one pass.

peft computes one adapter after the other. Where a pass costs more than its rows, as it does for
each token that is written, rows of several adapters are computed at once: the base's layers for all
of them, and behind each layer what every row's own adapter adds. It is for plain LoRA; whether an
adapter is, is tried against peft.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import torch

if TYPE_CHECKING:
    from peft import PeftModel
    from transformers import PretrainedConfig, PreTrainedModel
    from transformers.modeling_outputs import CausalLMOutputWithPast


MERGED = 2**28
"""Bytes of weights up to which an adapter is merged into them for a while: our choice."""


class Pair(NamedTuple):
    """What an adapter adds to a layer: x @ down @ up, shapes (in, rank) and (rank, out)."""

    down: torch.Tensor
    up: torch.Tensor


Lora: TypeAlias = Mapping[str, Pair]
"""A plain LoRA adapter by the names of the layers; empty is the base itself."""


def lora_of(worn: PeftModel) -> Lora | None:
    """Return the adapter that a model wears; None where it is of another kind than this is for."""
    from peft.tuners.lora.layer import Linear
    from peft.tuners.tuners_utils import BaseTunerLayer
    from peft.utils import AuxiliaryTrainingWrapper

    name, found = worn.active_adapter, {}
    config = worn.peft_config[name]
    if config.peft_type.value != "LORA" or config.bias != "none":
        return None
    for where, layer in worn.get_base_model().named_modules():
        if isinstance(layer, AuxiliaryTrainingWrapper):
            return None
        if not isinstance(layer, BaseTunerLayer):
            continue
        if type(layer) is not Linear or layer.lora_variant or name not in layer.lora_A:
            return None
        down, up = layer.lora_A[name], layer.lora_B[name]
        if up.bias is not None:
            return None
        scaled = up.weight.detach() * layer.scaling[name]
        found[where] = Pair(down.weight.detach().T.contiguous(), scaled.T.contiguous())
    return found or None


def size(lora: Lora) -> int:
    """Return the bytes of an adapter."""
    return sum(part.nbytes for pair in lora.values() for part in pair)


@dataclass(frozen=True)
class _Layout:
    """Whose the rows of a pass are.

    Attributes:
        owners: those that are there.
        gather: rows by owner, each owner's filled up to the same number; None where they stand so.
        scatter: for each row its place among those.
    """

    owners: Sequence[int]
    gather: torch.Tensor | None = None
    scatter: torch.Tensor | None = None

    @classmethod
    def of(cls, owners: Sequence[int], device: torch.device) -> _Layout:
        """Return the layout of rows by their owners."""
        rows: dict[int, list[int]] = {}
        for row, owner in enumerate(owners):
            rows.setdefault(owner, []).append(row)
        longest = max(map(len, rows.values()))
        filled = [row for own in rows.values() for row in own + own[:1] * (longest - len(own))]
        if filled == list(range(len(owners))):
            return cls(list(rows))
        scatter = [0] * len(owners)
        for i, own in enumerate(rows.values()):
            for k, row in enumerate(own):
                scatter[row] = i * longest + k
        where = partial(torch.tensor, device=device)
        return cls(list(rows), where(filled), where(scatter))


class MultiLora:
    """A base with several adapters on it, each for rows of its own.

    Args:
        model: the base, without an adapter.
        loras: the adapters, by their numbers.
    """

    def __init__(self, model: PreTrainedModel, loras: Sequence[Lora]) -> None:
        self._model, self._loras = model, loras
        self._stacked: dict[str, Pair] = {}
        self._chosen: dict[str, Pair] = {}
        self._layout = _Layout(())
        self._owners: Sequence[int] = ()
        self._is_passing = self._is_merged = False
        self._hooks = [self._put_on(name) for name in sorted(set().union(*loras))]

    def remove(self) -> None:
        """Take the adapters off."""
        for hook in self._hooks:
            hook.remove()

    def __len__(self) -> int:
        return len(self._loras)

    def __call__(self, owners: Sequence[int], **given: object) -> CausalLMOutputWithPast:
        """Run a pass.

        Args:
            owners: the adapter of each row.
            given: what the base's own pass takes.
        """
        if owners != self._owners:
            self._owners, self._layout = owners, _Layout.of(owners, self.device)
            chosen = self._layout.owners
            is_all = list(chosen) == list(range(len(self._loras)))
            self._chosen = {
                name: pair if is_all else Pair(pair.down[chosen], pair.up[chosen])
                for name, pair in self._stacked.items()
            }
        self._is_passing = True
        try:
            return self._model(**given)
        finally:
            self._is_passing = False

    @property
    def merges(self) -> bool:
        """Whether an adapter can be merged into the base and taken out again.

        That is where weights are of float32, no other layer's too (tied embeddings), and few
        enough to be held twice.
        """
        weights = self._weights()
        every = self._model.named_parameters(remove_duplicate=False)
        uses = Counter(id(parameter) for _, parameter in every)
        return (
            len(weights) == len(self._stacked)
            and all(uses[id(weight)] == 1 for weight in weights.values())
            and all(weight.dtype == torch.float32 for weight in weights.values())
            and 0 < sum(weight.nbytes for weight in weights.values()) <= MERGED
        )

    def _weights(self) -> dict[str, torch.nn.Parameter]:
        """Return the weights of plain layers that adapters add to, by name."""
        layers = {name: self._model.get_submodule(name) for name in self._stacked}
        return {
            name: layer.weight
            for name, layer in layers.items()
            if isinstance(getattr(layer, "base_layer", layer), torch.nn.Linear)
        }

    @contextmanager
    def alone(self, owner: int) -> Iterator[None]:
        """Let all rows be of one adapter, merged into the base meanwhile, where it `merges`."""
        if not self.merges:
            yield
            return

        weights = self._weights()
        before = {name: weight.detach().clone() for name, weight in weights.items()}
        try:
            for name, weight in weights.items():
                down, up = (part[owner] for part in self._stacked[name])
                weight.data += (down @ up).T
            self._is_merged = True
            yield
        finally:
            self._is_merged = False
            for name, weight in weights.items():
                weight.data.copy_(before[name])

    @property
    def config(self) -> PretrainedConfig:
        """The base's."""
        return self._model.config

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        found: torch.device = self._model.device
        return found

    def get_base_model(self) -> PreTrainedModel:
        """Return the base."""
        return self._model

    def get_output_embeddings(self) -> torch.nn.Module | None:
        """Return the base's head."""
        head: torch.nn.Module | None = self._model.get_output_embeddings()
        return head

    def _put_on(self, name: str) -> torch.utils.hooks.RemovableHandle:
        """Stack what each adapter adds to a layer, zeros where it adds nothing."""
        pairs = [lora.get(name) for lora in self._loras]
        known = [pair for pair in pairs if pair is not None]
        rank = max(pair.down.shape[1] for pair in known)
        (wide, _), (_, out) = known[0].down.shape, known[0].up.shape
        down = known[0].down.new_zeros((len(pairs), wide, rank))
        up = known[0].up.new_zeros((len(pairs), rank, out))
        for i, pair in enumerate(pairs):
            if pair is not None:
                own = pair.down.shape[1]
                down[i, :, :own], up[i, :own] = pair.down, pair.up
        self._stacked[name] = Pair(down, up)
        layer: torch.nn.Module = self._model.get_submodule(name)
        return layer.register_forward_hook(partial(self._add, name))

    def _add(
        self, name: str, _: torch.nn.Module, taken: tuple[torch.Tensor, ...], output: torch.Tensor
    ) -> torch.Tensor:
        """Return a layer's output with what the adapters add to it; of a pass of ours alone."""
        if self._is_merged or not self._is_passing:
            return output
        down, up = self._chosen[name]
        rows = len(self._owners)
        given = taken[0].reshape(rows, -1, taken[0].shape[-1])
        if self._layout.gather is not None:
            given = given[self._layout.gather]
        flat = given.reshape(len(down), -1, given.shape[-1]).to(down.dtype)
        more = torch.bmm(torch.bmm(flat, down), up)
        if self._layout.scatter is not None:
            more = more.reshape(len(given), -1, more.shape[-1])[self._layout.scatter]
        return (output + more.reshape(output.shape)).to(output.dtype)
