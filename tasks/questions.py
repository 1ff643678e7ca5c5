"""The words of the text tasks' yes-or-no questions, in each culture's language."""

from __future__ import annotations

from functools import lru_cache

from pydantic import BaseModel

from bias_inherit.tasks.packaged import packaged_yaml


class Words(BaseModel):
    """The words around a question in one language.

    Attributes:
        text_label, answer_label: the words "Text" and "Answer".
        no, yes: the answers.
        also_no, also_yes: other ways to write them.
        leads: how a reply may lead up to the answer.
        instruction, letter_instruction: what to reply: one of the two words, or a letter.
    """

    text_label: str
    answer_label: str
    no: str
    yes: str
    also_no: list[str]
    also_yes: list[str]
    leads: list[str]
    instruction: str
    letter_instruction: str


class Questions(BaseModel):
    """Words by culture, and questions by task and culture (`questions.yaml`)."""

    words: dict[str, Words]
    questions: dict[str, dict[str, str]]


@lru_cache
def questions() -> Questions:
    """Return the questions that ship."""
    return packaged_yaml("questions.yaml", Questions)
