"""Do the options of a question cost the same number of tokens?

A log-likelihood sums over tokens: of two answers the one with fewer tokens is likelier whatever the
text says. A form with a baseline (PMI) takes that away, and is not checked. Checked is what lm-eval
scores: in plain mode the option after the prompt and the task's delimiter, in chat mode the option
alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lm_eval.api.task import Task
    from transformers import PreTrainedTokenizerBase


def unequal_options(
    folder: Path, metadata: Mapping[str, object], tokenizer: PreTrainedTokenizerBase
) -> Iterator[str]:
    """Yield a line for each task, mode and set of options whose costs differ.

    Args:
        folder: of task YAMLs, without faults.
        metadata: what `lm_eval --metadata` would be given.
        tokenizer: of the model that is to be scored.
    """
    from lm_eval.tasks import TaskManager

    manager = TaskManager(include_path=str(folder), include_defaults=False, metadata=dict(metadata))
    for name in sorted(manager.all_subtasks):
        task = manager.load([name])["tasks"][name]
        if task.OUTPUT_TYPE == "multiple_choice":
            yield from (f"{name}: {line}" for line in _of_task(task, tokenizer))


def _of_task(task: Task, tokenizer: PreTrainedTokenizerBase) -> Iterator[str]:
    seen: set[tuple[str, ...]] = set()
    for doc in task.eval_docs:
        if doc.get("baseline"):
            return
        options = tuple(map(str, task.doc_to_choice(doc)))
        if options in seen:
            continue
        seen.add(options)
        prompt = str(task.doc_to_text(doc))
        delimiter = task.config.target_delimiter
        for mode, before, after in (("plain", prompt, delimiter), ("chat", "", "")):
            costs = [_cost(tokenizer, before, f"{after}{option}") for option in options]
            if len(set(costs)) > 1:
                told = ", ".join(f"'{o}' {n}" for o, n in zip(options, costs, strict=True))
                yield f"in {mode} mode the options differ in tokens: {told}"


def _cost(tokenizer: PreTrainedTokenizerBase, before: str, option: str) -> int:
    whole = tokenizer.encode(before + option, add_special_tokens=False)
    return len(whole) - len(tokenizer.encode(before, add_special_tokens=False))
