"""What a reader of an audit should look at first: plain sentences with their figures.

The thresholds are ours; docs/AUDIT.md lists them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from bias_inherit.bias_augment.audit.counts import Counts
from bias_inherit.bias_augment.audit.cues import Cues
from bias_inherit.bias_augment.audit.distance import MOST, Distances
from bias_inherit.bias_augment.audit.duplicates import Duplicates
from bias_inherit.bias_augment.audit.estimates import NullTest
from bias_inherit.bias_augment.audit.languages import SHORT, Languages
from bias_inherit.bias_augment.audit.texts import Texts
from bias_inherit.bias_augment.audit.traits import Traits
from bias_inherit.bias_augment.axes.bias_types import controls
from bias_inherit.language.guess import ENGLISH, OTHER
from bias_inherit.rows import UNKNOWN

FEW = 30
"""Fewer rows than this are few, in a group or a side."""
FAR = 0.2
"""A group's count is off the design by more than this share of the expected count."""
REFUSED = 0.01
UNUSABLE = 0.05
REPEATED = 0.05
SHOWN = 0.5
"""Less than this share of a bias type's texts shows a cue of its group."""
UNREAD = 0.5
SPOKEN = 0.9
"""Less than this share of a group's texts is in the language of what reads them."""
LEVEL = 0.05
NO_DATA = "no data"
_NAMED = 6
"""So many cells are named; of more, the number is."""
_FURTHEST = 3


def remark(
    counts: Counts,
    cues: Sequence[Cues],
    duplicates: Duplicates,
    texts: Sequence[Texts],
    traits: Sequence[Traits],
    distances: Distances | None,
    tests: Sequence[NullTest],
    asked: int | None,
    failed: Mapping[str, int],
) -> list[str]:
    """Return the remarks, in the order of the audit's sections.

    Args:
        counts, cues, duplicates, texts, traits, distances, tests: what the audit found.
        asked, failed: the generator's replies, and those that could not be used, by kind.
    """
    return [
        *_on_counts(counts, tests),
        *_on_cues(cues),
        *_on_duplicates(duplicates),
        *_on_texts(texts, asked, sum(failed.values())),
        *_on_traits(traits),
        *_on_distances(distances, tests),
    ]


def _on_counts(counts: Counts, tests: Sequence[NullTest]) -> Iterator[str]:
    empty = [
        f"{cell.label} / {cell.group}" if cell.label else cell.group
        for cell in counts.cells
        if not cell.n
    ]
    if empty:
        more = f" and {len(empty) - _NAMED} more" if len(empty) > _NAMED else ""
        yield (
            f"No data in {len(empty)} of {len(counts.cells)} cells: "
            f"{', '.join(empty[:_NAMED])}{more}."
        )

    if counts.outside:
        yield f"{counts.outside} rows are of a label and group that D_o does not have."
    few = [cell for cell in counts.groups if cell.n and cell.n < FEW]
    if few:
        named = ", ".join(f"{cell.group} {cell.n}" for cell in few)
        yield f"Few rows in a group (fewer than {FEW}): {named}."

    far = [
        f"{cell.group} {cell.n or NO_DATA} ({cell.expected:.1f})"
        for cell in counts.groups
        if cell.expected and abs((cell.n or 0) - cell.expected) > FAR * cell.expected
    ]
    if far:
        p = next((t.p_holm for t in tests if t.subject == "counts by group"), None)
        yield (
            f"Groups are more than {FAR:.0%} off the design ({counts.design}, in brackets): "
            f"{', '.join(far)}" + (f"; p = {p:.2g}, corrected." if p else ".")
        )

    p = next((t.p_holm for t in tests if t.subject == "counts by label and group"), None)
    if p is not None and p < LEVEL:
        designed = [(cell, cell.expected) for cell in counts.cells if cell.expected]
        designed.sort(key=lambda pair: -(((pair[0].n or 0) - pair[1]) ** 2) / pair[1])
        named = ", ".join(
            f"{cell.label} / {cell.group} {cell.n or NO_DATA} ({expected:.1f})"
            for cell, expected in designed[:_FURTHEST]
        )
        yield f"Labels and groups are off the design, furthest: {named}; p = {p:.2g}, corrected."


def _on_cues(cues: Sequence[Cues]) -> Iterator[str]:
    for bias_type in dict.fromkeys(c.bias_type for c in cues):
        if bias_type not in ("", UNKNOWN, *controls()):
            of = [c.own for c in cues if c.bias_type == bias_type]
            shown, n = sum(share.count for share in of), sum(share.n for share in of)
            if shown < SHOWN * n:
                yield (
                    f"Only {shown} of {n} texts of {bias_type} ({_percent(shown, n)}) show any "
                    "cue of their group."
                )


