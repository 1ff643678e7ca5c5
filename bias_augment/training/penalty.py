"""A mitigation's penalty on the means of phi over the global batch, in parts that add up.

The global batch is what one optimizer step sees: all micro-batches of all processes. phi of
a row is the mean of its hidden states over its tokens, padding left out. A penalty P of the
means E_o[phi] = sum_o phi / N_o and E_a[phi] = sum_a phi / N_a has the gradient
dP/dE_o / N_o for every original row and dP/dE_a / N_a for every augmented one, so each
micro-batch and process contributes

    dP/dE_o . (its sum_o phi) / N_o + dP/dE_a . (its sum_a phi) / N_a,

with the derivatives taken at the means of the whole batch. That is exact however the batch
is split. It needs the sums before the first backward pass: of several processes they are
added up (one small all-reduce); with gradient accumulation a first pass without gradients
finds them.

A batch without augmented (or without original) rows: the missing mean is the running mean of
the batches before (decay `DECAY`), held constant; before the first such row there is no
penalty. Our choice; the paper does not say.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

DECAY = 0.9
"""Weight of the past in the running means."""

ORIGINAL, AUGMENTED = 0, 1


def mean_over_tokens(hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Return phi, float32 of shape (rows, width): the mean of `hidden` over the tokens of a row.

    `hidden` has the shape (rows, tokens, width), `mask` (rows, tokens) is 1 on real tokens.
    """
    weight = mask.to(hidden.device).unsqueeze(-1).float()
    return (hidden.float() * weight).sum(1) / weight.sum(1).clamp_min(1)


def sums_by_origin(phi: torch.Tensor, augmented: torch.Tensor) -> torch.Tensor:
    """Return the sums of phi and the rows of both origins, shape (2, width + 1)."""
    import torch

    rows = torch.stack([~augmented, augmented]).to(phi.dtype).to(phi.device)
    return torch.cat([rows @ phi, rows.sum(1, keepdim=True)], dim=1)


@dataclass
class GlobalPenalty:
    """The penalty of the global batch, part by part (see the module's text).

    Attributes:
        penalty: (E_o[phi], E_a[phi]), each of shape (width,) -> scalar.
        add_up: sums a tensor over the processes.
        processes: how many there are; their gradients are averaged afterwards.
    """

    penalty: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
    add_up: Callable[[torch.Tensor], torch.Tensor] = lambda sums: sums
    processes: int = 1
    _totals: torch.Tensor | None = field(init=False, default=None)
    _parts: int = field(init=False, default=1)
    _running: dict[int, torch.Tensor] = field(init=False, default_factory=dict)
    _distances: list[float] = field(init=False, default_factory=list)

    def begin(self, sums: torch.Tensor, parts: int) -> None:
        """Take the sums of this process's `parts` micro-batches before the first of them."""
        self._totals, self._parts = self.add_up(sums), parts
        self._remember(self._totals)

    def part(self, phi: torch.Tensor, augmented: torch.Tensor) -> torch.Tensor:
        """Return what a micro-batch adds to its process's loss.

        Its gradient is exact; its values sum to the penalty over the micro-batches, in the
        mean over the processes.
        """
        import torch

        own = sums_by_origin(phi, augmented)
        if self._parts == 1:
            self._totals = self.add_up(own.detach())
            self._remember(self._totals)
        assert self._totals is not None
        if len(self._running) < 2:
            return own.sum() * 0.0
        counts = self._totals[:, -1]
        means = [
            (self._totals[side, :-1] / counts[side]) if counts[side] > 0 else self._running[side]
            for side in (ORIGINAL, AUGMENTED)
        ]
        leaves = [mean.detach().requires_grad_() for mean in means]
        with torch.enable_grad():
            value = self.penalty(*leaves)
        slopes = torch.autograd.grad(value, leaves)
        linear = own.new_zeros(())
        for side in (ORIGINAL, AUGMENTED):
            if counts[side] > 0:
                linear = linear + (slopes[side] * own[side, :-1]).sum() / counts[side]
        linear = linear * self.processes
        return linear - linear.detach() + value.detach() / self._parts

    def distance(self) -> float | None:
        """Return the mean squared distance of the two means since the last call, None without."""
        seen, self._distances = self._distances, []
        return sum(seen) / len(seen) if seen else None

    def _remember(self, totals: torch.Tensor) -> None:
        for side in (ORIGINAL, AUGMENTED):
            if totals[side, -1] > 0:
                mean = (totals[side, :-1] / totals[side, -1]).detach()
                past = self._running.get(side)
                self._running[side] = mean if past is None else DECAY * past + (1 - DECAY) * mean
        if (totals[:, -1] > 0).all():
            means = totals[:, :-1] / totals[:, -1:]
            self._distances.append(float(((means[0] - means[1]) ** 2).sum()))
