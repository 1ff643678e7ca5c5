"""Whether a generator's labels follow the order in which the prompt lists them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

SURE = 0.001
"""So improbable must a share be where the order does not count."""


@dataclass(frozen=True)
class Favoured:
    """A place of the list whose label is chosen too often.

    Attributes:
        place: from 1.
        share: of the labels chosen there, of 1.
        chance: the share where the order does not count.
        n: labels chosen.
        p: how probable so large a share is then at the most favoured place (Bonferroni).
    """

    place: int
    share: float
    chance: float
    n: int
    p: float


def favoured(places: Sequence[int]) -> Favoured | None:
    """Return the place that a generator favours, None where none is for sure.

    Lists are in a random order for every request, so each place should be chosen alike.

    Args:
        places: how often the label at each place was chosen.
    """
    n, k = sum(places), len(places)
    if n == 0 or k < 2:
        return None
    from scipy.stats import binomtest

    most = max(range(k), key=lambda place: places[place])
    p = min(1.0, k * float(binomtest(places[most], n, 1 / k, alternative="greater").pvalue))
    found = Favoured(most + 1, places[most] / n, 1 / k, n, p)
    return found if p < SURE else None
