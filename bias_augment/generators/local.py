"""Any local transformers model as a generator: batched, sampled, seeded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bias_inherit.bias_augment.generators import Request
from bias_inherit.models import check_causal


@dataclass
class LocalGenerator:
    """Writes with a causal model from disk or the hub, through its chat template if it has one."""

    model: str
    batch_size: int = 16
    max_new_tokens: int = 160
    temperature: float = 0.8
    seed: int = 0
    name: str = field(init=False)

    def __post_init__(self) -> None:
        self.name = Path(self.model).name

    def write(self, requests: Sequence[Request]) -> Iterator[str]:
        """Yield the model's reply to each prompt.

        Raises:
            InputError: the model cannot be loaded or is no causal model.
        """
        check_causal(self.model)
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer

        tokenizer = AutoTokenizer.from_pretrained(self.model, padding_side="left")
        if tokenizer.pad_token_id is None:
            tokenizer.pad_token = tokenizer.eos_token
        device = "cuda" if torch.cuda.is_available() else "cpu"
        model = AutoModelForCausalLM.from_pretrained(self.model).to(device).eval()
        torch.manual_seed(self.seed)
        for start in range(0, len(requests), self.batch_size):
            prompts = [r.prompt for r in requests[start : start + self.batch_size]]
            yield from self._batch(model, tokenizer, prompts)

    def _batch(self, model: Any, tokenizer: Any, prompts: list[str]) -> list[str]:
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
        sampling: dict[str, Any] = {"do_sample": self.temperature > 0}
        if self.temperature > 0:
            sampling |= {"temperature": self.temperature}
        with torch.inference_mode():
            output = model.generate(
                input_ids=batch["input_ids"],
                attention_mask=batch["attention_mask"],
                max_new_tokens=self.max_new_tokens,
                pad_token_id=tokenizer.pad_token_id,
                **sampling,
            )
        width = batch["input_ids"].shape[1]
        return list(tokenizer.batch_decode(output[:, width:], skip_special_tokens=True))
