from __future__ import annotations

import time
from random import Random

import pytest

from bias_inherit.bias_augment.audit.duplicates import NEAR, SHINGLE, find_duplicates
from bias_inherit.bias_augment.audit.words import words


def jaccard(one, other):
    """Of word 5-grams, from the definition."""
    sets = [
        {tuple(w[i : i + SHINGLE]) for i in range(max(1, len(w) - SHINGLE + 1))}
        for w in (words(one), words(other))
    ]
    return len(sets[0] & sets[1]) / len(sets[0] | sets[1])


def edited(random, words_, edits):
    changed = list(words_)
    for _ in range(edits):
        changed[random.randrange(len(changed))] = f"w{random.randrange(10**6)}"
    return " ".join(changed)


@pytest.fixture
def texts():
    """Families of texts with 0 to 6 changed words of 120, some written differently."""
    random = Random(5)
    made = []
    for _ in range(12):
        base = [f"w{random.randrange(5000)}" for _ in range(120)]
        made += [edited(random, base, random.randrange(7)) for _ in range(6)]
    return [*made, made[0].upper(), f"  {made[7]}.", "short text", "Short, text!", ""]


def clusters(texts):
    """Sizes of clusters by comparing everything with everything."""
    group = list(range(len(texts)))
    for i in range(len(texts)):
        for j in range(i):
            if jaccard(texts[i], texts[j]) >= NEAR:
                old, new = group[i], group[j]
                group = [new if g == old else g for g in group]
    return [group.count(g) for g in group]


def test_within_is_as_brute_force(texts):
    found = find_duplicates(texts)
    sizes = clusters(texts)
    assert found.near == sum(size > 1 for size in sizes)
    assert 20 < found.near < len(texts)  # the data hold both near and other texts
    assert sum(size * many for size, many in found.clusters) == found.near
    plain = [words(text) for text in texts]
    assert found.exact == sum(plain.count(one) > 1 for one in plain)
    assert (found.original_n, found.copied, found.near_copied) == (None, None, None)


def test_copies_of_the_original_are_as_brute_force(texts):
    mine, theirs = texts[::2], texts[1::2]
    found = find_duplicates(mine, theirs)
    near = sum(any(jaccard(one, other) >= NEAR for other in theirs) for one in mine)
    exact = sum(any(words(one) == words(other) for other in theirs) for one in mine)
    assert (found.near_copied, found.copied, found.original_n) == (near, exact, len(theirs))
    assert 0 < exact < near < len(mine)


def test_both_ends():
    same = find_duplicates(["One and the same text."] * 7, ["one AND the same text"])
    assert (same.exact, same.near, same.clusters) == (7, 7, [(7, 1)])
    assert (same.copied, same.near_copied) == (7, 7)
    apart = find_duplicates([f"text number {i} of its own kind" for i in range(7)], ["another"])
    assert (apart.exact, apart.near, apart.clusters) == (0, 0, [])
    assert (apart.copied, apart.near_copied) == (0, 0)


def test_texts_without_spaces_between_words_are_compared_by_character():
    text = "她是一位在北京工作的软件工程师喜欢读书和旅行也喜欢在周末和朋友一起做饭"
    found = find_duplicates([text, text + "吃", "他每天早上都去公园里跑步然后在家里和孩子们吃早饭"])
    assert (found.exact, found.near) == (0, 2)


def test_a_large_cluster_takes_seconds():
    random = Random(1)
    base = [f"w{i}" for i in range(200)]
    texts = [edited(random, base, 1) for _ in range(3000)]
    texts += [" ".join(f"w{random.randrange(10**6)}" for _ in range(100)) for _ in range(3000)]
    begin = time.process_time()
    found = find_duplicates(texts)
    assert time.process_time() - begin < 20  # two or three where nothing else runs
    assert sum(size * many for size, many in found.clusters) == found.near == 3000
    assert len(found.clusters) == 1
