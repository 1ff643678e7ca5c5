"""Mix original and augmented examples at an exact bias ratio.

The bias ratio is gamma = |D_a| / |D|. With `original-fixed` (the paper) all of D_o stays
and |D_a| = gamma / (1 - gamma) * |D_o|; with `total-fixed` (a control) |D| = |D_o| stays
and augmented rows take the place of original ones. Counts come from rational arithmetic,
rounded half to even where they are not whole.

Rows are taken from one fixed order of each part: strata (label and groups) interleaved,
hashed within a stratum. So for one seed a mix of a larger ratio holds every augmented row
of a smaller one (10 % is part of 20 %), every prefix is as stratified as whole rows allow,
and neither the order of the rows nor the platform matters.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, get_args

from bias_inherit.bias_augment.examples import AUGMENTED, ORIGINAL, Example, stratum
from bias_inherit.errors import InputError
from bias_inherit.store import stable_rank

Size = Literal["original-fixed", "total-fixed"]
SIZES: tuple[str, ...] = get_args(Size)


@dataclass(frozen=True)
class Counts:
    """How many rows of each origin a mix holds."""

    original: int
    augmented: int

    @property
    def ratio(self) -> float:
        """The bias ratio that whole rows give."""
        return self.augmented / (self.original + self.augmented)


def parse_ratio(text: str) -> Fraction:
    """Return the bias ratio as a fraction; "0.2", "20%" and "1/5" are the same.

    Raises:
        InputError: it is no number, or outside [0, 1).
    """
    stripped = text.strip()
    try:
        percent = stripped.endswith("%")
        ratio = Fraction(stripped.removesuffix("%")) / (100 if percent else 1)
    except (ValueError, ZeroDivisionError):
        raise InputError(f"bias ratio '{text}' is no number: use 0.2, 20% or 1/5") from None
    if not 0 <= ratio < 1:
        raise InputError(
            f"bias ratio {text} is outside [0, 1): it is the augmented share of the mix"
        )
    return ratio


def mix_counts(original: int, ratio: Fraction, size: Size) -> Counts:
    """Return the row counts of a mix from `original` rows of D_o (see the module's text)."""
    if size == "original-fixed":
        return Counts(original, round(ratio / (1 - ratio) * original))
    augmented = round(ratio * original)
    return Counts(original - augmented, augmented)


def mix(
    original: Sequence[Example],
    augmented: Sequence[Example],
    ratio: Fraction,
    size: Size = "original-fixed",
    seed: int = 0,
) -> list[Example]:
    """Return the mixed data: original rows, then augmented rows, each with its origin.

    Raises:
        InputError: there are fewer augmented rows than the ratio needs (the message names
            the shortfall), a part holds rows of the other origin, or an id is in both.
    """
    _check_origin(original, ORIGINAL)
    _check_origin(augmented, AUGMENTED)
    shared = {row["id"] for row in original} & {row["id"] for row in augmented}
    if shared:
        raise InputError(f"id '{min(shared)}' is in the original and in the augmented data")
    counts = mix_counts(len(original), ratio, size)
    if counts.augmented > len(augmented):
        raise InputError(
            f"a bias ratio of {float(ratio):g} ({size}) with {len(original)} original rows needs "
            f"{counts.augmented} augmented rows, {counts.augmented - len(augmented)} more than the "
            f"{len(augmented)} there are: write more with `bias-inherit augment -n "
            f"{counts.augmented}`"
        )
    return (
        nested_order(original, seed)[: counts.original]
        + nested_order(augmented, seed)[: counts.augmented]
    )


def nested_order(rows: Sequence[Example], seed: int) -> list[Example]:
    """Return the rows in the order that mixes take them in: strata evenly interleaved."""
    strata: defaultdict[str, list[tuple[int, Example]]] = defaultdict(list)
    for row in rows:
        strata[stratum(row)].append((stable_rank(seed, row["id"]), row))
    keyed = []
    for name, members in strata.items():
        members.sort(key=lambda member: (member[0], member[1]["id"]))
        tie = stable_rank(seed, name)
        keyed += [
            (Fraction(2 * i + 1, 2 * len(members)), tie, name, row)
            for i, (_, row) in enumerate(members)
        ]
    keyed.sort(key=lambda entry: entry[:3])
    return [row for *_, row in keyed]


def summarise(rows: Sequence[Example]) -> Mapping[str, int]:
    """Return the counts of each "origin label|axis=group" cell, sorted."""
    counts: defaultdict[str, int] = defaultdict(int)
    for row in rows:
        counts[f"{row['origin']} {stratum(row)}"] += 1
    return dict(sorted(counts.items()))


def _check_origin(rows: Sequence[Example], origin: str) -> None:
    for row in rows:
        if row["origin"] != origin:
            raise InputError(
                f"row '{row['id']}' of the {origin} data has the origin '{row['origin']}'"
            )
