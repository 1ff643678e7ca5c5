"""Models on disk: is a base a causal model, and which base or adapter is it."""

from __future__ import annotations

import json
from pathlib import Path

from bias_inherit import store
from bias_inherit.errors import InputError

ADAPTER_CONFIG, BASE_PATH = "adapter_config.json", "base_model_name_or_path"
"""peft's file beside an adapter's weights, and its entry that names the base."""

_WEIGHTS = ("*.safetensors", "*.bin", "config.json")


def check_causal(base: str) -> None:
    """Check that `base` is a causal language model, without loading its weights.

    Raises:
        InputError: it cannot be found, or is another kind of model.
    """
    from transformers import AutoConfig
    from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES

    if Path(base).is_dir() and not (Path(base) / "config.json").is_file():
        raise InputError(f"{base}: has no config.json, so it is no transformers model")
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
        raise InputError(f"base model '{base}' is no causal language model ({found})")


def fingerprint(base: str) -> str | None:
    """Return what identifies a base's weights: a sha256 for a folder, the commit for a hub id."""
    folder = Path(base)
    if folder.is_dir():
        files = sorted(path for pattern in _WEIGHTS for path in folder.glob(pattern))
        return store.sha256_lines(f"{path.name} {store.sha256(path)}" for path in files)
    from transformers import AutoConfig

    commit: str | None = getattr(AutoConfig.from_pretrained(base), "_commit_hash", None)
    return commit


def adapter_name(folder: Path) -> str:
    """Return an adapter's name: its folder's, or the parent's where that is `adapter`."""
    whole = folder.resolve()
    return whole.parent.name if whole.name == "adapter" else whole.name


def adapter_sha256(folder: Path) -> str:
    """Return the sha256 that identifies an adapter: its weights and its configuration.

    Where its base lies on this machine is no part of it.

    Raises:
        InputError: the folder holds no peft adapter, or its configuration is no JSON object.
    """
    weights = [folder / name for name in ("adapter_model.safetensors", "adapter_model.bin")]
    found, config = [path for path in weights if path.is_file()], folder / ADAPTER_CONFIG
    if not found or not config.is_file():
        raise InputError(f"{folder}: is no adapter folder (needs {ADAPTER_CONFIG} and weights)")
    settings = store.read_json(config)
    if not isinstance(settings, dict):
        raise InputError(f"{config}: is no JSON object")
    settings.pop(BASE_PATH, None)
    lines = [json.dumps(settings, sort_keys=True)]
    return store.sha256_lines([*lines, *(f"{path.name} {store.sha256(path)}" for path in found)])


LAB = "lab"
"""Name of the built-in toy model, wherever a model is asked for."""


def resolve_model(name: str) -> str:
    """Return a model's folder or hub id as it is; `lab` is the folder of the toy model."""
    if name != LAB:
        return name
    return str((Path(__file__).parent / "bias_augment" / "lab" / LAB).resolve())
