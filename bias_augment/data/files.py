"""Original data, augmented data and mixes on disk, each with its manifest and its data card.

An output is a file or a dataset folder in the hub's layout, by its name:

x.jsonl   beside it x.manifest.json and x.README.md (the card)
x         x/train.jsonl, x/bias_inherit.json (the manifest), x/README.md (the card)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from bias_inherit import manifests, store
from bias_inherit.bias_augment.axes.axis import Axis
from bias_inherit.bias_augment.data.card import card
from bias_inherit.bias_augment.data.examples import TRAIN, data_file
from bias_inherit.bias_augment.data.mix import Counts, Size, mix_files, summarise
from bias_inherit.bias_augment.data.outcomes import by_cell, count_outcomes
from bias_inherit.bias_augment.data.scan import Part, schema_of
from bias_inherit.errors import InputError
from bias_inherit.manifests import Augmented as AugmentedData
from bias_inherit.manifests import Data, Mix, MixCounts, Original, Outcome, Parts, Source
from bias_inherit.rows import AUGMENTED, ORIGINAL, Example

if TYPE_CHECKING:
    import pyarrow as pa

    from bias_inherit.bias_augment.writing.augment import Augmented


@dataclass(frozen=True)
class Places:
    """Where the parts of an output stand."""

    data: Path
    manifest: Path
    card: Path
    rejected: Path
    """Replies that could not be used; there only where there are some."""


def places(path: Path) -> Places:
    """Return where data, manifest and card of an output stand: see the module's text."""
    if _is_folder(path):
        return Places(
            path / TRAIN, path / store.MANIFEST, path / "README.md", path / "rejected.jsonl"
        )
    return Places(
        path,
        store.manifest_path(path),
        path.with_suffix(".README.md"),
        path.with_suffix(".rejected.jsonl"),
    )


def check_apart(source: str, out: Path) -> None:
    """Check that an output would not take the place of what it is made from.

    Raises:
        InputError: it would.
    """
    taken = {part.resolve() for part in (out, places(out).data)}
    if Path(source).exists() and Path(source).resolve() in taken:
        raise InputError(f"{out}: is what is read; choose another path for --out")


def _is_folder(path: Path) -> bool:
    return path.is_dir() or path.suffix.lower() not in (".jsonl", ".json")


def write_examples(path: Path, rows: Sequence[Example], manifest: Original | AugmentedData) -> None:
    """Write examples with a manifest and a card.

    Sha256, rows, counts by cell and features are filled in; `manifest` says what else is known.

    Raises:
        InputError: `path` is a folder that bias-inherit did not write.
    """
    with _output(path) as place:
        store.write_jsonl(place.data, rows)
        found = {"sha256": store.sha256(place.data), "rows": len(rows), "cells": summarise(rows)}
        _describe(place, manifest.model_copy(update=found), schema_of(rows))


def write_augmented(
    path: Path,
    result: Augmented,
    bias_type: str,
    *,
    axis: Axis | None = None,
    original: Path | None = None,
    seed: int | None = None,
    labels: str | dict[str, dict[str, float]] | None = None,
    sampling: Mapping[str, object] | None = None,
    inputs: Mapping[str, object] | None = None,
) -> None:
    """Write augmented examples, and apart from them the replies that could not be used.

    The manifest counts those by kind. The generator is read off the rows.

    Args:
        path: the file, or the dataset folder.
        result: what the generator gave.
        bias_type: what it was asked for.
        axis: of the rows: what came out is counted by its groups; None counts nothing.
        original: file or folder of D_o whose rows were written from: its sha256 and sources are
            kept.
        seed: of the draws.
        labels: who decided the labels, as manifests hold it.
        sampling: the generator's settings.
        inputs: what decided the rows: see `is_current`.

    Raises:
        InputError: as `write_examples`.
    """
    rows = result.examples
    digest = source = None
    if original is not None:
        digest, source = store.sha256(data_file(original)), manifests.read_data(original)

    manifest = AugmentedData(
        axis=_joined(row.get("axis") for row in rows),
        bias_type=bias_type,
        labels=labels,
        ways=dict(result.ways) or None,
        places=result.places or None,
        outcomes=() if axis is None else outcomes_of(axis, result),
        generator=_joined(row.get("generator") for row in rows),
        sampling=None if sampling is None else dict(sampling),
        seed=seed,
        asked=result.asked,
        failed=result.failed,
        missing=result.missing,
        inputs=None if inputs is None else dict(inputs),
        original_sha256=digest,
        sources=source.sources if source is not None and source.sha256 == digest else (),
    )
    write_examples(path, rows, manifest)

    rejected = places(path).rejected
    if result.rejected:
        store.write_jsonl(rejected, result.rejected)
    else:
        rejected.unlink(missing_ok=True)


