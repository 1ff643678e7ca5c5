"""Loss-based mitigation: hold the mean states of original and augmented rows together.

Source: arXiv 2502.04419 (loss mitigation): SFT loss + lambda * (E_o[phi] - E_a[phi])^2, phi the
mean over a row's tokens of the last layer's hidden states. The square of a vector is read here
as its squared Euclidean norm, and an expectation as the mean over the rows of a batch.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from bias_inherit.mitigations.contract import Mitigation
from bias_inherit.mitigations.options import Option, integer, number
from bias_inherit.mitigations.registry import Recipe, register

if TYPE_CHECKING:
    import torch

SUMMARY = "Add lambda * |E_o[phi] - E_a[phi]|^2 to the loss: phi is a row's mean hidden state."
LAMBDA = 0.01
"""The default, ours: the paper's is not known. The squared norm is a sum over the hidden states'
width, so it grows with the width (and with the scale of the states): a lambda that does well on
one base is too large by about the ratio of widths on a wider one."""


def squared_distance(original: torch.Tensor, augmented: torch.Tensor) -> torch.Tensor:
    """Return |E_o - E_a|^2, a scalar, from two means of shape (width,).

    Its gradient is 2 (E_o - E_a) by E_o and the negative of that by E_a; by one of n_o original
    rows' phi it is 2 (E_o - E_a) / n_o. It is 0 where the means are equal, and never below.
    """
    return (original - augmented).square().sum()


def make(options: Mapping[str, Any]) -> Mitigation:
    """Return the mitigation with options `lambda` and `layer`."""

    def penalty(original: torch.Tensor, augmented: torch.Tensor) -> torch.Tensor:
        weight: float = options["lambda"]
        return weight * squared_distance(original, augmented)

    return Mitigation("loss", SUMMARY, penalty=penalty, layer=options["layer"])


RECIPE = register(
    Recipe(
        "loss",
        SUMMARY,
        make,
        (
            Option("lambda", LAMBDA, "weight of the squared distance, 0 or more", number(0)),
            Option("layer", -1, "hidden states to hold together: -1 the last layer's", integer),
        ),
    )
)
