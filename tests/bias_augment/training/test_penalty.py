from __future__ import annotations

import pytest
import torch

from bias_inherit.bias_augment.training.penalty import (
    GlobalPenalty,
    mean_over_tokens,
    sums_by_origin,
)

WEIGHT = 0.7


def squared(original, augmented):
    return WEIGHT * ((original - augmented) ** 2).sum()


@pytest.fixture
def rows():
    generator = torch.Generator().manual_seed(1)
    phi = torch.randn(9, 4, generator=generator)
    augmented = torch.tensor([0, 1, 0, 0, 1, 0, 1, 0, 0]).bool()
    return phi.requires_grad_(), augmented


def closed_form(phi, augmented):
    """The gradient of lambda * |E_o - E_a|^2, written out for every row."""
    original = ~augmented
    apart = phi[original].mean(0) - phi[augmented].mean(0)
    slope = torch.empty_like(phi)
    slope[original] = 2 * WEIGHT * apart / original.sum()
    slope[augmented] = -2 * WEIGHT * apart / augmented.sum()
    return WEIGHT * (apart**2).sum(), slope


def test_value_and_gradient_are_the_closed_form(rows):
    phi, augmented = rows
    value, slope = closed_form(phi.detach(), augmented)
    found = GlobalPenalty(squared).part(phi, augmented)
    found.backward()
    assert found.item() == pytest.approx(value.item(), rel=1e-6)
    torch.testing.assert_close(phi.grad, slope)


@pytest.mark.parametrize("cuts", [(9,), (4, 9), (1, 2, 9), (3, 6, 9)])
def test_however_it_is_accumulated_the_gradient_is_the_same(rows, cuts):
    """Parts may even hold rows of one origin alone."""
    phi, augmented = rows
    value, slope = closed_form(phi.detach(), augmented)
    parts = list(zip((0, *cuts), cuts, strict=False))
    penalty = GlobalPenalty(squared)
    if len(parts) > 1:
        sums = sum(sums_by_origin(phi[a:b].detach(), augmented[a:b]) for a, b in parts)
        penalty.begin(sums, len(parts))
    total = 0.0
    for a, b in parts:
        part = penalty.part(phi[a:b], augmented[a:b])
        part.backward()
        total += part.item()
    assert total == pytest.approx(value.item(), rel=1e-5)
    torch.testing.assert_close(phi.grad, slope)


def test_over_processes_whose_gradients_are_averaged_it_is_the_same(rows):
    """Two processes with unequal parts: what each adds up is the sum of both."""
    phi, augmented = rows
    value, slope = closed_form(phi.detach(), augmented)
    whole = sums_by_origin(phi.detach(), augmented)
    found = []
    for part in (slice(0, 3), slice(3, 9)):
        penalty = GlobalPenalty(squared, lambda sums: whole, processes=2)
        found.append(penalty.part(phi[part], augmented[part]))
    (sum(found) / 2).backward()  # as distributed training averages them
    torch.testing.assert_close(phi.grad, slope)
    assert (sum(found) / 2).item() == pytest.approx(value.item(), rel=1e-6)


def test_a_batch_without_augmented_rows_is_held_to_their_running_mean(rows):
    phi, augmented = rows
    penalty = GlobalPenalty(squared)
    penalty.part(phi, augmented)
    past = phi.detach()[augmented].mean(0)
    fresh = torch.randn(5, 4, generator=torch.Generator().manual_seed(2)).requires_grad_()
    none = torch.zeros(5, dtype=torch.bool)
    found = penalty.part(fresh, none)
    apart = fresh.detach().mean(0) - past
    assert found.item() == pytest.approx((WEIGHT * (apart**2).sum()).item(), rel=1e-5)
    found.backward()
    torch.testing.assert_close(fresh.grad, (2 * WEIGHT * apart / 5).expand(5, 4))
    assert len(penalty._distances) == 1, "a distance is that of a batch with both"


def test_before_the_first_augmented_row_there_is_no_penalty():
    penalty = GlobalPenalty(squared)
    phi = torch.randn(3, 4).requires_grad_()
    found = penalty.part(phi, torch.zeros(3, dtype=torch.bool))
    found.backward()
    assert found.item() == 0 and phi.grad.abs().sum() == 0 and penalty.distance() is None


def test_the_distance_is_that_of_the_means_and_is_told_once(rows):
    phi, augmented = rows
    penalty = GlobalPenalty(squared)
    penalty.part(phi, augmented)
    value, _ = closed_form(phi.detach(), augmented)
    assert penalty.distance() == pytest.approx(value.item() / WEIGHT, rel=1e-5)
    assert penalty.distance() is None


def test_padding_is_no_token():
    hidden = torch.arange(24.0).view(2, 3, 4)
    mask = torch.tensor([[1, 1, 0], [1, 1, 1]])
    found = mean_over_tokens(hidden, mask)
    torch.testing.assert_close(found[0], hidden[0, :2].mean(0))
    torch.testing.assert_close(found[1], hidden[1].mean(0))
