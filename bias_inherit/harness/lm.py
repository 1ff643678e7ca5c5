"""lm-eval's hf model, with what is equal in its requests computed once; the numbers are the same.

lm-eval runs each continuation as a row of its own behind its context, with logits of every token,
and writes batch after batch, each until its last row has ended. Here a context is read once
(`likelihoods.py`), and batches are written side by side (`streams.py`). A model or a request of
another kind than this was made for is left to lm-eval.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import torch
from lm_eval.models.huggingface import HFLM
from lm_eval.models.utils import (
    Collator,
    handle_stop_sequences,
    normalize_gen_kwargs,
    postprocess_generated_text,
)
from lm_eval.models.utils_hf import stop_sequences_criteria
from tqdm import tqdm

from bias_inherit.harness.likelihoods import Answer, Question, Scorer
from bias_inherit.harness.streams import AT_ONCE, Stream, write_side_by_side
from bias_inherit.past import Past, Tokens, keeps_past

if TYPE_CHECKING:
    from lm_eval.api.instance import Instance
    from transformers import GenerationConfig, LogitsProcessorList, PreTrainedModel

Pair: TypeAlias = tuple[tuple[str, str] | None, list[int], list[int]]
"""Of a request its strings, and the tokens of context and continuation."""

_LOG = logging.getLogger(__name__)

_SAMPLING = {"do_sample", "temperature", "top_k", "top_p", "min_p", "repetition_penalty"}
_SETTINGS = _SAMPLING | {
    "_from_model_config",
    "bos_token_id",
    "eos_token_id",
    "output_attentions",
    "output_hidden_states",
    "pad_token_id",
    "transformers_version",
    "use_cache",
}
"""A model's generation settings under which no row depends on the batch that it is in."""
_LARGE = 1000
"""Parameters for each word of a model to which the numbers that sampling takes cost little beside
its passes: our choice."""
_APART = 4
"""Log-likelihoods that are equal but for rounding are on average not so far apart, in square roots
of the unit of rounding: our choice."""


