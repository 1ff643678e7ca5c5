from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.utils.data import RandomSampler

from bias_inherit.bias_augment.training.batches import GROUP, OriginSampler


def order_of(batch, lengths, augmented, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return list(OriginSampler(batch, lengths, augmented, generator))


def cut(order, batch):
    return [order[i : i + batch] for i in range(0, len(order), batch)]


rows = st.lists(st.tuples(st.integers(1, 300), st.booleans()), min_size=1, max_size=200)


@given(rows, st.integers(1, 20), st.integers(0, 3))
def test_every_row_comes_once_and_each_batch_keeps_the_ratio(rows, batch, seed):
    lengths, augmented = [n for n, _ in rows], [a for _, a in rows]
    order = order_of(batch, lengths, augmented, seed)
    assert sorted(order) == list(range(len(rows)))
    share = sum(augmented) / len(augmented)
    for part in cut(order, batch):
        assert abs(sum(augmented[i] for i in part) - share * len(part)) < 1 + 1e-9


def test_the_order_depends_on_the_generator_alone():
    lengths, augmented = list(range(1, 101)), [i % 3 == 0 for i in range(100)]
    assert order_of(8, lengths, augmented) == order_of(8, lengths, augmented)
    assert order_of(8, lengths, augmented) != order_of(8, lengths, augmented, seed=1)
    generator = torch.Generator().manual_seed(0)
    sampler = OriginSampler(8, lengths, augmented, generator)
    assert list(sampler) != list(sampler)  # another order each epoch


@pytest.mark.parametrize("size", [40, GROUP * 16 + 7])
def test_a_smaller_batch_comes_last(size):
    augmented = [i % 2 == 0 for i in range(size)]
    lengths = [100 + 50 * a + i % 30 for i, a in enumerate(augmented)]
    parts = cut(order_of(16, lengths, augmented), 16)
    assert [len(part) for part in parts[:-1]] == [16] * (len(parts) - 1)
    assert len(parts[-1]) == size % 16
    assert all(0 < sum(augmented[i] for i in part) < len(part) for part in parts)


def test_little_is_padded_although_augmented_texts_are_longer():
    generator = torch.Generator().manual_seed(3)
    lengths = torch.randint(60, 240, (1600,), generator=generator).tolist()
    augmented = [i % 2 == 0 for i in range(1600)]
    lengths = [n + 20 * a for n, a in zip(lengths, augmented, strict=True)]

    def padded(order):
        return sum(max(lengths[i] for i in p) * len(p) for p in cut(order, 16)) / sum(lengths)

    plain = list(RandomSampler(lengths, generator=torch.Generator().manual_seed(0)))
    assert padded(order_of(16, lengths, augmented)) < 1.15 < 1.4 < padded(plain)


def test_rows_of_one_origin_alone_are_all_there():
    assert sorted(order_of(4, [5, 3, 8, 1, 2], [False] * 5)) == [0, 1, 2, 3, 4]
    assert sorted(order_of(4, [5, 3, 8, 1, 2], [True] * 5)) == [0, 1, 2, 3, 4]
