"""The documents of the six text tasks: a yes-or-no question in the text's own language."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Literal

from bias_inherit.tasks.documents.document import Document, interleave
from bias_inherit.tasks.metrics import AXES
from bias_inherit.tasks.metrics.metric import TEXT_TASKS
from bias_inherit.tasks.packaged import packaged_rows, packaged_yaml
from bias_inherit.tasks.questions import instructed, questions

__all__ = ["TEXT_TASKS", "TextDocument", "text_document", "text_test", "text_train"]


@dataclass(frozen=True)
class TextDocument(Document):
    """A document of a text task.

    Attributes:
        text: what is asked about.
        group: the culture of its language.
        question: in that language.
        text_label, answer_label: the words "Text" and "Answer" of that language.
        options: its words for no and yes, in this order.
        gold: 1 where the text is what the task looks for.
        cluster: the text.
        kind: of a text that is not, what makes it look alike (`KINDS`); "" where none is said.
        target: what the question asks about, in the text's language; "" where it needs none.
    """

    text: str
    group: str
    question: str
    text_label: str
    answer_label: str
    options: list[str]
    gold: int
    cluster: str
    kind: str = ""
    target: str = ""


def text_document(
    task: str,
    identity: str,
    text: str,
    culture: str,
    label: int,
    cluster: str,
    kind: str = "",
    target: str = "",
) -> TextDocument:
    """Return a document of a text task, with the question in the text's own language.

    Args:
        task: one of `TEXT_TASKS`.
        identity: its id.
        text: what is asked about.
        culture: of its language.
        label: 1 where the text is what the task looks for, else 0.
        cluster: names the text.
        kind, target: see `TextDocument`.
    """
    asked = questions()
    words = asked.words[culture]
    return TextDocument(
        id=identity,
        text=text,
        group=culture,
        question=instructed(asked.questions[task][culture].replace("{target}", target), culture),
        text_label=words.text_label,
        answer_label=words.answer_label,
        options=[words.no, words.yes],
        gold=label,
        cluster=cluster,
        kind=kind,
        target=target,
    )


@dataclass(frozen=True)
class Text:
    """A written test text with its label; `kind` and `target` as in `TextDocument`."""

    id: str
    culture: str
    label: int
    text: str
    kind: Literal["", "mention", "quotation", "counter_speech", "other"] = ""
    target: str = ""


def text_test(task: str) -> list[TextDocument]:
    """Return the written test texts of a task in four languages."""
    written = interleave(packaged_rows(f"{task}_test.jsonl", Text), lambda text: text.culture)
    return [
        text_document(task, t.id, t.text, t.culture, t.label, t.id, t.kind, t.target)
        for t in written
    ]


@dataclass(frozen=True)
class Block:
    """Subjects and predicates that go together, each with each.

    A subject is what the text is about: of a stance, the target.
    """

    subjects: list[str]
    predicates: list[str]


@dataclass(frozen=True)
class Phrases:
    """What the training texts of a culture are composed of."""

    prefixes: list[str]
    biased: list[Block]
    unbiased: list[Block]


def text_train(task: str, per_cell: int = 60, seed: int = 0) -> list[TextDocument]:
    """Return composed texts, `per_cell` of each culture and label."""
    phrases = packaged_yaml(f"mini/{task}_train.yaml", dict[str, Phrases])
    rows = []
    for culture in AXES["culture"]:
        own = phrases[culture]
        for label, blocks in enumerate((own.unbiased, own.biased)):
            for i in range(per_cell):
                identity = f"mini-{seed}-{task}-{culture}-{label}-{i:04d}"
                subject, text = _compose(Random(identity), own.prefixes, blocks, culture)
                rows.append(
                    text_document(task, identity, text, culture, label, identity, target=subject)
                )
    return rows


def _compose(
    random: Random, prefixes: list[str], blocks: list[Block], culture: str
) -> tuple[str, str]:
    """Return the subject and the text."""
    block = random.choice(blocks)
    space = "" if culture == "chinese" else " "
    subject = random.choice(block.subjects)
    sentence = subject + space + random.choice(block.predicates)
    text = random.choice(prefixes) + sentence
    return subject, text[:1].upper() + text[1:]
