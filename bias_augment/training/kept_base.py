"""A base that stays in memory while one adapter after the other is trained on it."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING

from bias_inherit.base_state import BaseState, base_state
from bias_inherit.bias_augment.training.base_model import load_base
from bias_inherit.bias_augment.training.known_tokens import KnownTokens
from bias_inherit.bias_augment.training.settings import Settings
from bias_inherit.models import fingerprint, load_tokenizer

if TYPE_CHECKING:
    from peft import PeftModel
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


class KeptBase:
    """A base and its tokenizer, each training of which begins as if it had just been loaded.

    A base that a training has changed in anything but what can be taken back is loaded anew.

    Args:
        base: folder or hub id of a causal model.

    Attributes:
        loads: how often it was loaded.
    """

    def __init__(self, base: str) -> None:
        self.base = base
        self.loads = 0
        self._tokenizer: PreTrainedTokenizerBase | None = None
        self._model: PreTrainedModel | None = None
        self._bf16 = False
        self._how: tuple[str, bool] | None = None
        self._untouched = BaseState()

    def tokenizer(self) -> PreTrainedTokenizerBase:
        """Return the tokenizer."""
        if self._tokenizer is None:
            self._tokenizer = load_tokenizer(self.base)
        return self._tokenizer

    @cached_property
    def ids_of(self) -> KnownTokens:
        """Gives the tokens of a text, made once for all trainings."""
        return KnownTokens(self.tokenizer())

    @cached_property
    def fingerprint(self) -> str | None:
        """What identifies the base's weights; read once."""
        return fingerprint(self.base)

    def lend(self, settings: Settings) -> tuple[PreTrainedModel, bool]:
        """Return the base as `load_base` does, and whether it computes in bf16.

        Raises:
            InputError: as `load_base`.
        """
        how = (settings.precision, settings.quantize)
        if self._model is None or self._how != how:
            self.drop()
            self._model, self._bf16 = self._load(settings)
            self._untouched, self._how = base_state(self._model), how
            self.loads += 1
        return self._model, self._bf16

    def _load(self, settings: Settings) -> tuple[PreTrainedModel, bool]:
        return load_base(self.base, settings)

    @contextmanager
    def wearing(self, adapt: Callable[[PreTrainedModel], PeftModel]) -> Iterator[PeftModel]:
        """Yield the model that was lent with an adapter, which is taken off at the end.

        A base that is then not what it was before (recomputed activations leave hooks in it) is
        dropped, as after an error.

        Args:
            adapt: puts the adapter on.
        """
        assert self._model is not None, "lend comes first"
        try:
            adapted = adapt(self._model)
            yield adapted
            self._take_off(adapted)
        except BaseException:
            self.drop()
            raise

    def _take_off(self, adapted: PeftModel) -> None:
        model = adapted.unload()
        model.eval()
        is_quantized = self._how is not None and self._how[1]
        if is_quantized or base_state(model) != self._untouched:
            self.drop()

    def drop(self) -> None:
        """Let go of the model before another is loaded, so that there are never two."""
        import torch

        self._model = None
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