def outcomes_of(axis: Axis, result: Augmented) -> tuple[Outcome, ...]:
    """Return what came out of a generator, by bias type and group."""
    noted = [row for row in result.examples if row["id"] in result.noted]
    refusals = [reply for reply in result.rejected if reply["kind"] == "refusal"]
    return count_outcomes(
        axis,
        result.examples,
        by_cell((row["bias_type"], row["group"][axis.axis]) for row in noted),
        by_cell((reply["bias_type"], reply["group"]) for reply in refusals),
    )


def is_current(path: Path, inputs: Mapping[str, object]) -> bool:
    """Return whether an output stands there, whole, and was made from the same inputs."""
    place = places(path)
    if not place.manifest.is_file() or not place.data.is_file():
        return False
    manifest = manifests.read(path, AugmentedData)
    if manifest is None or manifest.inputs != dict(inputs):
        return False
    return manifest.sha256 == store.sha256(place.data)


def write_mix(
    path: Path,
    original: Path,
    augmented: Path | None,
    ratio: Fraction,
    size: Size,
    seed: int,
    round_: int | None = None,
) -> Counts:
    """Mix files or dataset folders into another (see `mix.mix_files`); return its counts.

    The manifest holds those of the parts, where they describe the files that were read.

    Args:
        path: the file, or the dataset folder.
        original: file or folder of D_o.
        augmented: file or folder of D_a; not needed for a ratio of 0.
        ratio: the bias ratio.
        size: the size rule.
        seed: of the draw.
        round_: the number within a run of rounds that the mix is of.

    Raises:
        InputError: as `mix.mix_files` and `write_examples`.
    """
    # before anything is written: a manifest that cannot be read stops the mix
    beside: dict[str, Data | None] = {ORIGINAL: manifests.read_data(original)}
    if augmented is not None:
        beside[AUGMENTED] = manifests.read_data(augmented)

    with _output(path) as place:
        mixed = mix_files(original, augmented, ratio, size, seed, place.data)
        known = {origin: _known(beside[origin], part) for origin, part in mixed.parts.items()}
        counts = mixed.counts
        total = counts.original + counts.augmented

        manifest = Mix(
            ratio=ratio,
            ratio_exact=str(ratio),
            size=size,
            seed=seed,
            counts=MixCounts(original=counts.original, augmented=counts.augmented, total=total),
            round=round_,
            parts=Parts.model_validate(known),
            sources=_union(known.values()),
            sha256=mixed.sha256,
            rows=total,
            cells=mixed.cells,
        )
        _describe(place, manifest, mixed.schema)
    return mixed.counts


@contextmanager
def _output(path: Path) -> Iterator[Places]:
    """Yield the places to write to; a folder appears whole, a file's parts one by one."""
    if not _is_folder(path):
        yield places(path)
        return
    with store.whole_folder(path, ORIGINAL, AUGMENTED, "mix") as folder:
        yield places(folder)


def _describe(place: Places, manifest: Data, schema: pa.Schema | None) -> None:
    """Write the card, and last the manifest."""
    if schema is not None:
        manifest = manifest.model_copy(update={"features": _features(schema)})
    store.write_text(place.card, card(manifest, place.data.name, place.manifest.name))
    manifests.write(place.manifest, manifest)


def _known(beside: Data | None, part: Part) -> Data:
    """Return the manifest of a part, less the types of its columns; or what was seen of it.

    Args:
        beside: the manifest that stands beside the part's file; another content's is not its own.
        part: the rows.
    """
    kind = Original if part.origin == ORIGINAL else AugmentedData
    if isinstance(beside, kind) and beside.sha256 == part.sha256:
        return beside.model_copy(update={"features": None})
    return kind(sha256=part.sha256, rows=len(part.ids))


def _union(parts: Iterable[Data]) -> tuple[Source, ...]:
    """Return the sources of all parts, each once; how many rows a mix took of each is not known."""
    named = [
        Source(name=source.name, licence=source.licence)
        for part in parts
        for source in part.sources
    ]
    return tuple(dict.fromkeys(named))


def _joined(values: Iterable[str | None]) -> str | None:
    """Return the values that there are, joined by +, or None where there are none."""
    return "+".join(sorted({value for value in values if value})) or None


def _features(schema: pa.Schema) -> dict[str, object]:
    """Return the columns' types as `datasets.Features.to_dict` gives them.

    `datasets` infers them from the first megabytes of a file, where a column may still be empty.
    """
    import pyarrow as pa
    from datasets import Features

    known = pa.schema([(field.name, _concrete(field.type)) for field in schema])
    features: dict[str, object] = Features.from_arrow_schema(known).to_dict()
    return features


def _concrete(kind: pa.DataType) -> pa.DataType:
    """Return the type with text where only nulls and empty lists were seen."""
    import pyarrow as pa

    if pa.types.is_null(kind):
        return pa.string()
    if pa.types.is_list(kind):
        return pa.list_(_concrete(kind.value_type))
    if pa.types.is_struct(kind):
        return pa.struct([(field.name, _concrete(field.type)) for field in kind.fields])
    return kind
