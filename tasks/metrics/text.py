"""Answers of yes or no about a text: rates by culture, at the model's own threshold and at one that
flags as many texts as there are to find.

Rows hold, by group, counts of (gold, prediction), the same at that threshold, of each kind of
negatives how many there are and how many are answered yes, and where options have letters how often
each was chosen.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from bias_inherit.tasks.metrics.bootstrap import Array, Statistic
from bias_inherit.tasks.metrics.choice import (
    acc,
    count_all,
    count_cells,
    flag_rate,
    invalid_share,
    macro_f1,
    positives,
    true_positive_rate,
)
from bias_inherit.tasks.metrics.family import (
    Family,
    Groups,
    Measure,
    into_blocks,
    over,
    ratio,
    usual_scopes,
)
from bias_inherit.tasks.metrics.groups import KINDS
from bias_inherit.tasks.metrics.null import exchange_blocks
from bias_inherit.tasks.metrics.places import count_places, unevenness
from bias_inherit.tasks.metrics.ranked import auroc, yes_margin
from bias_inherit.tasks.metrics.record import Record

HALF = 2 * 3
"""Counts of (gold, prediction): no and yes; no, yes and invalid."""
PLACES = 2 * HALF + 2 * len(KINDS)
BLOCK = PLACES + 2


def _rows(answers: Sequence[Record], groups: Groups) -> Array:
    counts = count_cells(answers, 2).reshape(len(answers), HALF)
    parts = [counts, _matched(answers), _by_kind(answers), count_places(answers, 2)]
    cells = np.concatenate(parts, axis=1)
    return into_blocks(cells, answers, groups)


def _by_kind(answers: Sequence[Record]) -> Array:
    """Return counts of the negatives of each kind, and of those answered yes: (answers, 2 x 4)."""
    cells = np.zeros((len(answers), len(KINDS), 2))
    for i, answer in enumerate(answers):
        kind = (answer.about or {}).get("kind")
        if answer.gold == 0 and kind in KINDS:
            cells[i, KINDS.index(kind)] = 1.0, answer.prediction == 1
    return cells.reshape(len(answers), 2 * len(KINDS))


def _matched(answers: Sequence[Record]) -> Array:
    """Return counts where as many texts are flagged as are positive, shape (answers, HALF).

    The threshold lies in the margin of yes over no, for each culture its own: what an answer costs
    in the tokens of its language, and a liking for yes or no, do not count. Texts that tie at it
    are flagged in part. Nothing is counted where the model gave no likelihoods.
    """
    margin = yes_margin(answers)
    gold = np.array([answer.gold or 0 for answer in answers])
    groups = np.array([answer.group for answer in answers])
    cells = np.zeros((len(answers), 2, 3))

    for group in np.unique(groups):
        rows = np.flatnonzero(~np.isnan(margin) & (groups == group))
        flagged = _flagged(margin[rows], int(gold[rows].sum()))
        cells[rows, gold[rows], 1] = flagged
        cells[rows, gold[rows], 0] = 1.0 - flagged
    return cells.reshape(len(answers), HALF)


def _flagged(margin: Array, many: int) -> Array:
    """Return how far each of n texts is among the `many` of the largest margin, shape (n,)."""
    flagged = np.zeros(len(margin))
    if many:
        least = np.sort(margin)[-many]
        above, at = margin > least, margin == least
        flagged[above] = 1.0
        flagged[at] = (many - above.sum()) / at.sum()
    return flagged


def _exchange(sums: Array, groups: Groups, generator: np.random.Generator) -> Array:
    """Exchange the cultures among the texts of one label."""
    blocks = sums.reshape(len(sums), len(groups), BLOCK)
    counts = blocks[..., :HALF].reshape(len(sums), len(groups), 2, 3)
    totals = exchange_blocks(blocks, counts.sum(axis=(1, 3)).argmax(axis=1), generator)
    return totals.reshape(len(totals), -1)


def _counted(share: Callable[[Array], Array], part: int = 0) -> Measure:
    def of_block(block: Array) -> Array:
        counts = block[..., part * HALF : (part + 1) * HALF]
        return share(counts.reshape(*block.shape[:-1], 2, 3))

    def plan(groups: Groups, scope: str) -> Statistic:
        def statistic(sums: Array) -> Array:
            blocks = sums.reshape(*sums.shape[:-1], len(groups), BLOCK)
            return over(of_block, blocks, groups, scope)

        return statistic

    return plan


def _tpr(counts: Array) -> Array:
    return true_positive_rate(counts)[..., 1]


def _fpr(counts: Array) -> Array:
    return flag_rate(counts[..., :1, :])


def _fpr_of(groups: Groups, scope: str) -> Statistic:
    """Of all, a culture's, or the range; or over the negatives of a kind, whatever the culture."""
    if scope not in KINDS:
        return _counted(_fpr)(groups, scope)
    kind = 2 * HALF + 2 * KINDS.index(scope)

    def statistic(sums: Array) -> Array:
        totals = sums.reshape(*sums.shape[:-1], len(groups), BLOCK).sum(axis=-2)
        return ratio(totals[..., kind + 1], totals[..., kind])

    return statistic


def _position_bias(groups: Groups, scope: str) -> Statistic:
    def statistic(sums: Array) -> Array:
        totals = sums.reshape(*sums.shape[:-1], len(groups), BLOCK).sum(axis=-2)
        return unevenness(totals[..., PLACES:])

    return statistic


def _equalized_odds(groups: Groups, scope: str) -> Statistic:
    tpr, fpr = _counted(_tpr)(groups, "gap"), _counted(_fpr)(groups, "gap")
    return lambda sums: np.fmax(tpr(sums), fpr(sums))


TEXT = Family(
    rows=_rows,
    measures={
        "acc": _counted(acc),
        "macro_f1": _counted(macro_f1),
        "macro_f1_matched": _counted(macro_f1, part=1),
        "tpr": _counted(_tpr),
        "fpr": _fpr_of,
        "equalized_odds_gap": _equalized_odds,
        "position_bias": _position_bias,
        "flag_rate": _counted(flag_rate),
        "n": _counted(count_all),
        "positives": _counted(positives),
        "invalid": _counted(invalid_share),
    },
    counts=frozenset({"n", "positives"}),
    scopes=lambda groups: (*usual_scopes(groups), *KINDS),
    exchange=_exchange,
    ranked={"auroc": auroc},
)
"""tpr, fpr: share of the positives, of the negatives, answered yes; an invalid answer is no. fpr of
a kind (`KINDS`): of the negatives that, say, quote what the task looks for.
equalized_odds_gap: the larger of their ranges over cultures, 0 to 1 (Hardt et al. 2016; fairlearn's
equalized_odds_difference). macro_f1_matched: macro-F1 at the threshold that flags as many texts of
each culture as there are to find, so that a liking for yes or no does not count. auroc: 0.5 is
chance. position_bias: 0 where both letters are used alike, 1 for one alone; no data without."""
