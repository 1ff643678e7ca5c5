"""The audit: what is in an LLM-written data set, before anything is trained on it.

One subject a file: counts, cues, duplicates, texts (length, refusals), traits, distance;
`embed` makes the encoder (and is the only one that imports torch), `data` reads files.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from bias_inherit.bias_augment.audit.counts import Counts, count
from bias_inherit.bias_augment.audit.cues import Cues, count_cues
from bias_inherit.bias_augment.audit.data import Data, read_data
from bias_inherit.bias_augment.audit.distance import Distances, Encoder, measure_distances
from bias_inherit.bias_augment.audit.duplicates import Duplicates, find_duplicates
from bias_inherit.bias_augment.audit.estimates import NullTest, holm
from bias_inherit.bias_augment.audit.labels import align_labels, on_respelt
from bias_inherit.bias_augment.audit.languages import Languages, axis_language, count_languages
from bias_inherit.bias_augment.audit.remarks import on_language, on_unread, remark
from bias_inherit.bias_augment.audit.texts import Texts, describe_texts
from bias_inherit.bias_augment.audit.traits import TraitGap, Traits, count_group_traits
from bias_inherit.bias_augment.axes.axis import Axis
from bias_inherit.bias_augment.data.outcomes import count_outcomes
from bias_inherit.manifests import Augmented, Outcome

__all__ = ["Audit", "Data", "Encoder", "Source", "audit", "read_data"]


@dataclass(frozen=True)
class Source:
    """Where rows come from, and how many.

    `left_out` are those that a column map left out, by value; `unread` those that could not be
    used, by kind.
    """

    source: str
    rows: int
    left_out: Mapping[str, int]
    unread: Mapping[str, int]


@dataclass(frozen=True)
class Audit:
    """The whole audit; `tests` holds every p value, corrected for one another.

    `asked` and `failed` are what the generator's manifest says: replies, and those that could
    not be used, by kind; None and empty where there is none. `languages` are of D_a's texts.
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
    languages: Languages
    texts: list[Texts]
    outcomes: list[Outcome]
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
    announce: Callable[[str], None] = lambda stage: None,
) -> Audit:
    """Return the audit of D_a, against D_o where there is one.

    Args:
        axis: of the rows.
        augmented: D_a.
        original: D_o.
        encoder: of the distances, which need D_o too.
        seed: of the resampling.
        announce: told which stage begins.
    """
    rows, others, on_labels = align_labels(
        augmented.rows, original.rows if original is not None else None
    )

    announce("counting rows and cues")
    counts, tests = count(axis, rows, others, seed)
    cues = count_cues(axis, rows)

    announce("looking for duplicates")
    duplicates = find_duplicates(
        [row["text"] for row in rows], None if others is None else [row["text"] for row in others]
    )

    announce("measuring lengths and traits")
    languages = count_languages(axis, rows)
    texts = describe_texts(axis, rows, others, seed)
    traits, gaps = count_group_traits(axis, rows, seed)

    distances = None
    if others is not None and encoder is not None:
        announce(f"measuring distances with {encoder.name}")
        distances, more = measure_distances(axis, rows, others, encoder, seed)
        tests += more
    tests = holm(tests)

    written = augmented.manifest or Augmented()
    found = Audit(
        axis=axis.axis,
        groups=list(axis.groups),
        augmented=_source(augmented),
        original=_source(original) if original is not None else None,
        seed=seed,
        remarks=[],
        counts=counts,
        cues=cues,
        duplicates=duplicates,
        asked=written.asked,
        failed=dict(written.failed or {}),
        languages=languages,
        texts=texts,
        outcomes=list(count_outcomes(axis, rows)),
        traits=traits,
        trait_gaps=gaps,
        distances=distances,
        tests=tests,
    )
    remarks = remark(
        counts, cues, duplicates, texts, traits, distances, tests, written.asked, found.failed
    )
    seen = [
        *on_unread(augmented.unread),
        *on_labels,
        *on_respelt(augmented.respelt),
        *on_language(languages, axis_language(axis)),
        *remarks,
    ]
    return replace(found, remarks=seen)


def _source(data: Data) -> Source:
    return Source(data.source, len(data.rows), dict(data.left_out), dict(data.unread))
