"""Mitigations: ways to train on biased text that may let less of the bias through.

One file each, one small contract: a mitigation may change the augmented examples before
training, and may add a term to the loss. To add one, write a module with a `MITIGATION`
and name it in `_MODULES`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from bias_inherit.errors import unknown

if TYPE_CHECKING:
    import torch

Example = dict[str, Any]
Transform = Callable[[Example], Example]
Penalty = Callable[["torch.Tensor", "torch.Tensor", "torch.Tensor"], "torch.Tensor"]
"""(hidden, mask, augmented) -> scalar: `hidden` is the last layer's state of shape (rows,
tokens, width), `mask` of shape (rows, tokens) is 1 on real tokens, `augmented` of shape
(rows,) is True on rows of D_a. The result is added to the loss."""


@dataclass(frozen=True)
class Mitigation:
    """What a mitigation does; both parts are optional.

    Attributes:
        transform: applied to each augmented example; originals and labels stay untouched.
        penalty: added to the training loss of a batch.
    """

    name: str
    summary: str
    transform: Transform | None = None
    penalty: Penalty | None = None

    def apply(self, examples: Iterable[Example]) -> list[Example]:
        """Return the examples with `transform` applied to the augmented ones."""
        transform = self.transform
        if transform is None:
            return list(examples)
        return [transform(e) if e["origin"] == "augmented" else e for e in examples]


NONE = Mitigation("none", "Train on the mix as it is.")
_MODULES = ("mask",)


def mitigations() -> Mapping[str, Mitigation]:
    """Return every mitigation by name; "none" is one of them."""
    found = [import_module(f"{__name__}.{module}").MITIGATION for module in _MODULES]
    return {mitigation.name: mitigation for mitigation in (NONE, *found)}


def load_mitigation(name: str) -> Mitigation:
    """Return the mitigation of that name.

    Raises:
        InputError: there is none; near names are suggested.
    """
    known = mitigations()
    if name not in known:
        raise unknown("mitigation", name, known)
    return known[name]
