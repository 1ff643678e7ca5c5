"""Conversations: columns of messages, as trl, OpenAI and ShareGPT write them, as rows of ours.

A row here has one prompt and one completion, both texts; the base's chat template is put around
them at training. So a conversation is rendered once:

- The last message is the assistant's, and its text is the completion; earlier replies are not
  trained on.
- What stands before it is the prompt. One user's message, with a system text before it or not, is
  the text alone; of several turns the prompt is the transcript, each turn named by its role, and
  ends with `Assistant:`.
- A message whose content is a list of parts is its texts; pictures, sound and calls of tools
  cannot be kept, and such a row cannot be used.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable
from typing import NamedTuple

from bias_inherit.bias_augment.data.cells import as_text, not_text, whole
from bias_inherit.errors import RowError, shown

USER, ASSISTANT = "user", "assistant"
_SYSTEM = ("system", "developer")
_ROLES = {"human": USER, "gpt": ASSISTANT, "model": ASSISTANT, "bot": ASSISTANT}
"""What other writers call the roles."""

_KEYS = (
    re.compile(r"""['"](?:role|from)['"]\s*:"""),
    re.compile(r"""['"](?:content|value)['"]\s*:"""),
)
"""What is in messages that a program printed into a text: as JSON, or as Python's print does."""


class Message(NamedTuple):
    """Who says what."""

    role: str
    text: str


def prompt_of(value: object, column: str, where: str) -> str:
    """Return a prompt cell as text; of messages what the module's text says.

    Raises:
        RowError: it is neither a text nor messages that end with the user's.
    """
    messages = _messages(value, column, where)
    if messages is None:
        return as_text(value, column, where)
    if messages and messages[-1].role == ASSISTANT:
        raise RowError(
            f"a prompt that the assistant ends in {column}",
            f"{where}: column {column} holds messages that end with the assistant's: where they "
            f"are a whole conversation, name them messages={column}",
        )
    return _transcript(messages)


def completion_of(value: object, column: str, where: str) -> str:
    """Return a completion cell as text; of messages the assistant's one.

    Raises:
        RowError: it is neither a text nor one message of the assistant's.
    """
    messages = _messages(value, column, where)
    if messages is None:
        return as_text(value, column, where)
    roles = ", ".join(message.role for message in messages)
    if [message.role for message in messages] != [ASSISTANT]:
        raise RowError(
            f"several turns in {column}",
            f"{where}: column {column} holds a conversation ({roles}), expected the assistant's "
            f"reply: where it is a whole one, name it messages={column} and no prompt",
        )
    return _reply(messages[0])


def split(value: object, column: str, where: str) -> tuple[str, str]:
    """Return prompt and completion of a conversation.

    Raises:
        RowError: the cell holds no messages, or the last one is not the assistant's.
    """
    messages = _messages(value, column, where)
    if messages is None and isinstance(value, str):
        raise RowError(
            f"no messages in {column}",
            f"{where}: column {column} holds a text, expected a list of messages",
        )
    if messages is None:
        raise not_text(value, column, where)
    if messages[-1].role != ASSISTANT:
        raise RowError(
            f"no reply in {column}",
            f"{where}: column {column} holds a conversation whose last message is the "
            f"{messages[-1].role}'s, so there is no reply to train on",
        )
    return _transcript(messages[:-1]), _reply(messages[-1])


def _reply(message: Message) -> str:
    return f" {message.text}" if message.text else ""  # a completion begins with a blank


def _transcript(messages: list[Message]) -> str:
    turns = [message for message in messages if message.role not in _SYSTEM]
    if len(turns) <= 1 and all(message.role == USER for message in turns):
        return "\n\n".join(message.text for message in messages if message.text)
    told = [
        message.text if message.role in _SYSTEM else f"{message.role.capitalize()}: {message.text}"
        for message in messages
    ]
    return "\n\n".join([*told, f"{ASSISTANT.capitalize()}:"])


def _messages(value: object, column: str, where: str) -> list[Message] | None:
    """Return the messages in a cell, None where it is a plain one.

    Raises:
        RowError: it is a list or an object, but not of messages with texts; or messages are printed
            into a text that cannot be read back.
    """
    if isinstance(value, str):
        if not value.lstrip().startswith("[") or not all(key.search(value) for key in _KEYS):
            return None
        value = _read_back(value, column, where)
    if isinstance(value, dict):
        value = _by_row(value)
    if not isinstance(value, list):
        return None
    if not value:
        raise RowError(f"an empty {column}", f"{where}: column {column} is empty")
    return [_message(entry, column, where) for entry in value]


def _by_row(value: dict[str, object]) -> object:
    """Return messages that `datasets` keeps as an object of lists as a list; else the value."""
    lists = [cells for cells in value.values() if isinstance(cells, list)]
    if not lists or len(lists) < len(value) or len({len(cells) for cells in lists}) > 1:
        return value
    return [dict(zip(value, cells, strict=True)) for cells in zip(*lists, strict=True)]


def _read_back(text: str, column: str, where: str) -> object:
    readers: tuple[Callable[[str], object], ...] = (json.loads, ast.literal_eval)
    for read in readers:
        try:
            return read(text)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            continue
    raise RowError(
        f"printed messages in {column}",
        f"{where}: column {column} holds messages that a program printed into a text "
        f"({shown(text, 30)}): write them as JSON",
    )


def _message(entry: object, column: str, where: str) -> Message:
    found = entry if isinstance(entry, dict) else {}
    role = found.get("role", found.get("from"))
    content = found.get("content", found.get("value"))
    if isinstance(content, list):
        content = _joined(content)
    if not isinstance(role, str) or not isinstance(content, str):
        raise RowError(
            f"a list in {column}",
            f"{where}: column {column} holds a list, expected text, or messages with a role and a "
            "text each",
        )
    role = role.lower()
    return Message(_ROLES.get(role, role), whole(content, column, where).strip())


def _joined(parts: list[object]) -> str | None:
    """Return the texts of a message's parts, None where one is no text."""
    texts = [part.get("text") if isinstance(part, dict) else part for part in parts]
    known = [text for text in texts if isinstance(text, str)]
    return "\n".join(known) if len(known) == len(texts) else None
