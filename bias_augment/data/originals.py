"""The original data D_o of an axis: real (prepared), one's own, or mini documents, balanced."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from random import Random

from bias_inherit import store
from bias_inherit.bias_augment.axes.axis import Axis
from bias_inherit.bias_augment.data.examples import doc_example, to_example
from bias_inherit.bias_augment.data.own_data import ColumnMap, read_own
from bias_inherit.errors import InputError
from bias_inherit.manifests import Original, Source
from bias_inherit.rows import Example
from bias_inherit.store import read_typed
from bias_inherit.tasks.documents import biographies
from bias_inherit.tasks.metrics import AXES, OCCUPATIONS
from bias_inherit.tasks.public.respondents import Answers
from bias_inherit.tasks.sources import prepared_folder

MINI = Source(name="bias-inherit mini data", licence="apache-2.0")
BIASINBIOS = Source(name="BiasinBios (hub LabHC/bias_in_bios)", licence="mit")
CULTURELLM = Source(name="CultureLLM (github Scarelette/CultureLLM)", licence="none given")
UNKNOWN_LICENCE = "unknown"


@dataclass(frozen=True)
class Drawn:
    """D_o: its rows, where they are from (name, licence), and what a reader should know."""

    rows: list[Example]
    source: Source
    notes: tuple[str, ...] = ()

    def manifest(self, axis: str, seed: int) -> Original:
        """Return the manifest of the rows, for `files.write_examples`."""
        source = self.source.model_copy(update={"rows": len(self.rows)})
        return Original(axis=axis, seed=seed, sources=(source,))


def draw_original(
    axis: Axis,
    data: str | None = None,
    per_cell: int | None = None,
    seed: int = 0,
    balanced: bool = True,
) -> Drawn:
    """Return D_o from the mini or the prepared data, with as many rows of each group.

    A cell is a label and a group (biographies), or a question and a group (opinions). The mini
    data fills every cell; a prepared set is drawn by hash, so the same rows whatever their
    order, and where a cell is short its label is cut to the smallest group's number.

    Args:
        axis: whose data are drawn.
        data: "mini", "full" or a prepared folder; None asks the environment.
        per_cell: rows per cell; None is the axis's own number.
        seed: of the draw.
        balanced: False takes of each cell what there is, up to `per_cell` (biographies).

    Raises:
        InputError: no prepared data is there, a cell of balanced data has none, or the axis
            has no such data.
    """
    size = axis.per_cell if per_cell is None else per_cell
    if size < 1:
        raise InputError(f"per-cell must be at least 1, not {size}")

    folder = prepared_folder(data)
    if axis.form == "opinion":
        return (
            _mini_opinions(axis, size, seed)
            if folder is None
            else _answers(axis, folder, size, seed)
        )
    if set(axis.groups) != set(AXES["gender"]):
        raise InputError(
            f"there are no biographies for the axis '{axis.axis}': bring your own with --source "
            "and --columns"
        )
    if folder is None:
        docs = biographies.occupation_train(size, seed)
        return Drawn([doc_example(axis, doc) for doc in docs], MINI)

    path = folder / "occupation" / "train.jsonl"
    if not path.is_file():
        raise _unprepared(path, "--bias-in-bios")
    rows = [doc_example(axis, doc) for doc in read_typed(path, biographies.OccupationDocument)]
    cells = _cells(axis, rows, OCCUPATIONS)
    return _drawn(cells, size, seed, str(path), BIASINBIOS, balanced)


def draw_own(
    axis: Axis,
    source: str,
    columns: ColumnMap,
    per_cell: int | None = None,
    seed: int = 0,
    balanced: bool = True,
    licence: str = UNKNOWN_LICENCE,
) -> Drawn:
    """Return D_o from anybody's rows.

    Args:
        axis: whose groups the rows are of.
        source: a file, a folder or a hub id.
        columns: which column holds what.
        per_cell: rows per label and group; None is as many as the smallest group of a label has.
        seed: of the draw.
        balanced: as for `draw_original`.
        licence: of the source.

    Raises:
        InputError: the source is absent or broken, rows have no label, or a label of balanced
            data lacks one of the groups.
    """
    if columns.label is None and not columns.has_prompts:
        raise InputError("original data needs labels: name their column (label=…)")
    own = read_own(axis, source, columns)
    labels = sorted({row["label"] for row in own.rows})
    if labels == [""]:
        raise InputError(
            "original data needs labels: completions of more words than an answer are none, so "
            "name their column (label=…)"
        )
    given = Source(name=source, licence=licence)
    cells = _cells(axis, own.rows, labels)
    drawn = _drawn(cells, per_cell or len(own.rows), seed, source, given, balanced)
    return Drawn(drawn.rows, given, (*own.notes, *drawn.notes))


Cells = Mapping[str, Mapping[str, list[Example]]]
"""label -> group -> rows; every label and group is there, with or without rows."""


def _cells(axis: Axis, rows: Iterable[Example], labels: Sequence[str]) -> Cells:
    cells: dict[str, dict[str, list[Example]]] = {
        label: {group: [] for group in axis.groups} for label in labels
    }
    for row in rows:
        cells[row["label"]][row["group"][axis.axis]].append(row)
    return cells


def _drawn(
    cells: Cells,
    per_cell: int,
    seed: int,
    where: str,
    source: Source,
    balanced: bool,
) -> Drawn:
    drawn: list[Example] = []
    notes = []
    for label, groups in cells.items():
        few = min(groups, key=lambda group: len(groups[group]))
        if balanced and not groups[few]:
            raise InputError(
                f"{where}: the label '{label}' is missing for the group '{few}', so the data "
                "cannot be balanced (--unbalanced takes the rows as they are)"
            )

        size = min(per_cell, len(groups[few])) if balanced else per_cell
        kept = {
            group: sorted(rows, key=lambda e: (store.stable_rank(seed, e["id"]), e["id"]))[:size]
            for group, rows in groups.items()
        }
        drawn += [row for rows in kept.values() for row in rows]
        if any(len(kept[group]) < len(groups[group]) < per_cell for group in groups):
            notes.append(f"{label} {size}")
    few_rows = f"cut to the rows of the smallest group: {', '.join(notes)}"
    return Drawn(drawn, source, (few_rows,) if notes else ())


# --- opinions --------------------------------------------------------------------------------


def _mini_opinions(axis: Axis, per_cell: int, seed: int) -> Drawn:
    """Answers to the axis's questions: the same counts of each option in every group."""
    rows = []
    for q, entry in enumerate(axis.questions):
        counts = apportion(entry.shares, per_cell)
        for group, about in axis.groups.items():
            for i, option in enumerate(_options(counts)):
                identity = f"mini-{seed}-{axis.axis}-q{q:02d}-{group}-{i:04d}"
                name = Random(identity).choice(about.names)
                text = f"{name}, a {about.word}, takes part in a survey."
                label = entry.options[option]
                rows.append(
                    to_example(axis, identity, group, text, label, entry.options, entry.question)
                )
    return Drawn(rows, MINI)


