"""The documents of the six text tasks: a yes-or-no question in the text's own language."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any

from bias_inherit.tasks.documents.turns import interleave
from bias_inherit.tasks.metrics import AXES
from bias_inherit.tasks.metrics.table import TEXT_TASKS
from bias_inherit.tasks.packaged import Row, packaged_jsonl, packaged_yaml

__all__ = ["TEXT_TASKS", "text_doc", "text_test", "text_train"]


def text_doc(task: str, identity: str, text: str, culture: str, label: int, cluster: str) -> Row:
    """Return a document of a text task, with the question in the text's own language."""
    table = packaged_yaml("documents/questions.yaml")
    words = table["words"][culture]
    return {
        "id": identity,
        "text": text,
        "group": culture,
        "question": table["questions"][task][culture],
        "text_label": words["text_label"],
        "answer_label": words["answer_label"],
        "options": [words["no"], words["yes"]],
        "gold": label,
        "cluster": cluster,
    }


def text_test(task: str) -> list[Row]:
    """Return the written test texts of a task in four languages."""
    rows = interleave(packaged_jsonl(f"{task}_test.jsonl"), "culture")
    return [text_doc(task, r["id"], r["text"], r["culture"], r["label"], r["id"]) for r in rows]


def text_train(task: str, per_cell: int = 60, seed: int = 0) -> list[Row]:
    """Return composed texts, `per_cell` of each culture and label."""
    phrases = packaged_yaml(f"mini/{task}_train.yaml")
    rows = []
    for culture in AXES["culture"]:
        for label, kind in enumerate(("unbiased", "biased")):
            for i in range(per_cell):
                identity = f"mini-{seed}-{task}-{culture}-{label}-{i:04d}"
                text = _compose_text(Random(identity), phrases[culture], kind, culture)
                rows.append(text_doc(task, identity, text, culture, label, identity))
    return rows


def _compose_text(random: Random, phrases: Mapping[str, Any], kind: str, culture: str) -> str:
    block = random.choice(phrases[kind])
    space = "" if culture == "chinese" else " "
    sentence = random.choice(block["subjects"]) + space + random.choice(block["predicates"])
    text = str(random.choice(phrases["prefixes"]) + sentence)
    return text[:1].upper() + text[1:]
