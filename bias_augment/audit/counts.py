"""How many rows each group, and each label of each group, has, against the intended design.

With D_o the design is D_o's own shares of label and group, taken as they are and not as a
sample; without it, equal groups within each label. A goodness-of-fit test (Pearson's
chi-square) asks whether D_a's rows could have been drawn from the design.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import chisquare

from bias_inherit.bias_augment.audit.estimates import Array, NullTest, drawn_p
from bias_inherit.bias_augment.axes.axis import Axis
from bias_inherit.rows import Example

SMALLEST_EXPECTED = 5
"""With a smaller expected count than this, p comes from draws instead of the distribution."""

DRAWS = 10_000

FROM_ORIGINAL = "D_o's shares"
EQUAL = "equal groups within each label"


@dataclass(frozen=True)
class Cell:
    """Rows of a label (None: of all labels) and group; `expected` by the design.

    `n` is None where D_a has no such row; `expected` is None where the design has no such cell.
    """

    label: str | None
    group: str
    n: int | None
    expected: float | None


@dataclass(frozen=True)
class Counts:
    """Counts by group and by label and group.

    `outside` is the number of rows in cells that the design does not have; the tests and the
    expected counts leave them out.
    """

    design: str
    groups: list[Cell]
    cells: list[Cell]
    outside: int


def count(
    axis: Axis, rows: Sequence[Example], original: Sequence[Example] | None, seed: int = 0
) -> tuple[Counts, list[NullTest]]:
    """Return the counts of D_a with expected ones, and tests; see the module's text.

    Args:
        axis: of the rows.
        rows: of D_a.
        original: of D_o, whose shares are expected; without them equal groups are.
        seed: of the simulated tests.
    """
    found = _cells(axis, rows)
    if original is not None:
        name, blocks = FROM_ORIGINAL, [_cells(axis, original)]
    else:
        labels = sorted({label for label, _ in found})
        name, blocks = EQUAL, [Counter((label, g) for g in axis.groups) for label in labels]

    expected = {
        cell: sum(found[other] for other in block) * weight / block.total()
        for block in blocks
        for cell, weight in block.items()
    }
    inside = sum(found[cell] for cell in expected)

    by_group = {g: [cell for cell in expected if cell[1] == g] for g in axis.groups}
    margins = [
        (sum(found[cell] for cell in cells), sum(expected[cell] for cell in cells))
        for cells in by_group.values()
        if cells
    ]

    tests = [_fit("counts by group", [margins], name, seed)]
    if len({label for label, _ in expected}) > 1:
        pairs = [[(found[cell], expected[cell]) for cell in block] for block in blocks]
        tests.append(_fit("counts by label and group", pairs, name, seed))

    groups = []
    for group, designed in by_group.items():
        n = sum(many for cell, many in found.items() if cell[1] == group)
        wanted = sum(expected[cell] for cell in designed) if designed else None
        groups.append(Cell(None, group, n or None, wanted))

    cells = sorted(expected.keys() | found.keys(), key=lambda cell: _place(axis, cell))
    counts = Counts(
        name,
        groups,
        [Cell(*cell, found[cell] or None, expected.get(cell)) for cell in cells],
        len(rows) - inside,
    )
    return counts, [test for test in tests if test is not None]


def _cells(axis: Axis, rows: Sequence[Example]) -> Counter[tuple[str, str]]:
    return Counter((str(row["label"]), row["group"][axis.axis]) for row in rows)


def _place(axis: Axis, cell: tuple[str, str]) -> tuple[str, int]:
    return cell[0], list(axis.groups).index(cell[1])


def _fit(
    subject: str, blocks: Sequence[Sequence[tuple[int, float]]], null: str, seed: int
) -> NullTest | None:
    """Return the test of (observed, expected) counts whose sum is given in each block."""
    used = [np.array(block, np.float64) for block in blocks]
    used = [block for block in used if len(block) > 1 and block[:, 1].sum() > 0]
    if not used:
        return None
    counts = np.concatenate(used)
    observed, expected = counts.T
    degrees = len(counts) - len(used)
    result = chisquare(observed, expected, ddof=len(used) - 1)
    p, method = float(result.pvalue), f"chi-square distribution, {degrees} degrees of freedom"
    if expected.min() < SMALLEST_EXPECTED:
        p = drawn_p(float(result.statistic), _draw(used, seed))
        method = f"{DRAWS:,} draws from the design"
    n = int(observed.sum())
    return NullTest(subject, "chi-square", float(result.statistic), n, null, method, p)


def _draw(blocks: Sequence[Array], seed: int) -> Array:
    """Return the statistic of `DRAWS` samples from the design, shape (DRAWS,)."""
    generator = np.random.default_rng(seed)
    total = np.zeros(DRAWS)
    for block in blocks:
        expected = block[:, 1]
        size = expected.sum()
        drawn = generator.multinomial(round(size), expected / size, size=DRAWS)
        total += ((drawn - expected) ** 2 / expected).sum(axis=1)
    return total