def _options(counts: Sequence[int]) -> Iterator[int]:
    for option, n in enumerate(counts):
        yield from [option] * n


def apportion(shares: Sequence[float], total: int) -> list[int]:
    """Return whole numbers that sum to `total`, nearest to the shares (largest remainders)."""
    whole = sum(Fraction(share) for share in shares)
    exact = [Fraction(share) / whole * total for share in shares]
    counts = [int(value) for value in exact]
    by_remainder = sorted(range(len(exact)), key=lambda i: (counts[i] - exact[i], i))
    for i in by_remainder[: total - sum(counts)]:
        counts[i] += 1
    return counts


def _answers(axis: Axis, folder: Path, per_cell: int, seed: int) -> Drawn:
    """Respondents' answers: `per_cell` of each question and group, drawn without return."""
    path = folder / "opinion" / "answers.jsonl"
    if not path.is_file():
        raise _unprepared(path, "--culturellm")
    by_question: defaultdict[str, dict[str, list[Answers]]] = defaultdict(dict)
    for answers in read_typed(path, Answers):
        if answers.axis == axis.axis:
            by_question[answers.question].setdefault(answers.group, []).append(answers)
    if not by_question:
        raise InputError(
            f"{path}: has no answers for the axis '{axis.axis}': bring your own with --source and "
            "--columns"
        )

    asked = {q: groups for q, groups in by_question.items() if set(groups) == set(axis.groups)}
    if not asked:
        raise InputError(f"{path}: no question was asked in every group of '{axis.axis}'")

    rows: list[Example] = []
    for groups in asked.values():
        pools = {group: list(_respondents(groups[group], seed)) for group in axis.groups}
        size = min(per_cell, *map(len, pools.values()))
        for group in axis.groups:
            drawn = sorted(pools[group], key=lambda answer: answer[:2])[:size]
            rows += [_opinion(axis, group, answer) for answer in drawn]
    few = len(by_question) - len(asked)
    notes = (f"{few} questions were not asked in every group, and are left out",) if few else ()
    return Drawn(rows, CULTURELLM, notes)


Answered = tuple[int, str, Answers, int]
"""A single answer: its rank in the draw, its id, whose it is among, and the option."""


def _respondents(answers: Iterable[Answers], seed: int) -> Iterator[Answered]:
    for of in answers:
        for i, option in enumerate(_options(of.counts)):
            identity = f"{of.id}-{i:05d}"
            yield store.stable_rank(seed, identity), identity, of, option


def _opinion(axis: Axis, group: str, answer: Answered) -> Example:
    _, identity, answers, option = answer
    text = f"A person from {answers.country} takes part in a survey."
    options = answers.options
    return to_example(axis, identity, group, text, options[option], options, answers.question)


def _unprepared(path: Path, option: str) -> InputError:
    return InputError(
        f"no prepared data in {path.parent}: run `bias-inherit data prepare {option} …`"
    )
