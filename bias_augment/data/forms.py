"""Forms: what the texts of an axis are, as a generator replies and as a model is trained.

A biography comes with an occupation; an opinion is a text about somebody who is asked a
survey question, with the answer. In both a reply has two lines, the label and the text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from string import ascii_uppercase
from typing import Any

from bias_inherit.errors import InputError
from bias_inherit.tasks import prompts
from bias_inherit.tasks.metrics import OCCUPATIONS

_TEXT = "\0text\0"


@lru_cache
def _around(task: str, options: tuple[str, ...], gold: int) -> tuple[str, str]:
    """Return a task's prompt and completion with a mark where the text belongs."""
    doc: dict[str, Any] = {"id": "", "text": _TEXT, "options": list(options), "gold": gold}
    return prompts.render(task, doc)


@dataclass(frozen=True)
class Form:
    """One form of texts.

    Attributes:
        label, text: the two lines of a reply, as its prompt asks for them.
        writing: what asks for the text alone, of {who} and {question}.
        also: other headings that models give the label, and the text.
        question: what a training prompt asks about the text, where its row has no question.
        task: the task whose own prompt is used where the options are that task's.
        is_scale: whether the options stand on a scale, which makes sense both ways alone.
    """

    label: str
    text: str
    writing: str
    also: tuple[tuple[str, ...], tuple[str, ...]]
    question: str = ""
    task: str | None = None
    is_scale: bool = False

    @property
    def label_names(self) -> tuple[str, ...]:
        """Headings of the label in a reply, the one asked for first."""
        return (self.label, *self.also[0])

    @property
    def text_names(self) -> tuple[str, ...]:
        """Headings of the text in a reply, the one asked for first."""
        return (self.text, *self.also[1])

    def render(
        self, text: str, question: str, options: Sequence[str], gold: int
    ) -> Mapping[str, str]:
        """Return `prompt` and `completion` of a training row: a letter for an option.

        Args:
            text: what is asked about.
            question: of an opinion; "" asks the form's own.
            options: to choose from.
            gold: index of the right one.
        """
        if self.task is not None and sorted(options) == sorted(OCCUPATIONS):
            prompt, completion = _around(self.task, tuple(options), gold)
            return {"prompt": prompt.replace(_TEXT, text), "completion": completion}
        if len(options) > len(ascii_uppercase):
            raise InputError(
                f"{len(options)} labels are more than there are letters to choose one by: give "
                "prompt and completion columns of your own"
            )
        lines = [f"{ascii_uppercase[i]}. {option}" for i, option in enumerate(options)]
        prompt = "\n".join([text, "", question or self.question, *lines, "Answer:"])
        return {"prompt": prompt, "completion": f" {ascii_uppercase[gold]}"}


FORMS: Mapping[str, Form] = {
    "biography": Form(
        "Occupation",
        "Biography",
        "Write a short biography of {who}, in two to four sentences.\nBiography:",
        (("Job", "Profession", "Occupation chosen", "Label"), ("Bio", "Short biography", "Text")),
        "What is the person's occupation?",
        task="occupation",
    ),
    "opinion": Form(
        "Answer",
        "Person",
        "Somebody is asked: {question}\nWrite two to four sentences about {who}.\nPerson:",
        (("Response", "Chosen answer", "Label"), ("About the person", "Profile", "Text")),
        "What does the person answer?",
        is_scale=True,
    ),
}
"""The forms by name; an axis names its own."""
