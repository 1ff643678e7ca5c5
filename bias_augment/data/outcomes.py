"""What came out: how many rows refuse, show their group, follow its stereotype.

The share that follows the stereotype is the dose that a model trained on the rows gets.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

from bias_inherit.bias_augment.axes.axis import Axis
from bias_inherit.bias_augment.data.shares import wilson
from bias_inherit.language.notes import cut_notes
from bias_inherit.language.refusals import opens_with_refusal
from bias_inherit.language.terms import Terms
from bias_inherit.manifests import Outcome
from bias_inherit.rows import Example
from bias_inherit.tasks.metrics.story import DIMENSIONS
from bias_inherit.tasks.reading.traits import count_traits, load_lexicon


def count_outcomes(
    axis: Axis,
    rows: Sequence[Example],
    noted: Mapping[tuple[str, str], int] | None = None,
    refused: Mapping[tuple[str, str], int] | None = None,
) -> tuple[Outcome, ...]:
    """Return what came out by bias type ("" where rows have none) and group.

    Args:
        axis: whose groups, cues and stereotypes count.
        rows: of D_a.
        noted: by bias type and group, the rows that a note was cut off from when they were read;
            None looks for notes in the texts.
        refused: likewise replies that refused and are no rows; None looks for refusals among
            the texts.
    """
    by_cell: defaultdict[tuple[str, str], list[Example]] = defaultdict(list)
    for row in rows:
        by_cell[str(row.get("bias_type") or ""), row["group"][axis.axis]].append(row)

    types = list(dict.fromkeys(bias_type for bias_type, _ in [*by_cell, *(refused or {})]))
    cells = [(bias_type, group) for bias_type in types for group in axis.groups]
    return tuple(
        _outcome(
            axis,
            *cell,
            by_cell[cell],
            None if noted is None else noted.get(cell, 0),
            None if refused is None else refused.get(cell, 0),
        )
        for cell in cells
    )


def _outcome(
    axis: Axis,
    bias_type: str,
    group: str,
    rows: Sequence[Example],
    noted: int | None,
    refused: int | None,
) -> Outcome:
    refusing = [opens_with_refusal(row["text"]) for row in rows]
    told = [row for row, refuses in zip(rows, refusing, strict=True) if not refuses]
    replies = len(rows) + (refused or 0)
    no = sum(refusing) + (refused or 0)
    notes = sum(cut_notes(row["text"])[1] for row in told) if noted is None else noted

    labelled = [row for row in told if row.get("label")]
    follows = [
        axis.follows_stereotype(group, row["label"], row.get("options") or ()) for row in labelled
    ]
    known = [one for one in follows if one is not None]
    traits = [one for row in told if (one := follows_traits(axis, group, row["text"])) is not None]
    return Outcome(
        bias_type=bias_type,
        group=group,
        usable=wilson(replies - no, replies),
        refused=wilson(no, replies),
        noted=wilson(notes, len(told)),
        label_named=wilson(
            sum(names_label(row["text"], row["label"]) for row in labelled), len(labelled)
        ),
        cue=wilson(sum(bool(axis.find_cues(row["text"], (group,))) for row in told), len(told)),
        follows_label=wilson(sum(known), len(known)),
        follows_trait=wilson(sum(traits), len(traits)),
    )


def names_label(text: str, label: str) -> bool:
    """Return whether a text names a label, of one or of several."""
    return next(_words(label).find(text), None) is not None


@lru_cache
def _words(label: str) -> Terms:
    return Terms(frozenset((label, f"{label}s")))


def follows_traits(axis: Axis, group: str, text: str) -> bool | None:
    """Return whether a text's traits are those of the group's stereotype; None where none show.

    It does where more hits of the stereotype's dimensions are at its ends than at the others.

    Args:
        axis: whose `traits` are asked.
        group: of the person.
        text: that is told of them.
    """
    wanted = axis.traits.get(group)
    counts = count_traits(text, load_lexicon()) if wanted else None
    if not wanted or counts is None:
        return None

    same = other = 0
    for dimension, end in wanted.items():
        low = 2 * DIMENSIONS.index(dimension)
        hits = counts[low], counts[low + 1]
        same += hits[end == "high"]
        other += hits[end != "high"]
    return same > other if same + other else None


def by_cell(cells: Iterable[tuple[str, str]]) -> Mapping[tuple[str, str], int]:
    """Return how often each (bias type, group) occurs."""
    found: defaultdict[tuple[str, str], int] = defaultdict(int)
    for cell in cells:
        found[cell] += 1
    return dict(found)
