"""How an adapter is trained: settings, and the presets that carry published ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from bias_inherit.chat import template_args
from bias_inherit.errors import InputError, unknown
from bias_inherit.options import check_choices, option
from bias_inherit.rows import Learn

ChatTemplate = Literal["auto", "always", "never"]
Precision = Literal["auto", "fp32", "bf16"]


@dataclass(frozen=True)
class Settings:
    """How an adapter is trained; names are those of transformers and peft.

    Rank, alpha, dropout, targets and batch size are ours: the paper gives its learning rates
    and epochs for an 8B model (see `PRESETS`), but none of these.
    """

    rank: int = option("LoRA rank.", 16)
    alpha: int = option("LoRA alpha.", 32)
    dropout: float = option("LoRA dropout.", 0.0)
    targets: str = option(
        "Layers with an adapter: all-linear, or names: q_proj,v_proj.", "all-linear"
    )
    learning_rate: float = option("Learning rate; 3e-3 on the lab.", 1e-4)
    epochs: float = option("Epochs; 5 on the lab.", 3.0)
    batch_size: int = option("Rows per device and step; 16 on the lab.", 8)
    accumulation: int = option("Batches per step (gradient accumulation).", 1)
    warmup: float = option("Share of the steps over which the learning rate rises.", 0.1)
    schedule: str = option("transformers' lr_scheduler_type: linear, cosine …", "linear")
    weight_decay: float = option("Weight decay.", 0.0)
    max_length: int | None = option("Cut longer rows from the left to so many tokens.", None)
    chat_template: ChatTemplate = option("auto, always or never.", "auto")
    chat_template_args: str = option(
        'JSON for the chat template, such as {"enable_thinking": false}.', ""
    )
    learn: Learn = option(
        "What a row teaches: the answer about its text, the text itself, or both.", "answer"
    )
    precision: Precision = option("auto (bf16 where a GPU has it), fp32 or bf16.", "auto")
    quantize: bool = option("QLoRA: the base in 4 bits (needs bitsandbytes).", False)
    checkpointing: bool = option("Recompute activations: less memory.", False)
    checkpoint_every: int = option("Steps between checkpoints, kept if training fails.", 0)
    held_out: float = option("Share of the original rows kept for the evaluation loss.", 0.0)
    seed: int = 0

    def __post_init__(self) -> None:
        check_choices(self)
        template_args(self.chat_template_args)
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
