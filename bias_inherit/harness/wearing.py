"""One base that wears one adapter after the other, each as if the base had just been loaded.

An adapter may change the base's own weights: PiSSA and OLoRA take their start out of them,
`bias="all"` stores biases, some save whole layers. So when an adapter has been taken off, the
base is compared with what it was: its tensors by hashes, its modules and its configuration by
what they are. A base that differs in anything is dropped, and loaded anew when it is next
needed. That is one pass over the weights per adapter, and never a second copy of them.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from bias_inherit.base_state import BaseState, base_state
from bias_inherit.errors import InputError, one_line
from bias_inherit.models import adapter_sha256, load_adapter, load_model, load_tokenizer

if TYPE_CHECKING:
    import torch
    from lm_eval.api.instance import Instance
    from lm_eval.models.huggingface import HFLM
    from peft import PeftModel
    from transformers import PreTrainedModel

    from bias_inherit.harness.journal import Keeper
    from bias_inherit.harness.together import Together

_TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json")


def check_device(device: str | None) -> None:
    """Check that a device is one that lm-eval would take: it computes elsewhere without a word.

    Raises:
        InputError: there is no such device on this machine.
    """
    import torch

    there = ["cpu"]
    if torch.cuda.is_available():
        there += ["cuda", *(f"cuda:{i}" for i in range(torch.cuda.device_count()))]
    if torch.backends.mps.is_available():
        there += ["mps", "mps:0"]
    if device is not None and device not in there:
        raise InputError(f"device '{device}': there is none here ({', '.join(there)})")


class Wardrobe:
    """A base model inside lm-eval's hf model, and the adapter that it wears.

    Args:
        base: folder or hub id of a causal model.
        fingerprint: what identifies the base (`models.fingerprint`).
        batch_size: rows per forward pass.
        device: such as "cpu" or "cuda:1"; None takes a GPU where there is one.
        progress: whether lm-eval shows its bars.
        template_args: of the chat template.
        exact: whether lm-eval's own way computes, without what is faster.

    Attributes:
        loads: how often the base was loaded.
    """

    def __init__(
        self,
        base: str,
        fingerprint: str | None,
        batch_size: int,
        device: str | None,
        progress: bool,
        template_args: Mapping[str, Any] | None = None,
        exact: bool = False,
    ) -> None:
        self._exact = exact
        self.base, self.fingerprint = base, fingerprint
        self._batch_size, self._device, self._progress = batch_size, device, progress
        self._template_args = dict(template_args or {})
        self._lm: HFLM | None = None
        self._untouched = BaseState()
        self._after_resize: GeneratorStates | None = None
        self.loads = 0

    def bare(self) -> HFLM:
        """Return the base without an adapter, as it was loaded."""
        self.take_off()
        if self._after_resize is not None:
            self.drop()
        lm = self._loaded(None)
        lm.peft, lm.start, lm.hashes = None, None, self._hashes(None)
        return lm

    def put_on(self, adapter: Path) -> HFLM:
        """Return the base with an adapter on it, as `lm_eval --model_args peft=…` loads it.

        An adapter with more words than the base gets the tokenizer that lies beside it, as
        `tokenizer=…` would give it.

        Raises:
            InputError: it cannot be loaded, some of its tensors do not fit the base, or the model
            does not run with it.
        """
        self.take_off()
        try:
            return self._put_on(adapter, None)
        except InputError as error:
            problem, own = error, self._own_tokenizer(adapter)
        try:
            if own is not None:
                return self._put_on(adapter, own)
        except InputError:
            pass  # then the words were not what is wrong
        raise problem from None

    def _put_on(self, adapter: Path, tokenizer: str | None) -> HFLM:
        lm = self._loaded(tokenizer)
        seed_like_lm_eval()  # numbers are drawn for new words, and by peft
        self._resize(lm)
        try:
            lm._model = load_adapter(lm._model, adapter, self.base)
            start = GeneratorStates.now()
            _check_runs(lm, adapter)
        except InputError:
            lm = None
            self.drop()
            raise

        lm.peft, lm.start = str(adapter), start
        lm.hashes = self._hashes(adapter_sha256(adapter))
        return lm

    def take_off(self) -> None:
        """Take the adapter off; a base that is not what it was before is dropped."""
        from peft import PeftModel

        if self._lm is None or not isinstance(self._lm._model, PeftModel):
            return
        try:
            self._lm._model = _base_of(self._lm._model)
            is_untouched = base_state(self._lm._model) == self._untouched
        except Exception:  # some kinds of adapter cannot be taken off
            is_untouched = False
        if not is_untouched:
            self.drop()

    def _own_tokenizer(self, adapter: Path) -> str | None:
        """Return the folder of an adapter whose tokenizer has other tokens than the base's."""
        if not any((adapter / name).is_file() for name in _TOKENIZER_FILES):
            return None
        here, there = load_tokenizer(str(adapter)), load_tokenizer(self.base)
        return str(adapter) if len(here) != len(there) else None

    def _loaded(self, tokenizer: str | None) -> HFLM:
        """Return the base, loaded where it is not there with that tokenizer (None: its own)."""
        if self._lm is not None and self._lm.tokenizer_folder != tokenizer:
            self.drop()
        if self._lm is None:
            import torch

            device = self._device or ("cuda" if torch.cuda.is_available() else "cpu")
            made = _hf_model_class(self._progress, self._exact)
            self._lm = made(
                pretrained=self.base,
                tokenizer=tokenizer,
                batch_size=self._batch_size,
                device=device,
                chat_template_args=self._template_args,
            )
            self._lm.tokenizer_folder = tokenizer
            self._untouched = base_state(self._lm._model)
            self._after_resize = None
            self.loads += 1
        return self._lm

    def drop(self) -> None:
        """Let go of the base before it is loaded anew, so that there are never two of it."""
        import gc

        import torch

        self._lm = None
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()

    def _resize(self, lm: HFLM) -> None:
        """Fit the embeddings to the tokenizer, as lm-eval does before it loads an adapter.

        Where they fit since an earlier adapter, the generators go on from where they were then.
        """
        config = getattr(lm._model.config, "text_config", lm._model.config)
        tokens = lm.tokens
        if getattr(config, "vocab_size", tokens) != tokens:
            lm._model.resize_token_embeddings(tokens)
            self._untouched = base_state(lm._model)
            self._after_resize = GeneratorStates.now()
        elif self._after_resize is not None:
            self._after_resize.restore()

    def _hashes(self, adapter_sha256: str | None) -> dict[str, str | None]:
        return {"base_fingerprint": self.fingerprint, "adapter_sha256": adapter_sha256}


