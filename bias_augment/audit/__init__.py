"""The audit: what is in an LLM-written data set, before anything is trained on it.

One subject a file: counts, cues, duplicates, texts (length, refusals), traits, distance;
`embed` makes the encoder (and is the only one that imports torch), `data` reads files.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bias_inherit.bias_augment.audit.counts import Counts, count
from bias_inherit.bias_augment.audit.cues import Cues, count_cues
from bias_inherit.bias_augment.audit.data import Data, read_data
from bias_inherit.bias_augment.audit.distance import Distances, Encoder, measure_distances
from bias_inherit.bias_augment.audit.duplicates import Duplicates, find_duplicates
from bias_inherit.bias_augment.audit.estimates import NullTest, holm
from bias_inherit.bias_augment.audit.remarks import remark
from bias_inherit.bias_augment.audit.texts import Texts, describe_texts
from bias_inherit.bias_augment.audit.traits import TraitGap, Traits, count_group_traits
from bias_inherit.bias_augment.axes.axis import Axis

__all__ = ["Audit", "Data", "Encoder", "Source", "audit", "read_data"]


@dataclass(frozen=True)
class Source:
    """Where rows come from, how many, and how many a column map left out, by value."""

    source: str
    rows: int
    left_out: Mapping[str, int]


@dataclass(frozen=True)
class Audit:
    """The whole audit; `tests` holds every p value, corrected for one another.

    `asked` and `failed` are what the generator's manifest says: replies, and those that could
    not be used, by kind; None and empty where there is none.
    """

    axis: str
    groups: list[str]
    augmented: Source
    original: Source | None
    seed: int
    remarks: list[str]
    counts: Counts
    cues: list[Cues]
    duplicates: Duplicates
    asked: int | None
    failed: Mapping[str, int]
    texts: list[Texts]
    traits: list[Traits]
    trait_gaps: list[TraitGap]
    distances: Distances | None
    tests: list[NullTest]


def audit(
    axis: Axis,
    augmented: Data,
    original: Data | None = None,
    encoder: Encoder | None = None,
    seed: int = 0,
    announce: Callable[[str], Any] = lambda stage: None,
) -> Audit:
    """Return the audit of D_a, against D_o where there is one.

    Distances need both D_o and an encoder. `announce` is told which stage begins.
    """
    rows, others = augmented.rows, original.rows if original is not None else None
    announce("counting rows and cues")
    counts, tests = count(axis, rows, others, seed)
    cues = count_cues(axis, rows)
    announce("looking for duplicates")
    duplicates = find_duplicates(
        [row["text"] for row in rows], None if others is None else [row["text"] for row in others]
    )
    announce("measuring lengths and traits")
    texts = describe_texts(axis, rows, others, seed)
    traits, gaps = count_group_traits(axis, rows, seed)
    distances = None
    if others is not None and encoder is not None:
        announce(f"measuring distances with {encoder.name}")
        distances, more = measure_distances(axis, rows, others, encoder, seed)
        tests += more
    tests = holm(tests)
    manifest = augmented.manifest
    return Audit(
        axis.axis,
        list(axis.groups),
        _source(augmented),
        _source(original) if original is not None else None,
        seed,
        remark(counts, cues, duplicates, texts, traits, distances, tests, manifest),
        counts,
        cues,
        duplicates,
        manifest.get("asked"),
        dict(manifest.get("failed") or {}),
        texts,
        traits,
        gaps,
        distances,
        tests,
    )


def _source(data: Data) -> Source:
    return Source(data.source, len(data.rows), dict(data.left_out))
