"""How an adapter is trained: settings, and the presets that carry published ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from bias_inherit.errors import InputError, unknown

ChatTemplate = Literal["auto", "always", "never"]
Precision = Literal["auto", "fp32", "bf16"]


@dataclass(frozen=True)
class Settings:
    """How an adapter is trained; names are those of transformers and peft.

    Rank, alpha, dropout, targets and batch size are ours: the paper gives its learning rates
    and epochs for an 8B model (see `PRESETS`), but none of these.

    Attributes:
        targets: names of linear layers, or "all-linear".
        batch_size: rows a device and step; times `accumulation` and the number of processes
            it is the global batch.
        warmup: share of the steps over which the learning rate rises.
        schedule: transformers' `lr_scheduler_type`.
        max_length: rows are cut from the left to so many tokens; None refuses longer ones.
        precision: "auto" is bf16 where a GPU has it, else fp32.
        quantize: load the base in 4 bits (QLoRA; needs bitsandbytes, and is meant for a GPU).
        checkpointing: recompute activations to save memory.
        checkpoint_every: steps between checkpoints beside the output, which stay if training
            fails; 0 keeps none.
        held_out: share of the original rows that is kept out of training, for `eval_loss`.
    """

    rank: int = 16
    alpha: int = 32
    dropout: float = 0.0
    targets: str = "all-linear"
    learning_rate: float = 1e-4
    epochs: float = 3.0
    batch_size: int = 8
    accumulation: int = 1
    warmup: float = 0.1
    schedule: str = "linear"
    weight_decay: float = 0.0
    max_length: int | None = None
    chat_template: ChatTemplate = "auto"
    precision: Precision = "auto"
    quantize: bool = False
    checkpointing: bool = False
    checkpoint_every: int = 0
    held_out: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("rank", "alpha", "batch_size", "accumulation"):
            if getattr(self, name) < 1:
                raise InputError(f"{name.replace('_', '-')} must be at least 1")
        if not 0 <= self.dropout < 1 or not 0 <= self.warmup <= 1 or not 0 <= self.held_out < 1:
            raise InputError("dropout, warmup and held-out are shares: at least 0 and below 1")
        if self.learning_rate <= 0 or self.epochs <= 0:
            raise InputError("learning-rate and epochs must be above 0")
        if self.max_length is not None and self.max_length < 2:
            raise InputError("max-length must be at least 2")


@dataclass(frozen=True)
class Preset:
    """Published settings: what was published of them, and where the rest is ours."""

    source: str
    values: Mapping[str, Any] = field(default_factory=dict)


_PAPER = "arXiv 2502.04419 (Llama-3.1-8B-Instruct); rank, alpha, batch size and schedule are ours"
PRESETS: Mapping[str, Preset] = {
    "paper-gender": Preset(_PAPER, {"learning_rate": 1e-5, "epochs": 3.0}),
    "paper-culture": Preset(
        f"{_PAPER}; for Arabic it trained 5 epochs", {"learning_rate": 1e-6, "epochs": 3.0}
    ),
}


def load_preset(name: str) -> Preset:
    """Return the preset of that name.

    Raises:
        InputError: there is none; near names are suggested.
    """
    if name not in PRESETS:
        raise unknown("preset", name, PRESETS)
    return PRESETS[name]