class SharingLM(HFLM):  # type: ignore[misc]  # lm_eval, untyped to mypy
    """See the module's text; it is made and used as HFLM is."""

    def _loglikelihood_tokens(
        self, requests: list[Pair], disable_tqdm: bool = False, override_bs: int | None = None
    ) -> list[Answer]:
        asked: dict[Tokens, dict[Tokens, list[int]]] = {}
        for i, (_, context, continuation) in enumerate(requests):
            whole = tuple(context + continuation)[-(self.max_length + 1) :]
            begin = len(whole) - len(continuation)
            asked.setdefault(whole[:begin], {}).setdefault(whole[begin:], []).append(i)

        is_whole = all(context and all(options) for context, options in asked.items())
        if override_bs is not None or not is_whole or self._token_bytes(list(asked)) is None:
            answers: list[Answer] = super()._loglikelihood_tokens(
                requests, disable_tqdm, override_bs
            )
            return answers

        cut = sum(len(context) + len(rest) > self.max_length + 1 for _, context, rest in requests)
        if cut:
            _LOG.warning(
                "%d of %d requests are longer than the context of %d tokens: cut from the left",
                *(cut, len(requests), self.max_length),
            )
        longest = max(len(c) + len(o) for c, options in asked.items() for o in options)
        scorer = Scorer(self.model, self.batch_size * longest, self.softmax_dtype)
        questions = [Question(context, list(options)) for context, options in asked.items()]
        found: dict[int, Answer] = {}
        hidden = disable_tqdm or self.rank != 0
        with tqdm(total=len(requests), disable=hidden, desc="Scoring continuations") as bar:
            for number, answers in scorer.answers(questions):
                question = questions[number]
                for option, answer in zip(question.options, answers, strict=True):
                    for i in asked[question.context][option]:
                        found[i] = answer
                        if requests[i][0] is not None:
                            self.cache_hook.add_partial("loglikelihood", requests[i][0], answer)
                        bar.update(1)
        return [found[i] for i in range(len(requests))]

    def generate_until(self, requests: list[Instance], disable_tqdm: bool = False) -> list[str]:
        """Return what is written after each prompt."""
        groups = Collator.group(
            enumerate(requests), fn=lambda each: each[1].args[1], group_by="gen_kwargs"
        )
        replies: dict[int, str] = {}
        for group in groups.values():
            some = [request for _, request in group]
            found = self._written(some, disable_tqdm)
            if found is None:
                found = super().generate_until(some, disable_tqdm)
            replies |= zip((i for i, _ in group), found, strict=True)
        return [replies[i] for i in range(len(requests))]

    def _token_bytes(self, rows: Sequence[Tokens]) -> int | None:
        """Return the bytes of a token's keys and values, where the model may read rows in parts.

        None says that it may not. The shortest and the longest row are tried.
        """
        rows = sorted((row for row in rows if len(row) > 1), key=len)
        if (
            not rows
            or self.backend != "causal"
            or not isinstance(self.batch_size, int)
            or self.mixed_precision_dtype is not None
            or not keeps_past(self.model)
            or _sees_more(self.model)
        ):
            return None

        some = rows[0], rows[-1]
        halves = [len(row) // 2 for row in some]
        try:
            past = Past(self.model, len(some))
            past.read([row[:half] for row, half in zip(some, halves, strict=True)])
            past = past.chosen(range(len(some)))
            ours = past.read([row[half:] for row, half in zip(some, halves, strict=True)])
            whole = [self._model_call(torch.tensor([row], device=self.device)) for row in some]
        except torch.OutOfMemoryError:
            raise
        except Exception:  # whatever a model raises that was not made for this
            return None
        theirs = torch.stack([logits[0, -1] for logits in whole])
        apart = ours.float().log_softmax(-1) - theirs.float().log_softmax(-1)
        if apart.abs().mean() > _APART * math.sqrt(torch.finfo(theirs.dtype).eps):
            return None
        return max(1, past.size // past.ids.numel())

    def _written(self, requests: Sequence[Instance], disable_tqdm: bool) -> list[str] | None:
        """Return what follows prompts of equal settings; None where lm-eval has to write it."""
        contexts = [str(request.args[0]) for request in requests]
        given = requests[0].args[1]
        way = _Way.of(given, self)
        room = self.max_length - way.longest
        rows = [self.tok_encode(context) for context in contexts]
        if room <= 0 or not all(rows) or not self._is_of_rows(way):
            return None
        size = self._token_bytes([row[-room:] for row in rows])
        if size is None:
            return None

        order = sorted(range(len(contexts)), key=lambda i: (-len(rows[i]), contexts[i]))
        waiting = [order[i : i + self.batch_size] for i in range(0, len(order), self.batch_size)]
        row = (max(map(len, rows)) + way.longest) * size
        fitting = max(1, AT_ONCE // (row * self.batch_size))
        is_large = self.model.num_parameters() > _LARGE * len(self.tokenizer)
        ends = set(end_tokens(self.model.generation_config))

        def has_ended(tokens: Tokens) -> bool:
            if way.is_sampled or tokens[-1] in ends:
                return tokens[-1] in ends
            text = self.tok_decode(tokens)
            return any(stop in text for stop in way.until)

        replies, at_once = [""] * len(contexts), 1 if way.is_sampled else fitting
        hidden = disable_tqdm or self.rank != 0
        with tqdm(total=len(contexts), disable=hidden, desc="Writing replies") as bar:
            while waiting:
                streams = [
                    self._stream([contexts[i] for i in batch], way) for batch in waiting[:at_once]
                ]
                whole = write_side_by_side(self.model, streams, way.longest, has_ended)
                for batch, stream in zip(waiting[:whole], streams, strict=False):
                    for i, tokens in zip(batch, stream.written, strict=True):
                        replies[i] = postprocess_generated_text(
                            self.tok_decode(tokens), way.until, None
                        )
                        self.cache_hook.add_partial(
                            "generate_until", (contexts[i], given), replies[i]
                        )
                        bar.update(1)
                waiting = waiting[whole:]
                if way.is_sampled and is_large:  # as these went, so will the next
                    at_once = fitting if len(streams[whole - 1].written[0]) == way.longest else 1
        return replies

    def _is_of_rows(self, way: _Way) -> bool:
        """Return whether each row ends, and is written, by itself."""
        config = self.model.generation_config
        known = set(config.to_diff_dict()) | set(way.settings)
        if known - _SETTINGS or self.think_end_token is not None or "" in way.until:
            return False
        if way.is_sampled:
            return bool(way.settings["temperature"] > 0 and self.device.type in ("cpu", "cuda"))
        # lm-eval stops a batch, not a row, at a special token that is not an end of the model's
        special = set(self.tokenizer.all_special_tokens)
        ends = {self.tokenizer.decode([end]) for end in end_tokens(config)}
        return all(stop in ends or not any(one in stop for one in special) for stop in way.until)

    def _stream(self, contexts: list[str], way: _Way) -> Stream:
        ids, mask = self.tok_batch_encode(
            contexts, left_truncate_len=self.max_length - way.longest, truncation=self.truncation
        )
        ids, mask = ids.to(self.device), mask.to(self.device)
        has_stopped = (
            stop_sequences_criteria(self.tokenizer, way.until, ids.shape[1], len(ids))
            if way.is_sampled
            else None
        )
        warp = self._warp(ids, mask, way)
        return Stream(ids, mask, self.tokenizer.pad_token_id, warp, has_stopped)

    def _warp(self, ids: torch.Tensor, mask: torch.Tensor, way: _Way) -> LogitsProcessorList:
        """Return what transformers puts the logits of a batch through, by its settings."""
        found: list[LogitsProcessorList] = []

        def write_nothing(
            _: PreTrainedModel,
            input_ids: torch.Tensor,
            logits_processor: LogitsProcessorList,
            **__: object,
        ) -> torch.Tensor:
            found.append(logits_processor)
            return input_ids

        self.model.generate(
            input_ids=ids,
            attention_mask=mask,
            max_length=ids.shape[1] + way.longest,
            pad_token_id=self.tokenizer.pad_token_id,
            use_cache=True,
            custom_generate=write_nothing,
            **way.settings,
        )
        return found[0]


@dataclass(frozen=True)
class _Way:
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
    def of(cls, given: Mapping[str, Any], lm: HFLM) -> _Way:
        """Return what a request's settings mean, as lm-eval reads them."""
        settings = dict(normalize_gen_kwargs(given, lm.max_gen_toks))
        eos = lm.tok_decode(lm.eot_token_id, skip_special_tokens=False)
        until = handle_stop_sequences(settings.pop("until"), eos=eos)
        longest = settings.pop("max_gen_toks")
        is_sampled = settings["do_sample"]
        if not is_sampled:
            settings.pop("temperature", None)
        return cls(settings, until, longest, is_sampled)


def _sees_more(model: PreTrainedModel) -> bool:
    """Return whether an adapter does something that depends on more than a token and its past."""
    config = getattr(model, "active_peft_config", None)
    return config is not None and bool(
        config.is_prompt_learning or getattr(config, "alora_invocation_tokens", None)
    )


def end_tokens(config: GenerationConfig) -> list[int]:
    """Return the tokens that end a reply."""
    ends = config.eos_token_id
    return [] if ends is None else [int(end) for end in torch.tensor(ends).reshape(-1)]
