"""Examples as tokens, and tokens as batches.

A base whose tokenizer has a chat template gets its own messages form, another gets plain
text; either way the tokens are the ones that lm-eval scores later (with and without
`--apply_chat_template`). The loss falls on the completion alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from bias_inherit.bias_augment.training.settings import ChatTemplate
from bias_inherit.chat import chat_example, token_ids
from bias_inherit.errors import InputError
from bias_inherit.rows import AUGMENTED, Example

if TYPE_CHECKING:
    import torch
    from transformers import PretrainedConfig, PreTrainedTokenizerBase

IGNORED = -100
"""The label that the loss skips (torch's cross entropy)."""


@dataclass(frozen=True)
class Encoded:
    """One training row.

    Attributes:
        input_ids: its tokens.
        prompt_length: how many of them are the prompt's.
        augmented: whether its origin is augmented.
        weight: factor of its loss.
        row: its number in the data.
    """

    input_ids: list[int]
    prompt_length: int
    augmented: bool
    weight: float
    row: int


def use_chat_template(tokenizer: PreTrainedTokenizerBase, setting: ChatTemplate) -> bool:
    """Return whether prompts go through the tokenizer's chat template.

    Raises:
        InputError: it is demanded and the tokenizer has none.
    """
    has_one = bool(tokenizer.chat_template)
    if setting == "always" and not has_one:
        raise InputError("the base's tokenizer has no chat template: use --chat-template never")
    return has_one and setting != "never"


def encode(
    tokenizer: PreTrainedTokenizerBase,
    example: Example,
    uses_chat: bool,
    row: int = 0,
    template_args: Mapping[str, Any] | None = None,
    ids_of: Callable[[str], list[int]] | None = None,
) -> Encoded:
    """Return the tokens of an example: prompt, completion and the end of the turn or text.

    Args:
        tokenizer: the base's.
        example: its prompt, completion, origin and weight count.
        uses_chat: whether both go through the chat template.
        row: its number in the data.
        template_args: of the chat template.
        ids_of: gives the tokens of a text; None makes them.

    Raises:
        InputError: the chat template fails.
    """
    ids_of = ids_of or partial(token_ids, tokenizer)
    prompt, completion = example["prompt"], example["completion"]
    if uses_chat:
        prompt, whole = chat_example(tokenizer, prompt, completion.strip(), template_args)
    else:
        whole = prompt + completion + (tokenizer.eos_token or "")

    ids = ids_of(whole)
    length = len(ids_of(prompt.rstrip()))
    return Encoded(
        input_ids=ids,
        prompt_length=min(length, len(ids) - 1),
        augmented=example["origin"] == AUGMENTED,
        weight=float(example.get("weight", 1.0)),
        row=row,
    )


def encode_all(
    examples: Iterable[Example],
    tokenizer: PreTrainedTokenizerBase,
    uses_chat: bool,
    context: float,
    max_length: int | None,
    template_args: Mapping[str, Any] | None = None,
    ids_of: Callable[[str], list[int]] | None = None,
) -> tuple[list[Encoded], int]:
    """Return the encoded rows, and how many were cut to `max_length` tokens.

    Args:
        examples: the rows to train on.
        tokenizer: the base's.
        uses_chat: whether they go through the chat template.
        context: the base's longest input, in tokens; a row beyond it is cut only when asked.
        max_length: rows are cut from the left to so many tokens; None refuses longer ones.
        template_args: of the chat template.
        ids_of: as for `encode`.

    Raises:
        InputError: rows are longer than the context and no length was given, or the length
            leaves no token of a row's prompt before its completion, or is beyond the context.
    """
    rows = [
        encode(tokenizer, example, uses_chat, i, template_args, ids_of)
        for i, example in enumerate(examples)
    ]
    if max_length is not None and max_length > context:
        raise InputError(f"max-length {max_length} is beyond the base's context ({context})")

    limit = max_length or context
    longer = [row for row in rows if len(row.input_ids) > limit]
    if longer and max_length is None:
        longest = max(len(row.input_ids) for row in longer)
        raise InputError(
            f"{len(longer)} of {len(rows)} rows are longer than the base's context ({limit} "
            f"tokens; the longest has {longest}): cut them from the left with --max-length {limit}"
        )
    if max_length is None:
        return rows, 0

    hollow = sum(len(row.input_ids) - row.prompt_length >= max_length for row in longer)
    if hollow:
        raise InputError(
            f"{hollow} rows would keep nothing of their prompt, or lose tokens of their "
            f"completion, in {max_length} tokens: give a larger --max-length"
        )
    return [_cut(row, max_length) for row in rows], len(longer)


def _cut(row: Encoded, limit: int) -> Encoded:
    """Cut a row from the left, as lm-eval does, so that the completion stays."""
    surplus = max(0, len(row.input_ids) - limit)
    return replace(
        row,
        input_ids=row.input_ids[surplus:],
        prompt_length=max(0, row.prompt_length - surplus),
    )


def longest_input(config: PretrainedConfig) -> float:
    """Return how many tokens a base takes, infinity where its configuration does not say."""
    return getattr(config.get_text_config(), "max_position_embeddings", None) or math.inf


@dataclass(frozen=True)
class Collator:
    """Pads rows on the right; prompt tokens and padding carry no loss."""

    pad_token_id: int

    def __call__(self, rows: Sequence[Encoded]) -> dict[str, torch.Tensor]:
        """Return input_ids, attention_mask, labels (rows, tokens); the other columns (rows,)."""
        import torch

        width = max(len(row.input_ids) for row in rows)
        ids = torch.full((len(rows), width), self.pad_token_id)
        mask = torch.zeros((len(rows), width), dtype=torch.long)
        labels = torch.full((len(rows), width), IGNORED)
        for i, row in enumerate(rows):
            tokens = torch.tensor(row.input_ids)
            ids[i, : len(tokens)] = tokens
            mask[i, : len(tokens)] = 1
            labels[i, row.prompt_length : len(tokens)] = tokens[row.prompt_length :]

        return {
            "input_ids": ids,
            "attention_mask": mask,
            "labels": labels,
            "augmented": torch.tensor([row.augmented for row in rows]),
            "weight": torch.tensor([row.weight for row in rows]),
            "row": torch.tensor([row.row for row in rows]),
        }
