from __future__ import annotations

import pytest
import torch

from bias_inherit.mitigations import load_mitigation


def means(seed, n_original=3, n_augmented=5, width=7):
    generator = torch.Generator().manual_seed(seed)
    phi = torch.randn(n_original + n_augmented, width, generator=generator, dtype=torch.float64)
    return phi.requires_grad_(), n_original


def test_the_penalty_is_the_squared_norm_by_hand():
    penalty = load_mitigation("loss", {"lambda": "0.5"}).penalty
    found = penalty(torch.tensor([1.0, 2.0, 3.0]), torch.tensor([0.0, 4.0, 3.0]))
    assert found.shape == () and found.item() == pytest.approx(0.5 * (1 + 4 + 0))


def test_no_distance_and_no_lambda_are_no_penalty():
    same = torch.ones(3)
    assert load_mitigation("loss").penalty(same, same).item() == 0
    assert load_mitigation("loss", {"lambda": "0"}).penalty(same, 5 * same).item() == 0


@pytest.mark.parametrize("seed", range(3))
def test_the_gradient_is_the_closed_form(seed):
    phi, n = means(seed)
    penalty = load_mitigation("loss", {"lambda": "0.3"}).penalty

    def loss(phi):
        return penalty(phi[:n].mean(0), phi[n:].mean(0))

    loss(phi).backward()
    difference = (phi[:n].mean(0) - phi[n:].mean(0)).detach()
    torch.testing.assert_close(phi.grad[:n], (2 * 0.3 * difference / n).expand(n, -1))
    m = len(phi) - n
    torch.testing.assert_close(phi.grad[n:], (-2 * 0.3 * difference / m).expand(m, -1))
    step = 1e-6
    for i, j in ((0, 0), (n - 1, 3), (n, 1), (len(phi) - 1, 6)):
        ahead, behind = phi.detach().clone(), phi.detach().clone()
        ahead[i, j] += step
        behind[i, j] -= step
        slope = (loss(ahead) - loss(behind)).item() / (2 * step)
        assert slope == pytest.approx(phi.grad[i, j].item(), rel=1e-6, abs=1e-9)


def test_the_layer_is_handed_on_and_examples_stay(mix, tools):
    made = load_mitigation("loss", {"layer": "2"})
    assert made.layer == 2 and load_mitigation("loss").layer == -1
    assert made.apply(mix, tools) == mix
