"""One base that wears one adapter after the other, each as if the base had just been loaded.

An adapter may change the base's own weights: PiSSA and OLoRA take their start out of them,
`bias="all"` stores biases, some save whole layers. So after each adapter it is taken off and
the base's tensors are compared with what they were, by hashes; a base that differs in anything
is loaded anew. That is one pass over the weights per adapter and no second copy of them.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bias_inherit.errors import InputError
from bias_inherit.models import adapter_sha256

if TYPE_CHECKING:
    import torch
    from lm_eval.models.huggingface import HFLM
    from peft import PeftModel
    from transformers import PreTrainedModel

SEED = 1234
"""lm-eval's own seed of torch, from which an adapter's sampled answers start."""


class Wardrobe:
    """A base model inside lm-eval's hf model, and the adapter that it wears.

    Args:
        base: folder or hub id of a causal model.
        fingerprint: what identifies the base (`models.fingerprint`).
        batch_size: rows per forward pass.
        device: such as "cpu" or "cuda:1"; None takes a GPU where there is one.
        progress: whether lm-eval shows its bars.
    """

    def __init__(
        self,
        base: str,
        fingerprint: str | None,
        batch_size: int,
        device: str | None,
        progress: bool,
    ) -> None:
        self.base, self.fingerprint = base, fingerprint
        self._batch_size, self._device, self._progress = batch_size, device, progress
        self.loads = 0
        """How often the base was loaded."""
        self._load()

    def _load(self) -> None:
        import torch

        device = self._device or ("cuda" if torch.cuda.is_available() else "cpu")
        self.lm = _hf_model(self.base, self._batch_size, device, self._progress)
        self._kept = tensor_hashes(self.lm._model)
        self._resized = False
        self.loads += 1

    def bare(self) -> HFLM:
        """Return the base without an adapter, as it was loaded."""
        if self._resized:
            self._load()
        self.lm.hashes = {"base_fingerprint": self.fingerprint, "adapter_sha256": None}
        self.lm.peft, self.lm.start = None, None
        return self.lm

    def put_on(self, adapter: Path) -> HFLM:
        """Return the base with an adapter on it, as `lm_eval --model_args peft=…` loads it.

        Raises:
            InputError: it cannot be loaded, or some of its tensors do not fit the base.
        """
        import torch
        from peft import PeftModel

        self._resize()
        torch.manual_seed(SEED)  # peft draws numbers for weights that it then overwrites
        model = self.lm._model
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)  # missing keys are an error below
                worn = PeftModel.from_pretrained(model, str(adapter))
                state = torch.get_rng_state()
                problem = _misfit(worn, adapter)
        except InputError:
            raise
        except Exception as error:  # peft raises many types
            self._load()
            reason = " ".join(str(error).split())[:300] or type(error).__name__
            raise InputError(f"adapter {adapter} does not fit {self.base}: {reason}") from None

        self.lm._model = worn.eval()
        if problem:
            self.take_off()
            raise InputError(f"adapter {adapter} does not fit {self.base}: {problem}")

        self.lm.peft, self.lm.start = str(adapter), state
        self.lm.hashes = {
            "base_fingerprint": self.fingerprint,
            "adapter_sha256": adapter_sha256(adapter),
        }
        return self.lm

    def take_off(self) -> None:
        """Take the adapter off; the base is what it was before, or is loaded anew."""
        from peft import PeftModel

        worn = self.lm._model
        if not isinstance(worn, PeftModel):
            return
        try:
            self.lm._model = _base_of(worn)
            same = tensor_hashes(self.lm._model) == self._kept
        except Exception:  # a kind of adapter that cannot be taken off
            same = False
        if not same:
            self._load()

    def _resize(self) -> None:
        """Fit the embeddings to the tokenizer, as lm-eval does before it loads an adapter."""
        config = getattr(self.lm._model.config, "text_config", self.lm._model.config)
        tokens = len(self.lm.tokenizer)
        if getattr(config, "vocab_size", tokens) != tokens:
            self.lm._model.resize_token_embeddings(tokens)
            self._resized = True
            self._kept = tensor_hashes(self.lm._model)


def _hf_model(base: str, batch_size: int, device: str, progress: bool) -> HFLM:
    """Return lm-eval's hf model, whose info names the hashes of base and adapter."""
    import torch
    from lm_eval.models.huggingface import HFLM

    class AdapterLM(HFLM):  # type: ignore[misc]  # lm_eval, untyped to mypy
        hashes: Mapping[str, str | None] = {}
        start: torch.Tensor | None = None
        """State of torch's generator after the adapter was loaded."""

        def loglikelihood(self, requests: Any, disable_tqdm: bool = False) -> Any:
            return super().loglikelihood(requests, disable_tqdm or not progress)

        def generate_until(self, requests: Any, disable_tqdm: bool = False) -> Any:
            if self.start is not None:  # as the plain command, which loads after seeding
                torch.set_rng_state(self.start)
            return super().generate_until(requests, disable_tqdm or not progress)

        def get_model_info(self) -> dict[str, Any]:
            return {**super().get_model_info(), **self.hashes}

    return AdapterLM(pretrained=base, batch_size=batch_size, device=device)


def _base_of(worn: PeftModel) -> PreTrainedModel:
    """Return the model without its adapter."""
    if worn.active_peft_config.is_prompt_learning:
        return worn.get_base_model()
    return worn.unload()


def _misfit(worn: PeftModel, adapter: Path) -> str:
    """Return what is wrong with the tensors of an adapter that was just loaded, "" for nothing.

    peft ignores tensors that belong to no layer, and starts missing ones at random.
    """
    from peft.utils import load_peft_weights

    config = worn.active_peft_config
    if config.is_prompt_learning:  # whose tensors peft loads strictly
        return ""
    stored = load_peft_weights(str(adapter), device="cpu")
    found = worn.load_adapter(str(adapter), adapter_name=worn.active_adapter, torch_device="cpu")

    unexpected = sorted(found.unexpected_keys)
    if stored and len(unexpected) >= len(stored):
        return (
            f"none of its {len(stored)} tensors belongs to a layer of the base (first: "
            f"{next(iter(stored))})"
        )
    if unexpected:
        return (
            f"{len(unexpected)} of its {len(stored)} tensors belong to no layer of the base "
            f"(first: {unexpected[0]})"
        )
    missing = sorted(found.missing_keys)
    if missing:
        return f"{len(missing)} tensors are missing in it (first: {missing[0]})"
    return ""


def tensor_hashes(model: torch.nn.Module) -> dict[str, tuple[object, ...]]:
    """Return what tells a model's tensors from others: name -> shape, type and hash.

    Parameters and buffers; of tied ones each name. On a CPU a hash is of the bytes; on another
    device of the bits of each row and each column, so that nothing large is copied.
    """
    named: list[tuple[str, torch.Tensor]] = [*model.named_parameters(remove_duplicate=False)]
    named += model.named_buffers(remove_duplicate=False)
    return {name: (tuple(t.shape), str(t.dtype), _hash(t.detach())) for name, t in named}


def _hash(tensor: torch.Tensor) -> str:
    import torch
    import xxhash

    digest = xxhash.xxh3_128()
    parts = [tensor]
    if tensor.device.type != "cpu" and tensor.dim() > 1 and hasattr(torch, "hash_tensor"):
        parts = [torch.hash_tensor(tensor, dim) for dim in (0, tensor.dim() - 1)]
    for part in parts:
        digest.update(part.cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()
