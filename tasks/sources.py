"""Where a task's documents come from: the mini data, or the prepared public data.

lm-eval calls `load` for every task (`custom_dataset`). The choice is made by
`--metadata '{"data": "full"}'` or by the environment variable `BIAS_INHERIT_DATA`:
"mini" (the default), "full" (what `bias-inherit data prepare` wrote to its default
place) or the folder that it wrote to.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from bias_inherit import store
from bias_inherit.errors import InputError
from bias_inherit.tasks.documents import biographies, offers, survey, texts
from bias_inherit.tasks.documents import hiring as candidates
from bias_inherit.tasks.documents.document import Document, Row
from bias_inherit.tasks.documents.stories import repeat, story_test, story_train
from bias_inherit.tasks.forms.ask import ask_all, with_baselines
from bias_inherit.tasks.forms.form import chosen_form
from bias_inherit.tasks.metrics import AXES
from bias_inherit.tasks.metrics.groups import HELD_BY, PAY
from bias_inherit.tasks.reading.traits import lexicon_path

if TYPE_CHECKING:
    from datasets import Dataset


class Documents(NamedTuple):
    """How the mini parts of some documents are made, and the axis of their groups."""

    axis: str
    train: Callable[[], Sequence[Document]]
    test: Callable[[], Sequence[Document]]


DOCUMENTS: Mapping[str, Documents] = {
    "occupation": Documents("gender", biographies.occupation_train, biographies.occupation_test),
    "hiring": Documents("culture", candidates.hiring_train, candidates.hiring_test),
    "salary": Documents("gender", biographies.salary_train, biographies.salary_test),
    "story": Documents("culture", story_train, story_test),
    "race_hiring": Documents(
        "race",
        partial(candidates.hiring_train, axis="race"),
        partial(candidates.hiring_test, None, "race"),
    ),
    "race_salary": Documents("race", offers.offers_train, offers.offers_test),
    "race_story": Documents(
        "race", partial(story_train, axis="race"), partial(story_test, None, "race")
    ),
    "survey": Documents("country", survey.survey_train, survey.survey_test),
} | {
    task: Documents("culture", partial(texts.text_train, task), partial(texts.text_test, task))
    for task in texts.TEXT_TASKS
}

OWN = frozenset({"hiring", "story", "race_hiring", "race_salary", "race_story"})
"""Documents that are ours in the full setting too, where no names list was prepared."""


def load(
    documents: str,
    data: str | None = None,
    provenance: Row | None = None,
    stories: Any = 1,
    traits: str | None = None,
    form: Any = None,
    written: bool = False,
    **_: Any,
) -> dict[str, Dataset]:
    """Return the splits "train" (few-shot examples) and "test" of a task's documents.

    Args:
        documents: name of the documents, as in the task's `dataset_kwargs`.
        data: "mini", "full" or a folder; None asks the environment.
        provenance: filled with source, n and sha256; lm-eval writes it into its results.
        stories: how many stories a name (the story task).
        traits: a trait lexicon in place of ours (the story task).
        form: number of the form that is asked; None is the default (`tasks/forms/`).
        written: whether replies are read, and no likelihoods: then no baseline is asked.

    Raises:
        InputError: prepared data is asked for and not there, or a setting is wrong.
    """
    from datasets import Dataset

    number, asked = chosen_form(documents, form)
    folder = prepared_folder(data)
    if folder is None:
        train, test, source = _mini(documents)
    else:
        train, test, source = _prepared(folder, documents)
    train = ask_all(documents, train, number, asked, test=False)
    test = ask_all(documents, test, number, asked, test=True)
    if asked.without is not None and not written:
        test = list(with_baselines(test))
    if documents.endswith("story"):
        test = repeat(test, stories, traits)
        source |= {
            "stories": stories,
            "traits_sha256": store.sha256(lexicon_path(test[0]["traits"])),
        }
    if provenance is not None:
        provenance.update(source | {"n_test": len(test), "form": number})
    return {"train": Dataset.from_list(train), "test": Dataset.from_list(test)}


def _mini(documents: str) -> tuple[list[Row], list[Row], Row]:
    made = DOCUMENTS[documents]
    return _rows(made.train()), _rows(made.test()), {"source": "mini"}


def _rows(documents: Iterable[Document]) -> list[Row]:
    return [document.to_row() for document in documents]


def prepared_folder(data: str | None) -> Path | None:
    """Return the folder of prepared data that the setting names, or None for the mini data."""
    environment = os.environ.get("BIAS_INHERIT_DATA") or "mini"
    setting = data or environment
    if setting == "mini":
        return None
    if setting == "full":
        named = environment not in ("mini", "full")
        return Path(environment) if named else store.data_dir()
    return Path(setting)


def _prepared(folder: Path, documents: str) -> tuple[list[Row], list[Row], Row]:
    path = folder / documents / "test.jsonl"
    if not path.is_file() and documents in OWN:
        return _mini(documents)
    if not path.is_file():
        raise InputError(
            f"no prepared data for '{documents}' in {folder}: run `bias-inherit data prepare "
            "--bias-in-bios … --culturellm …` (see `bias-inherit data prepare --help`)"
        )
    made = DOCUMENTS[documents]
    test = _checked(path, AXES[made.axis])
    examples = folder / documents / "train.jsonl"
    # a set without a training part takes its few-shot examples from the mini data
    train = _checked(examples, AXES[made.axis]) if examples.is_file() else _rows(made.train())
    return train, test, {"source": "full", "sha256": store.sha256(path)}


def _check_job(where: str, row: Row) -> None:
    """Check what choices are counted by; raises InputError where a job has no type."""
    for column, known in (("held_by", HELD_BY), ("pay", PAY)):
        if row.get(column) not in known:
            raise InputError(
                f"{where}: the job '{row.get('job')}' needs '{column}': {' or '.join(known)} "
                "(names that were prepared before jobs had types: prepare them again)"
            )


def _checked(path: Path, groups: Sequence[str]) -> list[Row]:
    """Read prepared documents, which a user may have edited.

    Raises:
        InputError: a row is broken, empty, of an unknown group or label, or there twice.
    """
    rows: list[Row] = []
    lines: dict[str, str] = {}
    for where, row in store.iter_jsonl(path, columns=("id", "cluster")):
        identity = row["id"]
        if identity in lines:
            first = lines[identity].rpartition(":")[2]
            raise InputError(f"{where}: the document '{identity}' stands in line {first} already")
        lines[identity] = where

        for column in ("text", "question", "name", "job"):
            if column in row and not str(row[column]).strip():
                raise InputError(f"{where}: the document '{identity}' is empty ({column})")
        options, gold = row.get("options") or row.get("names"), row.get("gold")
        if options and gold not in range(len(options)):
            raise InputError(f"{where}: unknown label {gold!r} (0 to {len(options) - 1} are known)")
        group = row.get("group", groups[0])
        if group not in groups:
            raise InputError(f"{where}: unknown group '{group}' (known: {', '.join(groups)})")
        if "names" in row:
            _check_job(where, row)
        rows.append(row)

    if not rows:
        raise InputError(f"{path}: holds no documents")
    return rows
