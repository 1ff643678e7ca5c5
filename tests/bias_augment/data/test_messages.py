"""Conversations are rendered once, and never printed into the text that is trained on."""

from __future__ import annotations

import json

import pytest

from bias_inherit.bias_augment.data.messages import completion_of, prompt_of, split
from bias_inherit.errors import RowError


def talk(*turns):
    names = {"s": "system", "u": "user", "a": "assistant", "t": "tool"}
    return [{"role": names[role], "content": content} for role, content in turns]


ONE = talk(("s", "Be brief."), ("u", "Who?"), ("a", " Ann. "))
TWO = talk(("s", "Be brief."), ("u", "Who?"), ("a", "Ann."), ("u", "Why?"), ("a", "So."))
TRANSCRIPT = "Be brief.\n\nUser: Who?\n\nAssistant: Ann.\n\nUser: Why?\n\nAssistant:"
SHAREGPT = [{"from": "human", "value": "Who?"}, {"from": "gpt", "value": "Ann."}]
PARTS = [
    {"role": "user", "content": [{"type": "text", "text": "Who"}, {"type": "text", "text": "?"}]},
    {"role": "assistant", "content": "Ann."},
]
CONVERSATIONS = {
    "one turn": (ONE, "Be brief.\n\nWho?", " Ann."),
    "several turns": (TWO, TRANSCRIPT, " So."),
    "no user": (talk(("a", "Ann.")), "", " Ann."),
    "a tool": (
        talk(("u", "2+2?"), ("t", "4"), ("a", "4.")),
        "User: 2+2?\n\nTool: 4\n\nAssistant:",
        " 4.",
    ),
    "ShareGPT": (SHAREGPT, "Who?", " Ann."),
    "parts": (PARTS, "Who\n?", " Ann."),
    "an object of lists": (
        {"role": ["user", "assistant"], "content": ["Who?", "Ann."]},
        "Who?",
        " Ann.",
    ),
    "JSON in a text": (json.dumps(ONE), "Be brief.\n\nWho?", " Ann."),
    "Python's print in a text": (str(ONE), "Be brief.\n\nWho?", " Ann."),
}


@pytest.mark.parametrize("name", CONVERSATIONS)
def test_the_last_reply_is_the_completion_and_the_rest_the_prompt(name):
    given, prompt, completion = CONVERSATIONS[name]
    assert split(given, "messages", "x:1") == (prompt, completion)


def test_a_prompt_and_a_completion_of_messages():
    assert prompt_of(TWO[:4], "prompt", "x:1") == TRANSCRIPT
    assert prompt_of(str(ONE[:2]), "prompt", "x:1") == "Be brief.\n\nWho?"
    assert completion_of(ONE[2:], "completion", "x:1") == " Ann."


@pytest.mark.parametrize("text", [" A nurse.", '[{"role": "nurse"}]', "[1, 2]", "{'a': 'role'}"])
def test_a_text_stays_as_it_is(text):
    assert prompt_of(text, "prompt", "x:1") == text
    assert completion_of(text, "completion", "x:1") == text


BAD = {
    "no reply": (split, ONE[:2], "no reply in c"),
    "a text": (split, "Who?", "no messages in c"),
    "texts": (split, ["a", "b"], "a list in c"),
    "a call of a tool": (split, [*ONE[:2], {"role": "assistant", "content": None}], "a list in c"),
    "a picture": (
        split,
        [{"role": "user", "content": [{"type": "image"}]}, *ONE[2:]],
        "a list in c",
    ),
    "half a character": (split, talk(("u", "\ud800"), ("a", "b")), "half a character in c"),
    "numpy's print": (
        split,
        "[{'role': 'user', 'content': 'a'}\n {'role': 'b'}]",
        "printed messag",
    ),
    "a prompt that is answered": (prompt_of, ONE, "a prompt that the assistant ends in c"),
    "a whole conversation": (completion_of, ONE, "several turns in c"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_kept_is_a_row_of_a_kind(name):
    read, given, kind = BAD[name]
    with pytest.raises(RowError, match=r"^x:1: column c ") as error:
        read(given, "c", "x:1")
    assert error.value.kind.startswith(kind) and "\n" not in str(error.value)
