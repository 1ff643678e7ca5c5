"""Prepare the full public data: others' data sets become task documents in a folder.

`tasks/sources.py` reads them from there (`--metadata '{"data": "full"}'`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from bias_inherit import manifests, store
from bias_inherit.errors import InputError
from bias_inherit.manifests import Prepared
from bias_inherit.tasks.documents.document import Document
from bias_inherit.tasks.documents.hiring import hiring_test
from bias_inherit.tasks.documents.names import axis_of_names
from bias_inherit.tasks.documents.offers import offers_test
from bias_inherit.tasks.documents.stories import story_test
from bias_inherit.tasks.documents.survey import country_counts
from bias_inherit.tasks.public.bias_in_bios import PER_CELL, read_biographies, salary_pairs
from bias_inherit.tasks.public.culturellm import PublicText, data_folder, read_culture
from bias_inherit.tasks.public.global_opinions import read_survey
from bias_inherit.tasks.public.respondents import read_respondents


def prepare_all(
    out: Path,
    bias_in_bios: str | None = None,
    culturellm: Path | None = None,
    global_opinions: str | None = None,
    names: Path | None = None,
) -> Iterator[str]:
    """Prepare what is given, and yield what there is to tell, a line each.

    Args:
        out: folder of the documents.
        bias_in_bios: a file, or the hub id.
        culturellm: a checkout of the repository.
        global_opinions: a file, or the hub id.
        names: a user's own names.

    Raises:
        InputError: nothing is given, or as the function of each source.
    """
    if not any((bias_in_bios, culturellm, global_opinions, names)):
        raise InputError(
            "nothing to prepare: give --bias-in-bios, --culturellm, --global-opinions or --names"
        )

    if bias_in_bios is not None:
        counts, remarks = prepare_biographies(bias_in_bios, out)
        yield from (*_told(counts), *remarks)

    if culturellm is not None:
        counts, absent, few = prepare_culture(culturellm, out)
        yield from _told(counts)
        yield from (f"not in the checkout, left out: {path}" for path in absent)
        yield from few

    if global_opinions is not None:
        yield from _told(prepare_survey(global_opinions, out))
    if names is not None:
        yield from _told(prepare_names(names, out))


def _told(counts: Mapping[str, int]) -> Iterator[str]:
    for name, n in counts.items():
        yield f"{name}: {n} documents"


def prepare_biographies(
    source: str, out: Path, per_cell: int = PER_CELL
) -> tuple[dict[str, int], list[str]]:
    """Write the occupation and salary documents; return the rows of each part, and remarks.

    The salary task takes up to ten test biographies an occupation, each told of both genders.

    Raises:
        InputError: as `bias_in_bios.read_biographies`.
    """
    train, test, remarks = read_biographies(source, per_cell)
    pairs = salary_pairs(test)
    parts: Parts = {"occupation": {"train": train, "test": test}, "salary": {"test": pairs}}
    _write(out, parts, Prepared(source=source, sha256=_source_hash(source)))
    counts = {"occupation train": len(train), "occupation test": len(test), "salary": len(pairs)}
    return counts, remarks


def prepare_culture(checkout: Path, out: Path) -> tuple[dict[str, int], list[str], list[str]]:
    """Write the text tasks' documents; return the rows of each, the absent sets, and remarks.

    Where the checkout has the survey (`WVQ.jsonl`), respondents' answers are written beside
    them: the culture axis draws its D_o there.

    Raises:
        InputError: as `culturellm.read_culture`.
    """
    tasks, absent, few = read_culture(checkout)
    parts: dict[str, Splits] = {task: {"test": texts} for task, texts in tasks.items()}
    counts = {task: len(texts) for task, texts in tasks.items()}

    data = data_folder(checkout)
    if (data / "WVQ.jsonl").is_file():
        answers = read_respondents(data)
        parts["opinion"] = {"answers": answers}
        counts["survey answers by question and country"] = len(answers)

    _write(out, parts, Prepared(source=str(checkout), absent=tuple(absent)))
    return counts, absent, few


def prepare_survey(source: str, out: Path) -> dict[str, int]:
    """Write the values probe's documents from GlobalOpinionQA; return their number.

    Raises:
        InputError: the source is absent or broken.
    """
    documents = read_survey(source)
    parts = {"survey": {"test": documents}}
    _write(out, parts, Prepared(source=source, sha256=_source_hash(source)))
    return {"survey": len(documents), "countries": len(country_counts(documents))}


def prepare_names(path: Path, out: Path) -> dict[str, int]:
    """Write the documents for a user's own names; return their numbers.

    Names by culture are those of the hiring and story tasks, names by race of the three race tasks.

    Raises:
        InputError: the file is no names list, or a group is missing.
    """
    axis = axis_of_names(path)
    if axis == "race":
        documents: dict[str, Sequence[Document]] = {
            "race_hiring": hiring_test(path, axis),
            "race_salary": offers_test(path, axis),
            "race_story": story_test(path, axis),
        }
    else:
        documents = {"hiring": hiring_test(path), "story": story_test(path)}
    parts: Parts = {task: {"test": test} for task, test in documents.items()}
    _write(out, parts, Prepared(source=str(path), sha256=store.sha256(path)))
    return {task: len(test) for task, test in documents.items()}


Splits = Mapping[str, Sequence[Document | PublicText]]
"""split -> documents."""
Parts = Mapping[str, Splits]
"""task -> its splits."""


def _write(out: Path, parts: Parts, about: Prepared) -> None:
    for task in parts:
        store.check_place(out / task)

    for task, splits in parts.items():
        with store.whole_folder(out / task) as folder:
            for split, documents in splits.items():
                rows = (document.to_row() for document in documents)
                store.write_jsonl(folder / f"{split}.jsonl", rows)
            counted = {split: len(documents) for split, documents in splits.items()}
            manifest = about.model_copy(update={"rows": counted})
            manifests.write(folder / store.MANIFEST, manifest)


def _source_hash(source: str) -> str | None:
    return store.sha256(Path(source)) if Path(source).exists() else None
