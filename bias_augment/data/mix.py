"""Mix original and augmented examples at an exact bias ratio.

The bias ratio is gamma = |D_a| / |D|. With `original-fixed` (the paper) all of D_o stays
and |D_a| = gamma / (1 - gamma) * |D_o|; with `total-fixed` (a control) |D| = |D_o| stays
and augmented rows take the place of original ones. Counts come from rational arithmetic,
rounded half to even where they are not whole.

Rows are taken from one fixed order of each part: strata (label and groups) interleaved, label
by label and then group by group, hashed within a stratum. So for one seed a mix of a larger
ratio holds every augmented row of a smaller one (10 % is part of 20 %), every prefix is as
stratified as whole rows allow, and neither the order of the rows nor the platform matters.
"""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias, cast, get_args

from bias_inherit.bias_augment.data.examples import cell_key, data_file
from bias_inherit.bias_augment.data.scan import Part, ahead, check_origin, merged_schema, scan
from bias_inherit.errors import InputError, unknown
from bias_inherit.manifests import CellCount
from bias_inherit.rows import AUGMENTED, ORIGINAL, Cell, Example
from bias_inherit.store import stable_rank

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    Positions: TypeAlias = NDArray[np.int64]

Size = Literal["original-fixed", "total-fixed"]
SIZES: tuple[str, ...] = get_args(Size)

_LINES = 4096
"""Lines that are copied with one write."""


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


