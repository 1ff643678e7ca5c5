"""A synthetic set that was made elsewhere, as augmented data D_a of ours.

Who wrote it and what bias was asked for is what the user says, or unknown. Rows that cannot be
used are left out and counted by kind, as a generator's replies are.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bias_inherit import store
from bias_inherit.bias_augment.axes.axis import Axis
from bias_inherit.bias_augment.axes.bias_types import bias_types, controls
from bias_inherit.bias_augment.data.examples import data_file, read_examples
from bias_inherit.bias_augment.data.files import check_apart, write_examples
from bias_inherit.bias_augment.data.outcomes import count_outcomes
from bias_inherit.bias_augment.data.own_data import ColumnMap, Own, read_own
from bias_inherit.errors import InputError, unknown
from bias_inherit.manifests import Augmented, Imported, Source
from bias_inherit.rows import AUGMENTED, UNKNOWN, Example


@dataclass(frozen=True)
class Provenance:
    """What a user says of a set: who wrote it, what bias was asked for, under which licence."""

    generator: str = UNKNOWN
    bias_type: str = UNKNOWN
    licence: str = UNKNOWN

    def __post_init__(self) -> None:
        """Check the bias type.

        Raises:
            InputError: there is none of that name; near names are suggested.
        """
        known = (UNKNOWN, *bias_types(), *controls())
        if self.bias_type not in known:
            raise unknown("bias type", self.bias_type, known)
        if not self.generator.strip():
            raise InputError("the generator's name is empty: give one, or 'unknown'")


def import_augmented(
    axis: Axis,
    source: str,
    columns: ColumnMap,
    out: Path,
    said: Provenance,
    original: Path | None = None,
) -> tuple[str, ...]:
    """Write anybody's rows as D_a, with a manifest and a card; return what a user should be told.

    Args:
        axis: whose groups the rows are of.
        source: a file, a folder or a hub id.
        columns: which column holds what.
        out: the file, or the dataset folder.
        said: what is known of the set.
        original: file or folder of D_o: its labels are options too, and theirs the spelling.

    Raises:
        InputError: the source is broken or no row of it can be used, a name is wrong, D_o is
            broken, or `out` is the source or a folder that bias-inherit did not write.
    """
    check_apart(source, out)
    others = [] if original is None else read_examples(original)
    labels = sorted({str(row["label"]) for row in others if row["label"]})
    own = read_own(axis, source, columns, AUGMENTED, skips=True, labels=labels)
    rows: list[Example] = [
        {**row, "bias_type": said.bias_type, "generator": said.generator} for row in own.rows
    ]
    manifest = _manifest(axis, source, columns, own, said, original)
    manifest = manifest.model_copy(update={"outcomes": count_outcomes(axis, rows)})
    write_examples(out, rows, manifest)
    return (*own.notes, *_on_labels(own, columns), f"{len(rows)} augmented rows in {out}")


def _manifest(
    axis: Axis,
    source: str,
    columns: ColumnMap,
    own: Own,
    said: Provenance,
    original: Path | None,
) -> Augmented:
    path, rows = Path(source), len(own.rows)
    return Augmented(
        axis=axis.axis,
        bias_type=None if said.bias_type == UNKNOWN else said.bias_type,
        generator=None if said.generator == UNKNOWN else said.generator,
        original_sha256=None if original is None else store.sha256(data_file(original)),
        sources=(Source(name=source, licence=said.licence, rows=rows),),
        imported=Imported(
            source=source,
            sha256=store.sha256(path) if path.exists() else None,
            columns=columns.model_dump(exclude_defaults=True),
            rows=rows + sum(own.left_out.values()) + sum(own.unread.values()),
            left_out=dict(own.left_out),
            unread=dict(own.unread),
            respelt=dict(own.respelt),
        ),
    )


def _on_labels(own: Own, columns: ColumnMap) -> tuple[str, ...]:
    """Return what the labels of the rows do not allow."""
    labels = {row["label"] for row in own.rows}
    if len(labels) > 1:
        return ()
    found = "no labels" if not any(labels) else f"one label ('{min(labels)}')"
    asked = columns.has_prompts or any(row["prompt"] for row in own.rows)
    what = "" if asked else ", and the texts themselves are what is trained on"
    return (f"{found}: mixes are stratified by group alone{what}",)
