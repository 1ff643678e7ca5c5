"""What decides how replies are written: settings, ends, and which prompts go together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from lm_eval.models.utils import Collator, handle_stop_sequences, normalize_gen_kwargs

if TYPE_CHECKING:
    from lm_eval.api.instance import Instance
    from lm_eval.models.huggingface import HFLM
    from transformers import GenerationConfig


@dataclass(frozen=True)
class Plan:
    """How prompts of equal settings are answered.

    Attributes:
        way: how replies are written.
        contexts: the prompts.
        batches: their numbers, as lm-eval takes them together.
        fitting: batches that may be written side by side.
    """

    way: Way
    contexts: Sequence[str]
    batches: Sequence[list[int]]
    fitting: int


def by_settings(requests: Sequence[Instance]) -> list[list[int]]:
    """Return the numbers of requests whose settings are equal, in lm-eval's order."""
    groups = Collator.group(
        enumerate(requests), fn=lambda each: each[1].args[1], group_by="gen_kwargs"
    )
    return [[i for i, _ in group] for group in groups.values()]


@dataclass(frozen=True)
class Way:
    """How replies are written.

    Attributes:
        settings: for the model's `generate`.
        until: strings that end a reply.
        longest: tokens of a reply.
        is_sampled: whether tokens are drawn.
    """

    settings: Mapping[str, Any]
    until: list[str]
    longest: int
    is_sampled: bool

    @classmethod
    def of(cls, given: Mapping[str, Any], lm: HFLM) -> Way:
        """Return what a request's settings mean, as lm-eval reads them."""
        settings = dict(normalize_gen_kwargs(given, lm.max_gen_toks))
        eos = lm.tok_decode(lm.eot_token_id, skip_special_tokens=False)
        until = handle_stop_sequences(settings.pop("until"), eos=eos)
        longest = settings.pop("max_gen_toks")
        is_sampled = settings["do_sample"]
        if not is_sampled:
            settings.pop("temperature", None)
        return cls(settings, until, longest, is_sampled)


def end_tokens(config: GenerationConfig) -> list[int]:
    """Return the tokens that end a reply."""
    ends = config.eos_token_id
    return [] if ends is None else [int(end) for end in torch.tensor(ends).reshape(-1)]
