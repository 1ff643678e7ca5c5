"""Any local transformers model as a generator, with an adapter or without: batched, seeded.

It has no form to miss: a reply begins with the form's first line, whose label is drawn by the
likelihoods of the options or given, and the model continues the second one, which begins with the
name of the person: left to itself a small model writes a title, or says again what it was asked.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from bias_inherit.bias_augment.writing.generators.contract import (
    TEMPLATE_ARGS_HELP,
    Emit,
    Reply,
    Request,
    Way,
    check_sampling,
)
from bias_inherit.bias_augment.writing.generators.registry import register
from bias_inherit.chat import chat_prompt, template_args, token_ids
from bias_inherit.errors import InputError
from bias_inherit.models import (
    adapter_name,
    adapter_sha256,
    check_causal,
    fingerprint,
    load_adapter,
    load_model,
    load_tokenizer,
    resolve_model,
)
from bias_inherit.options import option

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    from bias_inherit.bias_augment.writing.decode import Batch

_SENTENCE = re.compile(r".*[.!?\u3002\uff01\uff1f\u061f][\"'\u201d\u2019)]*(?=\s|$)", re.S)
_THINKING = re.compile(r"<(think|thinking|thought|reasoning)>\s*$", re.I)


@register("local", "A transformers model on this machine, with an adapter or without.")
@dataclass
class LocalGenerator:
    """Writes with a causal model from disk or the hub, through its chat template if it has one.

    A reply depends on its request and the model alone, but for the last digits of a batch's sums.
    """

    model: str = option("A transformers causal model: folder or hub id, or 'lab'.")
    adapter: Path | None = option("A peft adapter on --model.", None)
    batch_size: int = option("Prompts per forward pass.", 16)
    max_new_tokens: int = option("Longest reply, in tokens.", 160)
    temperature: float = option("Sampling temperature; 0 takes the likeliest token.", 0.8)
    chat_template_args: str = option(TEMPLATE_ARGS_HELP, "")
    name: str = field(init=False)

    def __post_init__(self) -> None:
        check_sampling(self.temperature, self.max_new_tokens)
        template_args(self.chat_template_args)
        if self.batch_size < 1:
            raise InputError(f"batch-size must be at least 1, not {self.batch_size}")
        self.model = resolve_model(self.model)
        self.name = adapter_name(self.adapter) if self.adapter else Path(self.model).name

    @cached_property
    def sampling(self) -> Mapping[str, object]:
        """The model, its adapter, temperature and length.

        Raises:
            InputError: the model cannot be loaded or is not causal, or the adapter is not one.
        """
        check_causal(self.model)
        return {
            "model": fingerprint(self.model) or self.model,
            "adapter": adapter_sha256(self.adapter) if self.adapter else "",
            "temperature": self.temperature,
            "max_new_tokens": self.max_new_tokens,
            "form": "continued",
            **({"chat_template_args": self.chat_template_args} if self.chat_template_args else {}),
        }

    def write(self, requests: Sequence[Request], emit: Emit) -> None:
        """Emit the model's reply to each prompt; prompts of like lengths share a batch.

        Raises:
            InputError: the model cannot be loaded or is not causal, or the adapter is not one.
        """
        _, tokenizer = self._loaded
        args = template_args(self.chat_template_args)
        asked = [_asked(tokenizer, request, args) for request in requests]
        prompts = [token_ids(tokenizer, text) for text in asked]
        order = sorted(range(len(requests)), key=lambda i: (len(prompts[i]), i))
        for start in range(0, len(order), self.batch_size):
            part = order[start : start + self.batch_size]
            replies = self._replies(
                [requests[i] for i in part], [asked[i] for i in part], [prompts[i] for i in part]
            )
            for place, reply in replies:
                emit(part[place], reply)

    @cached_property
    def _loaded(self) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
        check_causal(self.model)
        if self.adapter is not None:
            adapter_sha256(self.adapter)
        import torch

        tokenizer = load_tokenizer(self.model)
        model = load_model(self.model)
        if self.adapter is not None:
            model = load_adapter(model, self.adapter, self.model).merge_and_unload()
        return model.to("cuda" if torch.cuda.is_available() else "cpu").eval(), tokenizer

    def _replies(
        self, requests: Sequence[Request], asked: Sequence[str], prompts: Sequence[Sequence[int]]
    ) -> Iterator[tuple[int, Reply]]:
        """Yield (place, reply) of requests, whose prompts are given as texts and as tokens."""
        from bias_inherit.bias_augment.writing.decode import Batch

        model, tokenizer = self._loaded
        batch = Batch(model, tokenizer, prompts)
        lines = self._first_lines(batch, requests, asked, prompts)
        written = batch.write(
            self.max_new_tokens,
            self.temperature,
            [request.sampling_seed for request in requests],
            is_whole=lambda text: bool(text.strip()),
        )

        for place, each in written:
            request, whole = requests[place], _SENTENCE.match(each.text.strip())
            is_cut = each.is_cut and whole is None
            text = whole[0] if each.is_cut and whole is not None else each.text
            way: Way = "likelihood" if request.label is None else "given"
            told = f"{_heading(request)}{lines[place]}{text}"
            yield place, Reply(told, is_cut, way, (len(prompts[place]), each.tokens))

    def _first_lines(
        self,
        batch: Batch,
        requests: Sequence[Request],
        asked: Sequence[str],
        prompts: Sequence[Sequence[int]],
    ) -> list[str]:
        """Choose labels, or take those given, and continue the prompts to the text's heading."""
        _, tokenizer = self._loaded
        parts = {
            (i, label): _continued(tokenizer, asked[i], prompts[i], _line(request, label))
            for i, request in enumerate(requests)
            for label in request.allowed
        }
        chosen = [request.label or request.options[0] for request in requests]
        if any(request.label is None for request in requests):
            likelihoods = []
            for place in range(max(len(request.allowed) for request in requests)):
                at = [r.allowed[min(place, len(r.allowed) - 1)] for r in requests]
                likelihoods.append(batch.score([parts[i, label] for i, label in enumerate(at)]))
            by_row = zip(*(each.tolist() for each in likelihoods), strict=True)
            chosen = [
                _draw(request, found, self.temperature)
                for request, found in zip(requests, by_row, strict=True)
            ]
        batch.append([parts[i, label] for i, label in enumerate(chosen)])
        return [_line(request, label) for request, label in zip(requests, chosen, strict=True)]