def parse_size(text: str) -> Size:
    """Return the size rule of that name.

    Raises:
        InputError: there is none; near names are suggested.
    """
    for size in get_args(Size):
        if size == text:
            return cast(Size, size)
    raise unknown("size", text, SIZES)


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

    Args:
        original: rows of D_o.
        augmented: rows of D_a.
        ratio: the bias ratio.
        size: the size rule; see the module's text.
        seed: of the draw.

    Raises:
        InputError: there are fewer augmented rows than the ratio needs (the message names
            the shortfall), a part holds rows of the other origin, or an id is in both.
    """
    for rows, origin in ((original, ORIGINAL), (augmented, AUGMENTED)):
        for row in rows:
            check_origin(row, origin)
    first, second = _taken(_keys(original), _keys(augmented), ratio, size, seed)
    return [original[i] for i in first.tolist()] + [augmented[i] for i in second.tolist()]


@dataclass(frozen=True)
class Mixed:
    """A mix on disk: its counts, rows by cell, sha256, and the files that it was made of.

    `parts` are those with a row in the mix, by origin; `schema` (pyarrow) holds the types of
    the mix's columns, None where they have no common type.
    """

    counts: Counts
    cells: tuple[CellCount, ...]
    sha256: str
    parts: Mapping[str, Part]
    schema: pa.Schema | None


def mix_files(
    original: Path, augmented: Path | None, ratio: Fraction, size: Size, seed: int, out: Path
) -> Mixed:
    """Mix two JSON-lines files (or dataset folders) into a third, without holding their rows.

    Writes the rows that `mix` returns, in the same order: each line as it stands in its file,
    whatever its columns, with a line feed as line end. `out` is whole or absent.

    Args:
        original: file or folder of D_o.
        augmented: file or folder of D_a; not needed for a ratio of 0.
        ratio: the bias ratio.
        size: the size rule; see the module's text.
        seed: of the draw.
        out: the file that is written.

    Raises:
        InputError: as `mix` and `examples.read_examples`.
    """
    first = scan(data_file(original), ORIGINAL)
    second = None if augmented is None else scan(data_file(augmented), AUGMENTED)
    added = ([], []) if second is None else (second.ids, second.strata)
    orders = _taken((first.ids, first.strata), added, ratio, size, seed)

    taken = [
        (part, order)
        for part, order in zip((first, second), orders, strict=True)
        if part is not None and len(order)
    ]
    cells = Counter((part.origin, part.strata[i]) for part, order in taken for i in order.tolist())
    return Mixed(
        Counts(len(orders[0]), len(orders[1])),
        _counted({Cell.from_key(*named): rows for named, rows in cells.items()}),
        _copy(taken, out),
        {part.origin: part for part, _ in taken},
        merged_schema(part.schema for part, _ in taken),
    )


def _copy(taken: Sequence[tuple[Part, Positions]], out: Path) -> str:
    """Write the lines at some positions of some parts and return the sha256 of it all.

    Lines are read one by one where they stand (pread): pages of a memory map would count as
    this process's memory.
    """
    out.parent.mkdir(parents=True, exist_ok=True)
    temporary = out.with_name(f".{out.name}.{os.getpid()}.tmp")
    digest = hashlib.sha256()

    try:
        with temporary.open("wb") as stream:
            for part, order in taken:
                with part.path.open("rb") as source:
                    read = partial(_lines, source.fileno(), part)
                    batches = (order[i : i + _LINES] for i in range(0, len(order), _LINES))
                    for block in ahead(read, batches):
                        digest.update(block)
                        stream.write(block)
        temporary.replace(out)
    finally:
        temporary.unlink(missing_ok=True)
    return digest.hexdigest()


def _lines(file: int, part: Part, rows: Positions) -> bytes:
    """Return the lines of some rows, each with a line feed."""
    spans = zip(part.lengths[rows].tolist(), part.starts[rows].tolist(), strict=True)
    return b"\n".join([*(os.pread(file, length, start) for length, start in spans), b""])


Keys = tuple[Sequence[str], Sequence[str]]
"""The ids and the strata of the n rows of a part."""


def _taken(
    original: Keys, augmented: Keys, ratio: Fraction, size: Size, seed: int
) -> tuple[Positions, Positions]:
    """Return which rows of each part a mix takes, in its order; raises as `mix`."""
    shared = set(original[0]).intersection(augmented[0])
    if shared:
        raise InputError(f"id '{min(shared)}' is in the original and in the augmented data")

    n, available = len(original[0]), len(augmented[0])
    counts = mix_counts(n, ratio, size)
    if counts.augmented > available:
        raise InputError(
            f"a bias ratio of {float(ratio):g} ({size}) with {n} original rows needs "
            f"{counts.augmented} augmented rows, {counts.augmented - available} more than the "
            f"{available} there are: write more with `bias-inherit augment -n {counts.augmented}`"
        )
    return (
        nested_positions(*original, seed)[: counts.original],
        nested_positions(*augmented, seed)[: counts.augmented],
    )


def _keys(rows: Sequence[Example]) -> Keys:
    return [str(row["id"]) for row in rows], [cell_key(row) for row in rows]


def nested_order(rows: Sequence[Example], seed: int) -> list[Example]:
    """Return the rows in the order that mixes take them in: strata evenly interleaved."""
    return [rows[i] for i in nested_positions(*_keys(rows), seed).tolist()]


def nested_positions(ids: Sequence[str], strata: Sequence[str], seed: int) -> Positions:
    """Return the positions of n rows in the order that mixes take them in, shape (n,).

    Within a group its strata (the labels) are interleaved, then the groups: every prefix is
    balanced over the groups first, and over each one's labels as far as whole rows allow.
    """
    import numpy as np

    cells = {key: Cell.from_key(ORIGINAL, key) for key in set(strata)}
    text = {key: f"{cell.label}|{cell.groups_text}" for key, cell in cells.items()}
    names = sorted(text, key=lambda key: (stable_rank(seed, text[key]), text[key], key))
    codes = {name: code for code, name in enumerate(names)}
    code = np.fromiter(map(codes.__getitem__, strata), np.int64, len(ids))
    rank = np.fromiter((stable_rank(seed, key) for key in ids), np.uint64, len(ids))
    order = np.lexsort((rank, code))
    same = (np.diff(rank[order]) == 0) & (np.diff(code[order]) == 0)
    if same.any():  # two hashes of 64 bits agree: the ids decide
        order = np.array(sorted(range(len(ids)), key=lambda i: (code[i], rank[i], ids[i])))
    within = _interleaved(code[order])
    order, code = order[within], code[order][within]
    groups = [cells[name].groups for name in names]
    first_of = [groups.index(group) for group in groups]
    group = np.array(first_of, np.int64)[code]
    by_group = np.argsort(group, kind="stable")
    order, group = order[by_group], group[by_group]
    taken: Positions = order[_interleaved(group)]
    return taken


def _interleaved(code: Positions) -> Positions:
    """Return the order that interleaves n rows sorted by `code` evenly, shape (n,).

    The i-th of m rows of a code stands at (2i + 1) / (2m) of the way. float64 is exact enough
    for that: equal fractions round to the same number, and unequal ones differ by at least
    1 / (4 m m'), more than an ulp up to 40 million rows a code.
    """
    import numpy as np

    _, first, index, sizes = np.unique(
        code, return_index=True, return_inverse=True, return_counts=True
    )
    place = (2 * (np.arange(len(code)) - first[index]) + 1) / (2 * sizes[index])
    order: Positions = np.lexsort((code, place))
    return order


def summarise(rows: Sequence[Example]) -> tuple[CellCount, ...]:
    """Return how many rows fall into each cell, sorted."""
    return _counted(Counter(map(Cell.of, rows)))


def _counted(rows: Mapping[Cell, int]) -> tuple[CellCount, ...]:
    return tuple(CellCount(cell, n) for cell, n in sorted(rows.items()))
