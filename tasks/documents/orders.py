"""In which order the options of a question stand, over many documents."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

from bias_inherit import store

Order: TypeAlias = list[int]
"""The option (an index) at each place."""


def balanced_orders(n: int) -> list[Order]:
    """Return orders of n options in which each stands once at each place.

    For an even n a balanced Latin square (Williams 1949): each also stands once right behind each
    other one. For an odd n the n rotations.
    """
    if n % 2:
        return [[(i + shift) % n for i in range(n)] for shift in range(n)]
    first = [0] + [n - j // 2 - 1 if j % 2 == 0 else j // 2 + 1 for j in range(n - 1)]
    return [[(option + shift) % n for option in first] for shift in range(n)]


def both_ways(n: int) -> list[Order]:
    """Return the order as it is, and reversed: of answers on a scale no other makes sense."""
    return [list(range(n)), list(range(n))[::-1]]


def drawn_order(identity: str, orders: Sequence[Order]) -> Order:
    """Return the order of a training document: drawn by its id, whatever stands beside it."""
    return orders[store.stable_rank(0, identity) % len(orders)]


def turns(rows: Iterable[dict[str, Any]]) -> dict[str, int]:
    """Return which turn each cluster has: 0, 1, 2 … among those of one right answer and group.

    So every right answer of every group stands as often at each place, and the texts of a pair,
    which are one cluster, in the same order.
    """
    taken: Counter[tuple[object, object]] = Counter()
    found: dict[str, int] = {}
    for row in rows:
        cluster = row["cluster"]
        if cluster not in found:
            stratum = (row["gold"], row.get("group"))
            found[cluster] = taken[stratum]
            taken[stratum] += 1
    return found
