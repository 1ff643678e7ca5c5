"""Models on disk: is a base a causal model, which base or adapter is it, and do they fit."""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Iterable
from pathlib import Path
from pickle import UnpicklingError
from typing import TYPE_CHECKING, Any

from bias_inherit import gguf, store
from bias_inherit.errors import InputError, one_line
from bias_inherit.smollm import REAL, smollm

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
    except Exception as error:  # a value of another kind fails in whichever line meets it
        raise InputError(f"base model '{base}' cannot be loaded: {one_line(error)}") from None

    layers = getattr(config.get_text_config(), "num_hidden_layers", 1)
    if layers < 1:
        raise InputError(
            f"base model '{base}' cannot be loaded: its config asks for {layers} layers"
        )

    classes: set[str] = set()
    for names in MODEL_FOR_CAUSAL_LM_MAPPING_NAMES.values():
        classes.update([names] if isinstance(names, str) else names)
    architectures = config.architectures or []
    if not isinstance(architectures, list) or not classes & set(map(str, architectures)):
        found = ", ".join(map(str, architectures)) if isinstance(architectures, list) else ""
        raise InputError(
            f"base model '{base}' is not a causal language model ({found or config.model_type})"
        )


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
        InputError: the folder holds no peft adapter, or its configuration is not that of one.
    """
    weights = [folder / name for name in ("adapter_model.safetensors", "adapter_model.bin")]
    found, config = [path for path in weights if path.is_file()], folder / ADAPTER_CONFIG
    if not found or not config.is_file():
        raise InputError(f"{folder}: is not an adapter folder (needs {ADAPTER_CONFIG} and weights)")
    settings = store.read_json(config)
    if not isinstance(settings, dict):
        raise InputError(f"{config}: is not a JSON object")
    if not isinstance(settings.pop(BASE_PATH, None), str | None):
        raise InputError(f"{config}: {BASE_PATH} is not a text")
    lines = [json.dumps(settings, sort_keys=True)]
    return store.sha256_lines([*lines, *(f"{path.name} {store.sha256(path)}" for path in found)])


def resolve_model(name: str) -> str:
    """Return a model's folder or hub id as it is; of a GGUF file, `lab` and `real`, the folder.

    Raises:
        InputError: a GGUF file cannot be read, or the real model is not installed.
    """
    if name == REAL:
        name = smollm()
    if name.lower().endswith(gguf.SUFFIX) and not Path(name).is_dir():
        return str(gguf.converted(Path(name)))
    if name != LAB:
        return name
    return str((Path(__file__).parent / "bias_augment" / "lab" / LAB).resolve())


def load_tokenizer(name: str) -> PreTrainedTokenizerBase:
    """Return the tokenizer of a model, with a token to pad with (any will do: the mask hides it).

    Raises:
        InputError: it cannot be loaded, or ends every text with a token of its own.
    """
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(resolve_model(name))
        whole, text = (tokenizer("a", add_special_tokens=add).input_ids for add in (True, False))
    except InputError:
        raise
    except Exception as error:  # broken files fail in whichever line meets them
        raise InputError(f"tokenizer '{name}' cannot be loaded: {one_line(error)}") from None

    if whole[-len(text) :] != text:
        end = tokenizer.decode(whole[-1])
        raise InputError(
            f"tokenizer '{name}' ends every text with {end}, after which no answer is read: "
            "switch that off (add_eos_token, or the post_processor in its tokenizer.json)"
        )
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token or tokenizer.convert_ids_to_tokens(0)
    return tokenizer


def load_model(name: str, **how: Any) -> PreTrainedModel:
    """Return a causal model, each of whose weights is its checkpoint's.

    transformers alone draws missing ones at random, and says so in a report of many lines.

    Args:
        name: folder or hub id.
        how: what `from_pretrained` takes.

    Raises:
        InputError: it cannot be loaded, or a weight is missing or has another shape.
    """
    import torch
    from transformers import AutoModelForCausalLM
    from transformers.utils import logging

    level = logging.get_verbosity()
    logging.set_verbosity_error()
    try:
        model, told = AutoModelForCausalLM.from_pretrained(
            name, output_loading_info=True, ignore_mismatched_sizes=True, **how
        )
    except torch.OutOfMemoryError:
        raise
    except Exception as error:  # a broken checkpoint fails in whichever line meets it
        raise InputError(f"base model '{name}' cannot be loaded: {_why(error)}") from None
    finally:
        logging.set_verbosity(level)

    if other := sorted(told["mismatched_keys"]):
        key, found, wanted = other[0]
        raise InputError(
            f"base model '{name}': {len(other)} of its weights have another shape than its "
            f"config.json asks for (first: {key} is {list(found)}, {list(wanted)} is needed)"
        )
    if missing := sorted(told["missing_keys"]):
        raise InputError(
            f"base model '{name}': its checkpoint lacks {len(missing)} of its weights (first: "
            f"{missing[0]}), and random ones tell nothing: take a whole checkpoint"
        )
    return model


def check_words(
    tokenizer: PreTrainedTokenizerBase, model: PreTrainedModel, name: str, used: Iterable[int] = ()
) -> None:
    """Check that a model's embeddings have a row for each word of its tokenizer.

    Of tokens that were added to the tokenizer only those that are used need one.

    Args:
        tokenizer: the model's.
        model: what is given its tokens.
        name: the model's, for the message.
        used: tokens of a text as it is going to be given.

    Raises:
        InputError: they have not, so the tokenizer is another model's.
    """
    rows = model.get_input_embeddings().weight.shape[0]
    words = max(tokenizer.vocab_size, *(token + 1 for token in used), 0)
    if words > rows:
        raise InputError(
            f"base model '{name}' has {rows} words and its tokenizer {words}: they do not belong "
            "together"
        )


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
    # beside a saved module of a base with new words peft writes a copy that it never reads
    copies = {name for name in stored if name.replace(".modules_to_save.", ".") in stored - {name}}
    return _counted(set(told.unexpected_keys) - copies, missing, len(stored))


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
    return _why(error)


def _why(error: Exception) -> str:
    """Return what went wrong while weights were read, on one line."""
    if isinstance(error, UnpicklingError):  # torch's own words tell how to run it after all
        return (
            "its .bin file holds more than tensors, so reading it could run what somebody put "
            "there: ask for safetensors"
        )
    return one_line(error)