def _on_duplicates(found: Duplicates) -> Iterator[str]:
    if found.near > REPEATED * found.n:
        yield (
            f"{found.near} of {found.n} rows ({_percent(found.near, found.n)}) have a near copy in "
            f"D_a, {found.exact} an exact one."
        )
    if found.near_copied is not None and found.near_copied > REPEATED * found.n:
        yield (
            f"{found.near_copied} of {found.n} rows ({_percent(found.near_copied, found.n)}) have "
            f"a near copy in D_o, {found.copied} an exact one."
        )


def on_unread(unread: Mapping[str, int]) -> Iterator[str]:
    """Yield what rows were left out because they could not be used."""
    if unread:
        named = ", ".join(f"{n} with {kind}" for kind, n in sorted(unread.items()))
        yield f"Rows that could not be used were left out: {named}."


def on_language(languages: Languages, of_cues: str | None) -> Iterator[str]:
    """Yield a remark where the texts of a group are not in the language of what reads them.

    Args:
        languages: of the texts, by group.
        of_cues: the language of the axis's cue words; None if of several, or not known.
    """
    lists = "the trait lexicon and the phrases of refusal are"
    if of_cues == ENGLISH:
        lists = "the axis's cue words, the trait lexicon and the phrases of refusal are"
    elif of_cues is None:
        lists += " (the axis's cue words are of several languages, or of one that is not told)"
    yield from _foreign(languages, ENGLISH, lists)
    if of_cues not in (None, ENGLISH, OTHER):
        yield from _foreign(languages, str(of_cues), "the axis's cue words are")


def _foreign(languages: Languages, wanted: str, lists: str) -> Iterator[str]:
    """Yield a remark on the groups with too few texts in the wanted language."""
    foreign, others = [], Counter[str]()
    for group, found in languages.items():
        judged = sum(n for language, n in found.items() if language != SHORT)
        fitting = found.get(wanted, 0)
        if judged and fitting < SPOKEN * judged:
            foreign.append(f"{group} {fitting} of {judged}")
            others.update({k: n for k, n in found.items() if k not in (wanted, SHORT)})
    if foreign:
        rather = ", ".join(f"{n} {language}" for language, n in others.most_common(_FURTHEST))
        yield (
            f"Not all texts look {wanted} (by their commonest words or script: "
            f"{', '.join(foreign)}; rather: {rather}); {lists}, and tell nothing of the others."
        )


def _on_texts(texts: Sequence[Texts], asked: int | None, failed: int) -> Iterator[str]:
    refused = texts[0].refusals
    if refused.count > REFUSED * refused.n:
        share = _percent(refused.count, refused.n)
        yield f"{refused.count} of {refused.n} texts are refusals ({share})."

    if asked and failed > UNUSABLE * asked:
        yield (
            f"{failed} of the {asked} replies that the generator gave could not be used "
            f"({_percent(failed, asked)})."
        )

    few = {
        text.group or "all": text.original_words.n
        for text in texts[1:]
        if text.original_words is not None and text.original_words.n < FEW
    }
    if few:
        named = ", ".join(f"{group} {n}" for group, n in few.items())
        yield (
            f"Few rows of D_o in a group (fewer than {FEW}): {named}; what is compared with them "
            "is uncertain."
        )


def _on_traits(traits: Sequence[Traits]) -> Iterator[str]:
    first = [t for t in traits if t.dimension == traits[0].dimension]
    short = sum(t.too_short for t in first)
    n = short + sum(t.low.n for t in first)
    if short > UNREAD * n:
        yield (
            f"{short} of {n} texts ({_percent(short, n)}) are too short for the trait lexicon, or "
            "refusals: the trait shares are of the rest."
        )


def _on_distances(distances: Distances | None, tests: Sequence[NullTest]) -> Iterator[str]:
    if distances is None:
        return
    for scope in distances.scopes:
        ps = [t.p_holm for t in tests if t.subject == f"distance, {scope.scope}" and t.p_holm]
        if scope.scope != "all rows" and ps and min(ps) < LEVEL:
            yield (
                f"D_a and D_o are apart in the embedding ({scope.scope}: {scope.augmented_n} and "
                f"{scope.original_n} rows, coefficient {scope.coefficient:.3f} where "
                f"{scope.by_chance:.3f} is chance, p = {min(ps):.2g}, corrected)."
            )

    if distances.is_toy:
        yield (
            "The distances are those of the built-in toy model: choose a real encoder "
            "(--encoder) before acting on them."
        )
    if max(distances.augmented_rows, distances.original_rows) > MOST:
        yield f"The distances are of at most {MOST:,} rows a side, picked by hash."


def _percent(count: int, n: int) -> str:
    return f"{100 * count / n:.1f} %"
