"""Models on disk: is a base a causal model, and which base or adapter is it."""

from __future__ import annotations

from pathlib import Path

from bias_inherit import store
from bias_inherit.errors import InputError

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

    Raises:
        InputError: the folder holds no peft adapter.
    """
    weights = [folder / name for name in ("adapter_model.safetensors", "adapter_model.bin")]
    files = [path for path in (folder / "adapter_config.json", *weights) if path.is_file()]
    if len(files) < 2:
        raise InputError(
            f"{folder}: is no adapter folder (needs adapter_config.json and adapter_model.*)"
        )
    return store.sha256_lines(f"{path.name} {store.sha256(path)}" for path in files)
