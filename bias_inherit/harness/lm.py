"""lm-eval's hf model, with what is equal in its requests computed once; the numbers are the same.

lm-eval runs each continuation as a row of its own behind its context, with logits of every token,
and writes batch after batch, each until its last row has ended. Here a context is read once
(`likelihoods.py`), and batches are written side by side (`streams.py`). A model or a request of
another kind than this was made for is left to lm-eval.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias

import torch
from lm_eval.models.huggingface import HFLM
from lm_eval.models.utils import (
    postprocess_generated_text,
)
from lm_eval.models.utils_hf import stop_sequences_criteria

from bias_inherit.bars import Bar
from bias_inherit.harness.likelihoods import Answer, Asked, Question, Scorer
from bias_inherit.harness.prefixes import shared_prefixes
from bias_inherit.harness.replies import Plan, Way, by_settings, end_tokens
from bias_inherit.harness.streams import (
    AT_ONCE,
    Draws,
    Stop,
    Stream,
    reads_ids,
    set_state,
    state,
    write_side_by_side,
)
from bias_inherit.past import Past, Tokens, keeps_past

if TYPE_CHECKING:
    from lm_eval.api.instance import Instance
    from transformers import LogitsProcessorList, PreTrainedModel

    from bias_inherit.harness.multi_lora import MultiLora

Progress: TypeAlias = Callable[[int], object]
"""Told how many requests were answered."""
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
_KNOWN = 2**14
"""Pairs of context and continuation whose tokens are kept: our choice; the mini data have 6,000."""
APART = 4
"""Log-likelihoods that are equal but for rounding are on average not so far apart, in square roots
of the unit of rounding: our choice."""


class SharingLM(HFLM):  # type: ignore[misc]  # lm_eval, untyped to mypy
    """See the module's text; it is made and used as HFLM is."""

    _encodes_only = False
    """Whether requests are given back as tokens."""

    def __init__(self, *args: Any, **named: Any) -> None:
        self._pieces: dict[int, str] = {}  # what tokens are by themselves
        super().__init__(*args, **named)
        self._encode_pair = lru_cache(_KNOWN)(super()._encode_pair)  # for the next adapter

    def _loglikelihood_tokens(
        self, requests: list[Pair], disable_tqdm: bool = False, override_bs: int | None = None
    ) -> list[Any]:
        if self._encodes_only:
            return requests
        asked = None if override_bs is not None else self._asked(requests)
        if asked is None:
            answers: list[Answer] = super()._loglikelihood_tokens(
                requests, disable_tqdm, override_bs
            )
            return answers

        hidden = disable_tqdm or self.rank != 0
        with Bar("scoring continuations", len(requests), not hidden) as bar:
            found = asked.answers(self._scorer(asked, self.model), bar.update)
        for request, answer in zip(requests, found, strict=True):
            if request[0] is not None:
                self.cache_hook.add_partial("loglikelihood", request[0], answer)
        return found

    def generate_until(self, requests: list[Instance], disable_tqdm: bool = False) -> list[str]:
        """Return what is written after each prompt."""
        replies: dict[int, str] = {}
        for places in by_settings(requests):
            some = [requests[i] for i in places]
            found = self._written(some, disable_tqdm)
            if found is None:
                found = super().generate_until(some, disable_tqdm)
            replies |= zip(places, found, strict=True)
        return [replies[i] for i in range(len(requests))]

    def likelihoods_of(
        self, many: MultiLora, requests: list[Instance], progress: Progress
    ) -> list[list[Answer]] | None:
        """Return what each of several adapters answers, as `loglikelihood` does.

        Args:
            many: adapters on this model.
            requests: log-likelihoods of continuations.
            progress: told of each answer.

        Returns:
            By adapter; None where it has to be left to lm-eval.
        """
        asked = self._asked(self._encoded(requests))
        if asked is None:
            return None
        found = []
        for owner in range(len(many)):
            with many.alone(owner):
                found.append(asked.answers(self._scorer(asked, many, owner), progress))
        return found

    def replies_of(
        self,
        many: MultiLora,
        requests: list[Instance],
        generators: Sequence[torch.Generator],
        progress: Progress,
    ) -> list[list[str]] | None:
        """Return what each of several adapters writes, as `generate_until` does.

        Args:
            many: adapters on this model.
            requests: prompts.
            generators: of each adapter, as it begins; they are left as it ends.
            progress: told of each reply.

        Returns:
            By adapter; None where it has to be left to lm-eval.
        """
        groups = by_settings(requests)
        plans = [self._plan([requests[i] for i in places]) for places in groups]
        replies = [[""] * len(requests) for _ in generators]
        for places, plan in zip(groups, plans, strict=True):
            if plan is None:
                return None
            with many.alone(0) if len(many) == 1 else nullcontext():
                for owner, i, reply in self._write(many, plan, generators):
                    replies[owner][places[i]] = reply
                    progress(1)
        return replies

    def _encoded(self, requests: list[Instance]) -> list[Pair]:
        """Return requests as lm-eval gives them to a model."""
        self._encodes_only = True
        try:
            encoded: list[Pair] = HFLM.loglikelihood(self, requests, disable_tqdm=True)
        finally:
            self._encodes_only = False
        return encoded

    def _asked(self, requests: Sequence[Pair]) -> Asked | None:
        """Return what is asked, each context once; None where lm-eval has to answer."""
        asked: dict[Tokens, dict[Tokens, list[int]]] = {}
        for i, (_, context, continuation) in enumerate(requests):
            whole = tuple(context + continuation)[-(self.max_length + 1) :]
            begin = len(whole) - len(continuation)
            asked.setdefault(whole[:begin], {}).setdefault(whole[begin:], []).append(i)

        is_whole = all(context and all(options) for context, options in asked.items())
        if not is_whole or self._token_bytes(list(asked)) is None:
            return None
        cut = sum(len(context) + len(rest) > self.max_length + 1 for _, context, rest in requests)
        if cut:
            _LOG.warning(
                "%d of %d requests are longer than the context of %d tokens: cut from the left",
                *(cut, len(requests), self.max_length),
            )
        return Asked(
            [Question(context, list(options)) for context, options in asked.items()],
            [list(options.values()) for options in asked.values()],
            shared_prefixes(list(asked)),
        )

    def _scorer(
        self, asked: Asked, model: PreTrainedModel | MultiLora, owner: int | None = None
    ) -> Scorer:
        return Scorer(model, self.batch_size * asked.longest, self.softmax_dtype, owner)

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
        if apart.abs().mean() > APART * math.sqrt(torch.finfo(theirs.dtype).eps):
            return None
        return max(1, past.size // past.ids.numel())

    def _written(self, requests: Sequence[Instance], disable_tqdm: bool) -> list[str] | None:
        """Return what follows prompts of equal settings; None where lm-eval has to write it."""
        plan = self._plan(requests)
        if plan is None:
            return None
        generator = torch.Generator(self.device)
        if plan.way.is_sampled:
            generator.set_state(state(self.device))

        replies = [""] * len(requests)
        hidden = disable_tqdm or self.rank != 0
        with Bar("writing replies", len(requests), not hidden) as bar:
            for _, i, replies[i] in self._write(self.model, plan, [generator]):
                self.cache_hook.add_partial("generate_until", requests[i].args, replies[i])
                bar.update(1)
        if plan.way.is_sampled:
            set_state(self.device, generator.get_state())
        return replies

    def _plan(self, requests: Sequence[Instance]) -> Plan | None:
        """Return how prompts of equal settings are answered; None where lm-eval has to do it."""
        contexts = [str(request.args[0]) for request in requests]
        way = Way.of(requests[0].args[1], self)
        room = self.max_length - way.longest
        rows = [self.tok_encode(context) for context in contexts]
        if room <= 0 or not all(rows) or not self._is_of_rows(way):
            return None
        size = self._token_bytes([row[-room:] for row in rows])
        if size is None:
            return None

        order = sorted(range(len(contexts)), key=lambda i: (-len(rows[i]), contexts[i]))
        batches = [order[i : i + self.batch_size] for i in range(0, len(order), self.batch_size)]
        row = (max(map(len, rows)) + way.longest) * size
        return Plan(way, contexts, batches, max(1, AT_ONCE // (row * self.batch_size)))

    def _write(
        self,
        model: PreTrainedModel | MultiLora,
        plan: Plan,
        generators: Sequence[torch.Generator],
    ) -> Iterator[tuple[int, int, str]]:
        """Yield owner, number of the prompt, and reply, in any order.

        Args:
            model: this one, or several adapters on it.
            plan: how it is done.
            generators: of each owner; they are left as lm-eval would leave them.
        """
        way, draws = plan.way, Draws()
        is_large = self.model.num_parameters() > _LARGE * len(self.tokenizer)
        ends = set(end_tokens(self.model.generation_config))

        def has_ended(tokens: Tokens) -> bool:
            if way.is_sampled or tokens[-1] in ends:
                return tokens[-1] in ends
            text = self.tok_decode(tokens)
            return any(stop in text for stop in way.until)

        @cache
        def begun(batch: tuple[int, ...]) -> Callable[[int], Stream]:
            return self._begun([plan.contexts[i] for i in batch], way)

        waiting = [list(plan.batches) for _ in generators]
        ahead = [1 if way.is_sampled else plan.fitting for _ in generators]
        while any(waiting):
            next_ones = [
                (owner, batch)
                for owner, batches in enumerate(waiting)
                for batch in batches[: ahead[owner]]
            ][: plan.fitting]
            streams = [begun(tuple(batch))(owner) for owner, batch in next_ones]
            whole = write_side_by_side(model, streams, generators, way.longest, has_ended, draws)
            for (owner, batch), stream in zip(next_ones, streams, strict=True):
                if stream not in whole:
                    continue
                waiting[owner].remove(batch)
                for i, tokens in zip(batch, stream.written, strict=True):
                    text = self.tok_decode(tokens)
                    yield owner, i, postprocess_generated_text(text, way.until, None)
                if way.is_sampled and is_large:  # as this went, so will the next
                    was_long = len(stream.written[0]) == way.longest
                    ahead[owner] = plan.fitting if was_long else 1

    def _is_of_rows(self, way: Way) -> bool:
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

    def _begun(self, contexts: list[str], way: Way) -> Callable[[int], Stream]:
        """Return what begins a batch of prompts, for an owner."""
        ids, mask = self.tok_batch_encode(
            contexts, left_truncate_len=self.max_length - way.longest, truncation=self.truncation
        )
        ids, mask = ids.to(self.device), mask.to(self.device)
        warp = self._warp(ids, mask, way)

        def begin(owner: int) -> Stream:
            stops = [self._stop(one, len(ids)) for one in way.until] if way.is_sampled else None
            own = self._warp(ids, mask, way) if reads_ids(warp) else warp
            return Stream(ids, mask, self.tokenizer.pad_token_id, own, stops, owner)

        return begin

    def _stop(self, until: str, rows: int) -> Stop:
        """Return what tells that a string was in each row of a batch."""
        last, pieces = until[-1], self._pieces

        def may_end(token: int) -> bool:
            if token not in pieces:
                pieces[token] = self.tokenizer.decode([token])
            return not last.isascii() or last in pieces[token]

        criteria = [stop_sequences_criteria(self.tokenizer, [until], 0, 1) for _ in range(rows)]
        return Stop(criteria, may_end)

    def _warp(self, ids: torch.Tensor, mask: torch.Tensor, way: Way) -> LogitsProcessorList:
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


def _sees_more(model: PreTrainedModel) -> bool:
    """Return whether an adapter does something that depends on more than a token and its past."""
    config = getattr(model, "active_peft_config", None)
    return config is not None and bool(
        config.is_prompt_learning or getattr(config, "alora_invocation_tokens", None)
    )