def _hf_model_class(progress: bool, exact: bool) -> type[HFLM]:
    """Return our kind of lm-eval's hf model, whose info names the hashes of base and adapter."""
    from lm_eval.models.huggingface import HFLM

    from bias_inherit.harness.journal import units
    from bias_inherit.harness.lm import SharingLM

    class CheckedModel:
        from_pretrained = staticmethod(load_model)

    plain: Any = HFLM if exact else SharingLM

    class AdapterLM(plain):  # type: ignore[misc]  # a base class chosen at run time
        tokenizer_folder: str | None = None
        """Where the tokenizer is from, unless it is the base's."""
        tokens: int = 0
        """Of the tokenizer as it was read: lm-eval may add one to pad with later."""
        hashes: Mapping[str, str | None] = {}
        start: GeneratorStates | None = None
        """Of torch's generators after the adapter was loaded."""
        together: Together | None = None
        """Whom it answers with."""
        name: str = ""
        """Under which it does."""
        keeper: Keeper | None = None
        """Keeps answers, so that a run that was killed goes on."""

        def _get_backend(self, *more: object, **named: object) -> None:
            super()._get_backend(*more, **named)
            if self.backend == "causal":  # the same class, and an error where a weight is missing
                self.AUTO_MODEL_CLASS = CheckedModel

        def _create_tokenizer(self, *more: object, **named: object) -> None:
            super()._create_tokenizer(*more, **named)
            self.tokens = len(self.tokenizer)

        def loglikelihood(
            self, requests: list[Instance], disable_tqdm: bool = False
        ) -> list[tuple[float, bool]]:
            return self._answers(requests, super().loglikelihood, disable_tqdm or not progress)

        def generate_until(self, requests: list[Instance], disable_tqdm: bool = False) -> list[str]:
            return self._answers(requests, super().generate_until, disable_tqdm or not progress)

        def _answers(
            self, requests: list[Instance], ask: Callable[..., list[Any]], hides: bool
        ) -> list[Any]:
            """Return answers that are known, that others with it give, or that lm-eval asks for."""
            answers: list[Any] = [None] * len(requests)
            is_one = exact or self.keeper is None
            for places in [list(range(len(requests)))] if is_one else units(requests):
                some = [requests[i] for i in places]
                found = None if self.keeper is None else self.keeper.known(self.name, some)
                if found is None and self.together is not None:
                    found = self.together.answers(self, self.name, some, not hides, self.keeper)
                if found is None:
                    if self.start is not None and some[0].request_type == "generate_until":
                        self.start.restore()  # as the plain command, which loads after seeding
                    found = ask(some, disable_tqdm=hides)
                    if self.keeper is not None:
                        self.keeper.keep(self.name, some, found)
                for i, answer in zip(places, found, strict=True):
                    answers[i] = answer
            return answers

        def get_model_info(self) -> dict[str, object]:
            return {**super().get_model_info(), **self.hashes}

    return AdapterLM


def _check_runs(lm: HFLM, adapter: Path) -> None:
    """Do with the model what lm-eval does: some kinds of adapter do not bear it.

    It ties the embeddings again, which may change what an adapter saved of them, or fail; and
    it gives a forward pass nothing but tokens.
    """
    import torch

    try:
        lm._model.eval()
        lm._model.tie_weights()
        lm._model_call(torch.zeros((1, 1), dtype=torch.long, device=lm.device))
    except torch.OutOfMemoryError:
        raise
    except Exception as error:  # whatever an adapter's forward pass raises
        kind = lm._model.active_peft_config.peft_type.value
        raise InputError(
            f"adapter {adapter} ({kind}) does not run as lm-eval runs a model: {one_line(error)}"
        ) from None


def seed_like_lm_eval() -> None:
    """Seed as `lm_eval` does before it loads a model: its defaults for its three generators."""
    import numpy as np
    import torch

    random.seed(0)
    np.random.seed(1234)
    torch.manual_seed(1234)


class GeneratorStates(NamedTuple):
    """The states of torch's generators: the CPU's, and each GPU's."""

    cpu: torch.Tensor
    gpus: list[torch.Tensor]

    @classmethod
    def now(cls) -> GeneratorStates:
        """Return the states as they are."""
        import torch

        gpus = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
        return cls(torch.get_rng_state(), gpus)

    def restore(self) -> None:
        """Go on drawing from here."""
        import torch

        torch.set_rng_state(self.cpu)
        if self.gpus:
            torch.cuda.set_rng_state_all(self.gpus)


def _base_of(worn: PeftModel) -> PreTrainedModel:
    """Return the model without its adapter."""
    if worn.active_peft_config.is_prompt_learning:
        return worn.get_base_model()
    return worn.unload()
