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
from typing import TYPE_CHECKING, Any

from bias_inherit import store
from bias_inherit.bias_augment.data.card import card
from bias_inherit.bias_augment.data.examples import AUGMENTED, ORIGINAL, TRAIN, Example, data_file
from bias_inherit.bias_augment.data.mix import Counts, Size, mix_files, summarise
from bias_inherit.bias_augment.data.scan import Part, schema_of

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


def _is_folder(path: Path) -> bool:
    return path.is_dir() or path.suffix.lower() not in (".jsonl", ".json")


def write_examples(path: Path, rows: Sequence[Example], manifest: Mapping[str, Any]) -> None:
    """Write examples with a manifest (sha256, rows, counts by cell, features) and a card.

    `manifest` says what else is known: kind, axis, seed, sources [{name, licence, rows?}] ….

    Raises:
        InputError: `path` is a folder that bias-inherit did not write.
    """
    with _output(path) as place:
        store.write_jsonl(place.data, rows)
        found = {"sha256": store.sha256(place.data), "rows": len(rows), "cells": summarise(rows)}
        _describe(place, {**manifest, **found}, schema_of(rows))


def write_augmented(
    path: Path,
    result: Augmented,
    bias_type: str,
    *,
    original: Path | None = None,
    seed: int | None = None,
    sampling: Mapping[str, Any] | None = None,
    inputs: Mapping[str, Any] | None = None,
) -> None:
    """Write augmented examples, and apart from them the replies that could not be used.

    The manifest counts those by kind.

    `original` is the file or folder of D_o whose rows were the seeds: its sha256 and its
    sources are kept. Axis and generator are read off the rows. `inputs` is what decided
    the rows: see `is_current`.

    Raises:
        InputError: as `write_examples`.
    """
    rows = result.examples
    manifest: dict[str, Any] = {
        "kind": AUGMENTED,
        "axis": _common(rows, "axis"),
        "bias_type": bias_type,
        "generator": _common(rows, "generator"),
        "sampling": sampling,
        "seed": seed,
        "asked": result.asked,
        "failed": result.failed,
        "missing": result.missing,
        "inputs": inputs,
    }
    if original is not None:
        digest = store.sha256(data_file(original))
        manifest["original_sha256"] = digest
        manifest["sources"] = _manifest_of(original, digest).get("sources")
    known = {key: value for key, value in manifest.items() if value is not None}
    write_examples(path, rows, known)
    rejected = places(path).rejected
    if result.rejected:
        store.write_jsonl(rejected, result.rejected)
    else:
        rejected.unlink(missing_ok=True)


def is_current(path: Path, inputs: Mapping[str, Any]) -> bool:
    """Return whether an output stands there, whole, and was made from the same inputs."""
    place = places(path)
    if not place.manifest.is_file() or not place.data.is_file():
        return False
    manifest = store.read_json(place.manifest)
    same = manifest.get("inputs") == inputs
    return same and bool(manifest.get("sha256") == store.sha256(place.data))


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
    `round_` is the number of a run of rounds that the mix is of.

    Raises:
        InputError: as `mix.mix_files` and `write_examples`.
    """
    with _output(path) as place:
        mixed = mix_files(original, augmented, ratio, size, seed, place.data)
        given = {ORIGINAL: original, AUGMENTED: augmented}
        parts = {name: _known(given[name], part) for name, part in mixed.parts.items()}
        of_round = {} if round_ is None else {"round": round_}
        manifest = (
            _mix_manifest(mixed.counts, ratio, size, seed)
            | of_round
            | {
                "parts": parts,
                "sources": _union(parts.values()),
                "sha256": mixed.sha256,
                "rows": mixed.counts.original + mixed.counts.augmented,
                "cells": mixed.cells,
            }
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


def _describe(place: Places, manifest: Mapping[str, Any], schema: pa.Schema | None) -> None:
    """Write the card, and last the manifest."""
    content = {"schema": store.SCHEMA, **manifest}
    if schema is not None:
        content["features"] = _features(schema)
    store.write_text(place.card, card(content, place.data.name, place.manifest.name))
    store.write_json(place.manifest, content)


def _mix_manifest(counts: Counts, ratio: Fraction, size: Size, seed: int) -> dict[str, Any]:
    total = counts.original + counts.augmented
    return {
        "kind": "mix",
        "ratio": float(ratio),
        "ratio_exact": str(ratio),
        "size": size,
        "seed": seed,
        "counts": {"original": counts.original, "augmented": counts.augmented, "total": total},
    }


def _manifest_of(path: Path, sha256: str) -> Mapping[str, Any]:
    """Return the manifest of an input, empty where it does not describe that content."""
    manifest = store.read_manifest(path) or {}
    return manifest if manifest.get("sha256") == sha256 else {}


def _known(path: Path | None, part: Part) -> Mapping[str, Any]:
    """Return the manifest of a part, less the types of its columns; or what was seen of it."""
    manifest = {} if path is None else _manifest_of(path, part.sha256)
    known = {key: value for key, value in manifest.items() if key != "features"}
    return known or {"sha256": part.sha256, "rows": len(part.ids)}


def _union(parts: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the sources of all parts, each once; how many rows a mix took of each is not known."""
    named = [
        {key: source.get(key) for key in ("name", "licence")}
        for part in parts
        for source in part.get("sources") or []
    ]
    return [source for i, source in enumerate(named) if source not in named[:i]]


def _common(rows: Sequence[Example], column: str) -> str | None:
    """Return the values of a column, joined by +, or None where it has none."""
    return "+".join(sorted({str(row[column]) for row in rows if row.get(column)})) or None


def _features(schema: pa.Schema) -> dict[str, Any]:
    """Return the columns' types as `datasets.Features.to_dict` gives them.

    `datasets` infers them from the first megabytes of a file, where a column may still be empty.
    """
    import pyarrow as pa
    from datasets import Features

    known = pa.schema([(field.name, _concrete(field.type)) for field in schema])
    features: dict[str, Any] = Features.from_arrow_schema(known).to_dict()
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
