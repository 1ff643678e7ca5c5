"""Any local transformers model as a generator, with an adapter or without: batched, seeded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from bias_inherit.bias_augment.writing.generators.contract import (
    Emit,
    Reply,
    Request,
    check_sampling,
)
from bias_inherit.bias_augment.writing.generators.registry import register
from bias_inherit.errors import InputError
from bias_inherit.models import (
    adapter_name,
    adapter_sha256,
    check_causal,
    fingerprint,
    load_adapter,
    resolve_model,
)
from bias_inherit.options import option

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


@register("local", "A transformers model on this machine, with an adapter or without.")
@dataclass
class LocalGenerator:
    """Writes with a causal model from disk or the hub, through its chat template if it has one.

    With the same batch size and seeds the replies are the same.
    """

    model: str = option("A transformers causal model: folder or hub id, or 'lab'.")
    adapter: Path | None = option("A peft adapter on --model.", None)
    batch_size: int = option("Prompts per forward pass.", 16)
    max_new_tokens: int = option("Longest reply, in tokens.", 160)
    temperature: float = option("Sampling temperature; 0 takes the likeliest token.", 0.8)
    name: str = field(init=False)

    def __post_init__(self) -> None:
        check_sampling(self.temperature, self.max_new_tokens)
        if self.batch_size < 1:
            raise InputError(f"batch-size must be at least 1, not {self.batch_size}")
        self.model = resolve_model(self.model)
        self.name = adapter_name(self.adapter) if self.adapter else Path(self.model).name

    @cached_property
    def sampling(self) -> Mapping[str, object]:
        """The model, its adapter, temperature, length and batch size.

        Raises:
            InputError: the model cannot be loaded or is not causal, or the adapter is not one.
        """
        check_causal(self.model)
        return {
            "model": fingerprint(self.model) or self.model,
            "adapter": adapter_sha256(self.adapter) if self.adapter else "",
            "temperature": self.temperature,
            "max_new_tokens": self.max_new_tokens,
            "batch_size": self.batch_size,
        }

    def write(self, requests: Sequence[Request], emit: Emit) -> None:
        """Emit the model's reply to each prompt, batch by batch.

        Raises:
            InputError: the model cannot be loaded or is not causal, or the adapter is not one.
        """
        import torch

        model, tokenizer = self._loaded
        for start in range(0, len(requests), self.batch_size):
            batch = requests[start : start + self.batch_size]
            torch.manual_seed(batch[0].sampling_seed)
            replies = self._batch(model, tokenizer, [request.prompt for request in batch])
            for i, reply in enumerate(replies, start=start):
                emit(i, reply)

    @cached_property
    def _loaded(self) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
        check_causal(self.model)
        if self.adapter is not None:
            adapter_sha256(self.adapter)
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer

        tokenizer = AutoTokenizer.from_pretrained(self.model, padding_side="left")
        if tokenizer.pad_token_id is None:
            tokenizer.pad_token = tokenizer.eos_token
        model = AutoModelForCausalLM.from_pretrained(self.model)
        if self.adapter is not None:
            model = load_adapter(model, self.adapter, self.model).merge_and_unload()
        return model.to("cuda" if torch.cuda.is_available() else "cpu").eval(), tokenizer

    def _batch(
        self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, prompts: list[str]
    ) -> list[Reply]:
        import torch

        has_chat = bool(tokenizer.chat_template)
        texts = [
            tokenizer.apply_chat_template(
                [{"role": "user", "content": prompt}], tokenize=False, add_generation_prompt=True
            )
            if has_chat
            else prompt + "\n"
            for prompt in prompts
        ]

        batch = tokenizer(
            texts, return_tensors="pt", padding=True, add_special_tokens=not has_chat
        ).to(model.device)
        sampling: dict[str, object] = {"do_sample": self.temperature > 0}
        if self.temperature > 0:
            sampling["temperature"] = self.temperature

        with torch.inference_mode():
            output = model.generate(
                input_ids=batch["input_ids"],
                attention_mask=batch["attention_mask"],
                max_new_tokens=self.max_new_tokens,
                pad_token_id=tokenizer.pad_token_id,
                **sampling,
            )

        written = output[:, batch["input_ids"].shape[1] :]
        ends = _end_tokens(model, tokenizer).to(written.device)
        # a row that ended holds an end token (and padding after it)
        ended = torch.isin(written, ends).any(1).tolist()
        texts = tokenizer.batch_decode(written, skip_special_tokens=True)
        return [Reply(text, truncated=not end) for text, end in zip(texts, ended, strict=True)]


def _end_tokens(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> torch.Tensor:
    import torch

    ends = model.generation_config.eos_token_id
    if ends is None:
        ends = tokenizer.eos_token_id
    return torch.tensor([] if ends is None else ends, dtype=torch.long).reshape(-1)
