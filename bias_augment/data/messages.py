"""trl's conversational rows: a prompt and a completion that are lists of messages.

Read as this project's rows are, one question and one answer: the user's text is the prompt, with
a system text before it; the assistant's text is the completion. The chat template is put around
them at training. Conversations of several turns cannot be kept so, and are refused.
"""

from __future__ import annotations

from bias_inherit.errors import InputError
from bias_inherit.store import kind_of


def as_text(value: object, column: str, where: str) -> str:
    """Return a cell as text; raises where it is neither a text, a number nor messages.

    Args:
        value: the cell.
        column: its name.
        where: file and line, for messages.

    Raises:
        InputError: it holds a list or an object that is not a conversation of one turn.
    """
    if isinstance(value, (str, int, float)):
        return str(value)
    if isinstance(value, list) and value and all(map(_is_message, value)):
        return _one_turn(value, column, where)
    raise InputError(f"{where}: column {column} holds {kind_of(value)}, expected text")


def _is_message(value: object) -> bool:
    return (
        isinstance(value, dict)
        and isinstance(value.get("role"), str)
        and isinstance(value.get("content"), str)
    )


def _one_turn(messages: list[dict[str, str]], column: str, where: str) -> str:
    roles = [message["role"] for message in messages]
    texts = [message["content"].strip() for message in messages]
    if roles in (["user"], ["assistant"]):
        return texts[0]
    if roles in (["system", "user"], ["developer", "user"]):
        return "\n\n".join(text for text in texts if text)
    raise InputError(
        f"{where}: column {column} holds a conversation of several turns ({', '.join(roles)}); "
        "rows here have one question and one answer"
    )
