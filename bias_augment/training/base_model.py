"""The base model: loaded as the settings say, asked for features, and given an adapter."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bias_inherit.bias_augment.axes.axis import Axis, load_axis
from bias_inherit.bias_augment.training.encode import Collator, encode
from bias_inherit.bias_augment.training.settings import Settings
from bias_inherit.errors import InputError, one_line
from bias_inherit.models import load_adapter, load_model
from bias_inherit.rows import Example

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray
    from peft import PeftModel
    from transformers import BitsAndBytesConfig, PreTrainedModel, PreTrainedTokenizerBase

_FEATURE_ROWS = 16
"""Rows a forward pass where a mitigation asks for features."""


def load_base(base: str, settings: Settings) -> tuple[PreTrainedModel, bool]:
    """Return the base on its device, and whether it computes in bf16.

    Raises:
        InputError: it cannot be loaded, or 4 bits are asked for and bitsandbytes is not there.
    """
    import torch

    gpu = torch.cuda.is_available()
    if gpu:  # under torchrun every process has one of its own
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
    device = torch.device("cuda", torch.cuda.current_device()) if gpu else torch.device("cpu")
    bf16 = settings.precision == "bf16" or (
        settings.precision == "auto" and gpu and torch.cuda.is_bf16_supported()
    )
    dtype = torch.bfloat16 if bf16 else torch.float32

    if settings.quantize:
        four_bits = {"quantization_config": _four_bits(dtype), "device_map": {"": device}}
        return load_model(base, dtype=dtype, **four_bits), bf16
    return load_model(base, dtype=dtype).to(device), bf16


def _four_bits(dtype: torch.dtype) -> BitsAndBytesConfig:
    from importlib.util import find_spec

    if find_spec("bitsandbytes") is None:
        raise InputError(
            "--quantize (QLoRA) needs bitsandbytes: pip install 'bias-inherit[qlora]' (made for a "
            "GPU; it runs on a CPU too, slowly)"
        )
    from transformers import BitsAndBytesConfig

    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=dtype,
    )


def with_adapter(
    model: PreTrainedModel, base: str, settings: Settings, start: Path | None
) -> PeftModel:
    """Return the base with a LoRA adapter to train: a new one, or the one in `start`.

    Args:
        model: the base.
        base: its name, for messages.
        settings: rank, targets and the like of a new adapter; how memory is saved.
        start: the adapter to train on from.

    Raises:
        InputError: a target names no linear layer of the base, peft finds no place for an adapter,
            the base does not run with it, or `start` does not fit the base.
    """
    import torch
    from peft import LoraConfig, get_peft_model, prepare_model_for_kbit_training

    if settings.quantize:
        model = prepare_model_for_kbit_training(
            model, use_gradient_checkpointing=settings.checkpointing
        )
    elif settings.checkpointing:
        model.enable_input_require_grads()
    if start is not None:
        return load_adapter(model, start, base, is_trainable=True)

    targets = _targets(model, settings.targets)
    lora = LoraConfig(
        r=settings.rank,
        lora_alpha=settings.alpha,
        lora_dropout=settings.dropout,
        target_modules=targets,
        task_type="CAUSAL_LM",
    )
    linear = ", ".join(linear_layers(model))
    try:
        adapted = get_peft_model(model, lora)
        _try_out(adapted)
    except torch.OutOfMemoryError:
        raise
    except Exception as error:  # a layer of a kind of its own, which peft takes for a common one
        raise InputError(
            f"base model '{base}' takes no adapter on {settings.targets}: {one_line(error)} (its "
            f"linear layers: {linear}; choose among them with --targets)"
        ) from None
    return adapted


def _try_out(adapted: PeftModel) -> None:
    """Run a model once on a token, and leave it and the generators as they were.

    It trains meanwhile: what is evaluated in 4 bits on a CPU is packed for good.
    """
    import torch

    was_training = adapted.training
    adapted.train()
    with torch.random.fork_rng(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what there is to say is said again in the training
        adapted(input_ids=torch.zeros((1, 1), dtype=torch.long, device=adapted.device))
    adapted.train(was_training)


def _targets(model: PreTrainedModel, targets: str) -> str | list[str]:
    """Return peft's target modules.

    Raises:
        InputError: a name is that of no linear layer; the names that there are are listed.
    """
    if targets == "all-linear":
        return targets
    named = [name.strip() for name in targets.split(",") if name.strip()]
    linear = linear_layers(model)
    absent = [name for name in named if name not in linear]
    if absent or not named:
        raise InputError(
            f"the base has no linear layer '{', '.join(absent)}': its linear layers are "
            f"{', '.join(linear)} (or all-linear)"
        )
    return named


def linear_layers(model: PreTrainedModel) -> list[str]:
    """Return the names of a model's linear layers, each once, but for the one of the logits."""
    import torch
    from transformers.pytorch_utils import Conv1D

    head = model.get_output_embeddings()
    kinds = (torch.nn.Linear, Conv1D)
    found = [n for n, m in model.named_modules() if isinstance(m, kinds) and m is not head]
    return list(dict.fromkeys(name.rpartition(".")[2] for name in found))


class BaseTools:
    """What a mitigation's transform may ask for: axes, and phi of the untouched base.

    Args:
        model: the base.
        tokenizer: the base's.
        uses_chat: whether rows go through the chat template.
        own: an axis of the user's own.
        template_args: of the chat template.
    """

    def __init__(
        self,
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        uses_chat: bool,
        own: Axis | None,
        template_args: Mapping[str, Any] | None = None,
    ) -> None:
        self._model, self._tokenizer, self._uses_chat = model, tokenizer, uses_chat
        self._own, self._template_args = own, template_args

    def axis(self, name: str) -> Axis:
        """Return the axis of that name; InputError where there is none."""
        return self._own if self._own is not None and self._own.axis == name else load_axis(name)

    def features(self, examples: Sequence[Example]) -> NDArray[np.float32]:
        """Return phi, float32 of shape (examples, width): see `penalty.mean_over_tokens`."""
        import numpy as np
        import torch

        from bias_inherit.bias_augment.training.penalty import mean_over_tokens

        rows = [
            encode(self._tokenizer, example, self._uses_chat, template_args=self._template_args)
            for example in examples
        ]
        order = sorted(range(len(rows)), key=lambda i: len(rows[i].input_ids))
        found: dict[int, NDArray[np.float32]] = {}
        was_training = self._model.training
        self._model.eval()
        for i in range(0, len(order), _FEATURE_ROWS):
            part = order[i : i + _FEATURE_ROWS]
            batch = self._collator([rows[j] for j in part])
            mask = batch["attention_mask"].to(self._model.device)
            with torch.no_grad():
                hidden = self._model(
                    input_ids=batch["input_ids"].to(self._model.device),
                    attention_mask=mask,
                    output_hidden_states=True,
                    use_cache=False,
                    logits_to_keep=1,
                ).hidden_states[-1]
            found |= dict(zip(part, mean_over_tokens(hidden, mask).cpu().numpy(), strict=True))
        self._model.train(was_training)
        return np.stack([found[i] for i in range(len(rows))])

    @cached_property
    def _collator(self) -> Collator:
        return Collator(self._tokenizer.pad_token_id)
