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
    """Words by culture, and questions by task and culture (`questions.yaml`).

    A question stands without the instruction that follows it.
    """

    words: dict[str, Words]
    questions: dict[str, dict[str, str]]


def instructed(question: str, culture: str, lettered: bool = False) -> str:
    """Return a question with what to reply: yes or no, or a letter.

    Args:
        question: alone, in the culture's language.
        culture: of the language.
        lettered: whether its options have letters.
    """
    words = questions().words[culture]
    space = "" if culture == "chinese" else " "
    return f"{question}{space}{words.letter_instruction if lettered else words.instruction}"


def uninstructed(question: str, culture: str) -> str:
    """Return a question without its instruction to reply yes or no."""
    return question.removesuffix(questions().words[culture].instruction).rstrip()


@lru_cache
def questions() -> Questions:
    """Return the questions that ship."""
    return packaged_yaml("questions.yaml", Questions)
