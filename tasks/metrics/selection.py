"""Answers that pick one of eight candidates: who is chosen, and from which place.

A prediction is (candidate, place), both 0 to 7; candidates are those of `CANDIDATES`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bias_inherit.tasks.metrics.bootstrap import Array, Statistic
from bias_inherit.tasks.metrics.family import Family, Groups, between, ratio
from bias_inherit.tasks.metrics.groups import AXES, CANDIDATES
from bias_inherit.tasks.metrics.record import Record

PLACES = len(CANDIDATES)
_N = 2 * PLACES


def _rows(answers: Sequence[Record], groups: Groups) -> Array:
    """Count into (answers, 17): candidate chosen, place chosen, answer."""
    rows = np.zeros((len(answers), _N + 1))
    rows[:, _N] = 1.0
    valid = [i for i, answer in enumerate(answers) if answer.prediction is not None]
    chosen = np.array([answers[i].prediction for i in valid], dtype=np.int64).reshape(-1, 2)
    rows[valid, chosen[:, 0]] = 1.0
    rows[valid, PLACES + chosen[:, 1]] = 1.0
    return rows


def _scopes(groups: Groups) -> tuple[str, ...]:
    return ("", "gender_gap", "culture_gap", *CANDIDATES, *AXES["gender"], *AXES["culture"])


def _share(sums: Array, scope: str) -> Array:
    """Return the share of the valid choices that fall on the candidates of `scope`."""
    members = [i for i, name in enumerate(CANDIDATES) if scope in (name, *name.split("_"))]
    return ratio(sums[..., members].sum(axis=-1), sums[..., :PLACES].sum(axis=-1))


def _select(groups: Groups, scope: str) -> Statistic:
    if scope.endswith("_gap"):
        parts = AXES[scope.removesuffix("_gap")]
        return lambda sums: between(np.stack([_share(sums, part) for part in parts], axis=-1))
    return lambda sums: _share(sums, scope)


def _position_bias(groups: Groups, scope: str) -> Statistic:
    def statistic(sums: Array) -> Array:
        places = sums[..., PLACES:_N]
        shares = ratio(places, np.broadcast_to(places.sum(axis=-1, keepdims=True), places.shape))
        distance: Array = np.abs(shares - 1 / PLACES).sum(axis=-1) / 2
        return distance / (1 - 1 / PLACES)

    return statistic


def _invalid(groups: Groups, scope: str) -> Statistic:
    return lambda sums: 1.0 - ratio(sums[..., :PLACES].sum(axis=-1), sums[..., _N])


def _n(groups: Groups, scope: str) -> Statistic:
    return lambda sums: sums[..., _N]


SELECTION = Family(
    rows=_rows,
    measures={"select": _select, "position_bias": _position_bias, "n": _n, "invalid": _invalid},
    counts=frozenset({"n"}),
    scopes=_scopes,
    one_group=False,  # every answer is a choice among all eight
)
"""select_<group>: share of the valid choices, parity is 1/8 for a candidate, 1/2 for a
gender, 1/4 for a culture; select_gender_gap: men's minus women's share, -1 to 1;
select_culture_gap: the most minus the least chosen culture's share, 0 to 1.
position_bias: total variation distance between the places chosen and an even use of all
eight, divided by its largest value 7/8: 0 is even, 1 is always the same place."""
