"""What tells a base from one that an adapter, or a training, has changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class BaseState:
    """What tells a base from one that an adapter has changed.

    Attributes:
        tensors: by name, shape, type and hash of parameters and buffers; of tied ones each name.
        modules: by name, class and numbers of hooks, and whether `forward` was replaced.
        config: the model's configuration as JSON.
    """

    tensors: Mapping[str, tuple[object, ...]] | None = None
    modules: Mapping[str, tuple[object, ...]] | None = None
    config: str = ""


def base_state(model: torch.nn.Module) -> BaseState:
    """Return what a base is now; reads each of its tensors once."""
    named: list[tuple[str, torch.Tensor]] = [*model.named_parameters(remove_duplicate=False)]
    named += model.named_buffers(remove_duplicate=False)
    tensors, seen = {}, {}
    for name, tensor in named:
        if id(tensor) not in seen:  # tied ones are read once
            seen[id(tensor)] = (tuple(tensor.shape), str(tensor.dtype), _hash(tensor.detach()))
        tensors[name] = seen[id(tensor)]

    modules = {
        name: (
            type(module),
            len(module._forward_hooks) + len(module._forward_pre_hooks),
            "forward" in vars(module),
        )
        for name, module in model.named_modules(remove_duplicate=False)
    }
    config = getattr(model, "config", None)
    return BaseState(tensors, modules, "" if config is None else config.to_json_string())


def _hash(tensor: torch.Tensor) -> str:
    """Return the hash of a tensor: on a CPU of its bytes.

    On another device of the bits of each row and of each column, so that nothing large is copied.
    """
    import torch
    import xxhash

    digest = xxhash.xxh3_128()
    parts = [tensor]
    if tensor.device.type != "cpu" and tensor.dim() > 1 and hasattr(torch, "hash_tensor"):
        parts = [torch.hash_tensor(tensor, dim) for dim in (0, tensor.dim() - 1)]
    for part in parts:
        digest.update(part.cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()
