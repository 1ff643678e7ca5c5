"""Models on disk: is a base a causal model, which base or adapter is it, and do they fit."""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from bias_inherit import gguf, store
from bias_inherit.errors import InputError

if TYPE_CHECKING:
    from peft import PeftModel
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

ADAPTER_CONFIG, BASE_PATH = "adapter_config.json", "base_model_name_or_path"
"""peft's file beside an adapter's weights, and its entry that names the base."""

LAB = "lab"
"""Name of the built-in toy model, wherever a model is asked for."""

_WEIGHTS = ("*.safetensors", "*.bin", "config.json")


def check_causal(base: str) -> None:
    """Check that `base` is a causal language model, without loading its weights.

    Raises:
        InputError: it cannot be found, or is another kind of model.
    """
    from transformers import AutoConfig
    from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES

    if Path(base).is_dir() and not (Path(base) / "config.json").is_file():
        raise InputError(f"{base}: has no config.json, so it is not a transformers model")
    try:
        config = AutoConfig.from_pretrained(base)
    except (OSError, ValueError) as error:
        reason = str(error).strip().splitlines()[0]
        raise InputError(f"base model '{base}' cannot be loaded: {reason}") from None

    classes: set[str] = set()
    for names in MODEL_FOR_CAUSAL_LM_MAPPING_NAMES.values():
        classes.update([names] if isinstance(names, str) else names)
    architectures = config.architectures or []
    if not classes & set(architectures):
        found = ", ".join(architectures) or config.model_type
        raise InputError(f"base model '{base}' is not a causal language model ({found})")


def fingerprint(base: str) -> str | None:
    """Return what identifies a base's weights: a sha256 for a folder, the commit for a hub id."""
    folder = Path(base)
    if folder.is_dir():
        files = sorted(path for pattern in _WEIGHTS for path in folder.glob(pattern))
        return store.sha256_lines(f"{path.name} {store.sha256(path)}" for path in files)
    from transformers import AutoConfig

    commit: str | None = getattr(AutoConfig.from_pretrained(base), "_commit_hash", None)
    return commit


def is_same_base(one: str | None, other: str | None) -> bool | None:
    """Return whether two fingerprints are of one base; None where they do not tell.

    That of a folder is a sha256, that of a hub id a commit: neither tells of the other.
    """
    if not one or not other or len(one) != len(other):
        return None
    return one == other


def adapter_name(folder: Path) -> str:
    """Return an adapter's name: its folder's, or the parent's where that is `adapter`."""
    whole = folder.resolve()
    return whole.parent.name if whole.name == "adapter" else whole.name


def adapter_sha256(folder: Path) -> str:
    """Return the sha256 that identifies an adapter: its weights and its configuration.

    Where its base lies on this machine is no part of it.

    Raises:
        InputError: the folder holds no peft adapter, or its configuration is not a JSON object.
    """
    weights = [folder / name for name in ("adapter_model.safetensors", "adapter_model.bin")]
    found, config = [path for path in weights if path.is_file()], folder / ADAPTER_CONFIG
    if not found or not config.is_file():
        raise InputError(f"{folder}: is not an adapter folder (needs {ADAPTER_CONFIG} and weights)")
    settings = store.read_json(config)
    if not isinstance(settings, dict):
        raise InputError(f"{config}: is not a JSON object")
    settings.pop(BASE_PATH, None)
    lines = [json.dumps(settings, sort_keys=True)]
    return store.sha256_lines([*lines, *(f"{path.name} {store.sha256(path)}" for path in found)])


def resolve_model(name: str) -> str:
    """Return a model's folder or hub id as it is; of a GGUF file, and of `lab`, the folder.

    Raises:
        InputError: a GGUF file cannot be read.
    """
    if name.lower().endswith(gguf.SUFFIX) and not Path(name).is_dir():
        return str(gguf.converted(Path(name)))
    if name != LAB:
        return name
    return str((Path(__file__).parent / "bias_augment" / "lab" / LAB).resolve())


def load_tokenizer(name: str) -> PreTrainedTokenizerBase:
    """Return the tokenizer of a model.

    Raises:
        InputError: it cannot be loaded.
    """
    from transformers import AutoTokenizer

    try:
        return AutoTokenizer.from_pretrained(resolve_model(name))
    except (OSError, ValueError) as error:
        reason = str(error).strip().splitlines()[0]
        raise InputError(f"tokenizer '{name}' cannot be loaded: {reason}") from None


