"""What contexts have in common at their beginning, as a tree: a model reads it once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby, takewhile

from bias_inherit.past import Tokens

PASS = 128
"""Tokens that cost about as much as a pass by itself: as many must be saved by one. Our choice."""


@dataclass(frozen=True)
class Node:
    """What some contexts (by number) share beyond what the parent's do.

    Attributes:
        part: the tokens.
        end: the place behind them; every context has more tokens than that.
        leaves: contexts that share no more with others that is worth it.
        children: of the others.
    """

    part: Tokens
    end: int
    leaves: list[int] = field(default_factory=list)
    children: list[Node] = field(default_factory=list)


def shared_prefixes(contexts: Sequence[Tokens], worth: int = PASS) -> Node:
    """Return the tree of contexts that differ and have one token or more.

    Args:
        contexts: their tokens.
        worth: how many tokens the contexts of a node together save by what they share.
    """
    root = Node((), 0)
    waiting = [(root, sorted(range(len(contexts)), key=lambda i: tuple(contexts[i])), 0)]
    while waiting:
        node, some, shared = waiting.pop()
        for _, same in groupby(some, key=lambda i: contexts[i][shared]):
            group = list(same)
            end = _shared([contexts[i] for i in group])
            if (end - node.end) * (len(group) - 1) >= max(worth, 1):
                node.children.append(Node(contexts[group[0]][node.end : end], end))
                waiting.append((node.children[-1], group, end))
            elif len(group) == 1 or end == shared:
                node.leaves.extend(group)
            else:
                waiting.append((node, group, end))
    return root


def _shared(contexts: Sequence[Tokens]) -> int:
    """Return how many tokens contexts, which are sorted, share before the last token of each."""
    pairs = zip(contexts[0], contexts[-1], strict=False)
    common = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
    return min(common, *(len(context) - 1 for context in contexts))