def _asked(tokenizer: PreTrainedTokenizerBase, request: Request, args: Mapping[str, object]) -> str:
    """Return what the model reads, up to the label's heading."""
    heading = _heading(request)
    if not tokenizer.chat_template:
        return f"{request.prompt}\n{heading}"
    text = chat_prompt(tokenizer, request.prompt, args)
    thinking = _THINKING.search(text)  # the template lets the model think aloud: it need not
    return f"{text}\n\n</{thinking[1]}>\n\n{heading}" if thinking else f"{text}{heading}"


def _heading(request: Request) -> str:
    return f"{request.form.label}:"


def _line(request: Request, label: str) -> str:
    """Return what follows the label's heading: the label, the text's heading, the person's name."""
    return f" {label}\n{request.form.text}: {request.person.name}"


def _continued(
    tokenizer: PreTrainedTokenizerBase, asked: str, prompt: Sequence[int], line: str
) -> list[int]:
    """Return the tokens of a line behind a prompt; where its border moves, those of it alone."""
    whole = token_ids(tokenizer, asked + line)
    if whole[: len(prompt)] == list(prompt):
        return whole[len(prompt) :]
    return list(tokenizer(line, add_special_tokens=False)["input_ids"])


def _draw(request: Request, likelihoods: Sequence[float], temperature: float) -> str:
    """Return a label, drawn by the likelihoods at a temperature; the likeliest at 0."""
    if request.label is not None:
        return request.label
    found = likelihoods[: len(request.options)]
    best = max(found)
    if temperature == 0:
        return request.options[found.index(best)]
    weights = [math.exp((one - best) / temperature) for one in found]
    return Random(f"label {request.sampling_seed}").choices(request.options, weights)[0]