def load_adapter(
    model: PreTrainedModel, folder: Path, base: str, is_trainable: bool = False
) -> PeftModel:
    """Return a base with an adapter on it, each of whose tensors is in its place.

    peft alone ignores tensors that belong to no layer, and draws missing ones at random.

    Args:
        model: the base. It is changed; after an error it must be loaded anew.
        folder: the adapter's.
        base: the base's name, for the message.
        is_trainable: whether the adapter is going to be trained on.

    Raises:
        InputError: the adapter cannot be loaded, or a tensor belongs nowhere, is missing or has
            another shape than its layer: how many, and the first.
    """
    import torch
    from peft import PeftModel

    try:
        with warnings.catch_warnings():
            # both are of no use to anybody: missing tensors are an error below, and a base that
            # wore another adapter before is what a second one is put on
            warnings.filterwarnings("ignore", "Found missing adapter keys")
            warnings.filterwarnings("ignore", "Already found a `peft_config` attribute")
            worn = PeftModel.from_pretrained(model, str(folder), is_trainable=is_trainable)
            problem = _misplaced(worn, folder, is_trainable)
    except torch.OutOfMemoryError:
        raise
    except Exception as error:  # peft raises many types
        problem = _reason(error)
    if problem:
        raise InputError(f"adapter {folder} does not fit {base}: {problem}")
    return worn


def _misplaced(worn: PeftModel, folder: Path, is_trainable: bool) -> str:
    """Return which tensors of an adapter that was just loaded are out of place, "" for none."""
    from peft.utils import get_peft_model_state_dict, load_peft_weights

    name, config = worn.active_adapter, worn.active_peft_config
    stored = set(load_peft_weights(str(folder), device="cpu"))
    saved = set(get_peft_model_state_dict(worn, save_embedding_layers=False))

    if config.is_prompt_learning:  # peft tells nothing of these; their tensors have fixed names
        return _counted(stored - saved, saved - stored, len(stored))

    # peft tells what it could not place only to who loads by name: so once more, with what is
    # there already
    told = worn.load_adapter(
        str(folder), adapter_name=name, is_trainable=is_trainable, torch_device="cpu"
    )
    missing = _not_shared(worn, told.missing_keys)
    if stored <= saved:  # of this peft's form: so the tensors beside the layers count too (biases)
        missing |= saved - stored if not missing else set()
    return _counted(told.unexpected_keys, missing, len(stored))


def _not_shared(worn: PeftModel, missing: Iterable[str]) -> set[str]:
    """Return the missing tensors, less other names of one that was loaded (a shared bank)."""
    named = dict(worn.named_parameters(remove_duplicate=False))
    absent = set(missing)
    loaded = {id(tensor) for name, tensor in named.items() if name not in absent}
    return {name for name in absent if id(named.get(name)) not in loaded}


def _counted(unexpected: Iterable[str], missing: Iterable[str], stored: int) -> str:
    """Return what is wrong with an adapter's tensors as a clause, "" for nothing."""
    strange, absent = sorted(unexpected), sorted(missing)
    if strange and len(strange) >= stored:
        return f"none of its {stored} tensors belongs to a layer of the base (first: {strange[0]})"

    parts = []
    if strange:
        parts.append(
            f"{len(strange)} of its {stored} tensors belong to no layer of the base "
            f"(first: {strange[0]})"
        )
    if absent:
        are = "tensor is" if len(absent) == 1 else "tensors are"
        parts.append(f"{len(absent)} {are} missing in it (first: {absent[0]})")
    return ", and ".join(parts)


_OTHER_SHAPE = re.compile(
    r"size mismatch for (\S+): copying a param with shape torch\.Size\(\[([\d, ]*)\]\) from "
    r"checkpoint, the shape in current model is torch\.Size\(\[([\d, ]*)\]\)"
)
"""How torch words it."""


def _reason(error: Exception) -> str:
    """Return why an adapter could not be loaded, on one line."""
    if isinstance(error, KeyError) and error.args:
        return f"the tensor or entry '{error.args[0]}' is missing in it"
    if shapes := _OTHER_SHAPE.findall(str(error)):
        name, found, wanted = shapes[0]
        has = "tensor has" if len(shapes) == 1 else "tensors have"
        return (
            f"{len(shapes)} {has} another shape than the layer (first: {name} is [{found}], "
            f"[{wanted}] is needed)"
        )
    return " ".join(str(error).split())[:300] or type(error).__name__
