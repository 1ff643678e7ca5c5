"""Prompts as lm-eval gives them to a model: through its chat template or not, and as tokens.

Training, writing and scoring have to agree on both, to the token.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from bias_inherit.errors import InputError, one_line

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

_OURS = {"add_generation_prompt", "continue_final_message", "conversation", "tokenize"}
"""Arguments of `apply_chat_template` that are lm-eval's and ours to give."""
_ANSWER = "BIASINHERITANSWER"
"""Stands for an answer, to find what a template writes after it."""


def template_args(written: str) -> dict[str, Any]:
    """Return the arguments of a chat template that a user wrote as JSON; "" is none.

    Raises:
        InputError: they are not a JSON object, or one is not the user's to give.
    """
    if not written:
        return {}
    try:
        given = json.loads(written)
    except (json.JSONDecodeError, RecursionError) as error:
        raise InputError(
            f"chat-template-args '{written[:80]}' is not JSON ({one_line(error)})"
        ) from None
    if not isinstance(given, dict):
        raise InputError(
            f"chat-template-args '{written[:80]}': write a JSON object, such as "
            '{"enable_thinking": false}'
        )
    if taken := sorted(_OURS & given.keys()):
        raise InputError(f"chat-template-args: {', '.join(taken)} cannot be given")
    return given


def chat_prompt(
    tokenizer: PreTrainedTokenizerBase, prompt: str, args: Mapping[str, Any] | None = None
) -> str:
    """Return a prompt as a user's turn, up to where the answer begins.

    Args:
        tokenizer: with a chat template.
        prompt: what the user says.
        args: of the template, such as `{"enable_thinking": False}`.

    Raises:
        InputError: there is no template, or it fails.
    """
    if not tokenizer.chat_template:
        raise InputError(
            f"'{tokenizer.name_or_path}' has no chat template: go without one, or put its "
            "chat_template.jinja into the folder"
        )
    turns = [{"role": "user", "content": prompt}]
    return _rendered(tokenizer, turns, args, add_generation_prompt=True)


def chat_example(
    tokenizer: PreTrainedTokenizerBase,
    prompt: str,
    answer: str,
    args: Mapping[str, Any] | None = None,
) -> tuple[str, str]:
    """Return a prompt as `chat_prompt` does, and the same with its answer and the turn's end.

    The answer stands right after the prompt, where it is scored: a template that opens a finished
    answer in another way (with an empty thought, say) gives its end alone.

    Args:
        tokenizer: with a chat template.
        prompt: what the user says.
        answer: what the model answers.
        args: of the template.

    Raises:
        InputError: there is no template, or it fails.
    """
    before = chat_prompt(tokenizer, prompt, args)
    user = {"role": "user", "content": prompt}
    whole = _rendered(tokenizer, [user, {"role": "assistant", "content": answer}], args)
    if whole.startswith(before + answer):
        end = whole[len(before + answer) :]
    else:
        marked = _rendered(tokenizer, [user, {"role": "assistant", "content": _ANSWER}], args)
        _, found, end = marked.rpartition(_ANSWER)
        end = end if found else ""
    return before, before + answer + (end or tokenizer.eos_token or "")


def _rendered(
    tokenizer: PreTrainedTokenizerBase,
    turns: list[dict[str, str]],
    args: Mapping[str, Any] | None,
    add_generation_prompt: bool = False,
) -> str:
    try:
        text: str = tokenizer.apply_chat_template(
            turns, tokenize=False, add_generation_prompt=add_generation_prompt, **(args or {})
        )
    except Exception as error:  # whatever a template raises
        raise InputError(
            f"the chat template of '{tokenizer.name_or_path}' fails: {one_line(error)}"
        ) from None
    return text


def token_ids(tokenizer: PreTrainedTokenizerBase, text: str) -> list[int]:
    """Return the tokens of a text from its beginning, as lm-eval's hf model makes them.

    Special tokens are added unless the text begins with one already, as chat templates write it.
    """
    begin = tokenizer.bos_token or tokenizer.eos_token
    is_begun = bool(begin) and text.startswith(begin)
    ids: list[int] = tokenizer(text, add_special_tokens=not is_begun).input_ids
    return ids
