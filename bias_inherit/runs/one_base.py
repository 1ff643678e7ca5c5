"""One base in memory that is trained on and scored with, in turn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from bias_inherit.bias_augment.training.kept_base import KeptBase
from bias_inherit.bias_augment.training.settings import Settings
from bias_inherit.harness.options import Options
from bias_inherit.harness.score import Kept

if TYPE_CHECKING:
    from transformers import PreTrainedModel

    from bias_inherit.harness.wearing import Wardrobe


class OneBase(KeptBase):
    """A base for training that is the one which adapters are scored on, where that has its type.

    Args:
        base: folder or hub id of a causal model.
        kept: what scoring keeps.
        options: of the scoring.
        written: arguments of the chat template under which it scores.
    """

    def __init__(self, base: str, kept: Kept, options: Options, written: Mapping[str, Any]) -> None:
        super().__init__(base)
        self._scoring = kept, options, written
        self._is_shared = False

    def lend(self, settings: Settings) -> tuple[PreTrainedModel, bool]:
        """Return the base as `KeptBase` does; where scoring loaded it anew, that one."""
        if self._is_shared and self._scored().bare().model is not self._model:
            self._model = None
        return super().lend(settings)

    def drop(self) -> None:
        """Let go of the model, also of the one that is scored on."""
        super().drop()
        if self._is_shared:
            self._is_shared = False
            self._scored().drop()

    def _load(self, settings: Settings) -> tuple[PreTrainedModel, bool]:
        import torch

        on_gpu = torch.cuda.is_available()
        bf16 = settings.precision == "bf16" or (settings.precision == "auto" and on_gpu)
        model = self._scored().bare().model
        wanted = torch.bfloat16 if bf16 else torch.float32
        self._is_shared = not settings.quantize and model.dtype == wanted
        return (model, bf16) if self._is_shared else super()._load(settings)

    def _scored(self) -> Wardrobe:
        kept, options, written = self._scoring
        return kept.wardrobe(self.base, options, written)
