"""What contexts share: each is in the tree once, behind what it begins with."""

from __future__ import annotations

from random import Random

import pytest

from bias_inherit.harness.likelihoods import batches
from bias_inherit.harness.prefixes import PASS, shared_prefixes


def walk(node, before=()):
    """Yield each node with all that its contexts share."""
    shared = (*before, *node.part)
    yield node, shared
    for child in node.children:
        yield from walk(child, shared)


def below(node):
    return len(node.leaves) + sum(map(below, node.children))


def random_contexts(seed):
    """Contexts of two tokens that begin alike, and some that others begin with."""
    random = Random(seed)
    begins = [[random.randrange(2) for _ in range(random.randrange(60))] for _ in range(4)]
    made = {
        (*random.choice(begins), *(random.randrange(2) for _ in range(random.randrange(1, 40))))
        for _ in range(60)
    }
    return [*made, *(context[:-1] for context in list(made)[:9] if len(context) > 1)]


@pytest.mark.parametrize("seed", range(20))
def test_each_context_is_there_once_and_every_node_saves_what_it_costs(seed):
    contexts = list(dict.fromkeys(random_contexts(seed)))
    nodes = list(walk(shared_prefixes(contexts)))
    assert sorted(i for node, _ in nodes for i in node.leaves) == list(range(len(contexts)))
    for node, shared in nodes:
        assert node.end == len(shared)
        for i in node.leaves:
            assert contexts[i][: node.end] == shared and len(contexts[i]) > node.end
    for node, _ in nodes[1:]:
        assert len(node.part) * (below(node) - 1) >= PASS
    assert len(nodes) > 1


def test_what_all_and_what_some_share_is_read_once_each():
    head, first, second = (1,) * 40, (2,) * 50, (3,) * 50
    contexts = [(*head, *part, i) for part in (first, second) for i in range(10, 20)]
    root = shared_prefixes(contexts)
    assert not root.leaves and [child.part for child in root.children] == [head]
    (node,) = root.children
    assert {child.part for child in node.children} == {first, second} and not node.leaves


def test_a_long_chain_of_contexts_is_no_deep_recursion():
    contexts = [(*([1] * i), 2, 3) for i in range(3000)]
    assert sum(len(node.leaves) for node, _ in walk_flat(shared_prefixes(contexts))) == 3000


def walk_flat(root):
    waiting = [root]
    while waiting:
        node = waiting.pop()
        waiting += node.children
        yield node, None


def test_batches_hold_what_they_may_and_little_padding():
    random = Random(0)
    lengths = {i: random.randrange(1, 200) for i in range(300)}
    found = list(batches(lengths, before=20, at_once=1000))
    assert sorted(i for batch in found for i in batch) == list(range(300))
    for batch in found:
        longest = max(lengths[i] for i in batch)
        assert len(batch) == 1 or len(batch) * (20 + longest) <= 1000
        assert sum(longest - lengths[i] for i in batch) <= PASS
    assert len(found) < 100
    assert list(batches({"a": 5000}, before=0, at_once=10)) == [["a"]]
