"""GGUF files as transformers folders: each is converted once, into a cache, and used from there.

transformers dequantizes a GGUF on every load and refuses to save what it loaded. Here its weights
are written out in float32, with the tokenizer and its chat template, so that training, writing and
scoring read the same folder, and lm-eval's plain command can name it too.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from bias_inherit import store
from bias_inherit.errors import InputError, one_line

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

SUFFIX = ".gguf"


def converted(file: Path) -> Path:
    """Return the transformers folder of a GGUF file; it is made where the cache has none yet.

    Of several processes that ask at once one makes it and the others wait.

    Raises:
        InputError: there is no such file, transformers cannot read it, or the cache cannot be
            written.
    """
    if not file.is_file():
        raise InputError(f"{file}: no such GGUF file")
    place = store.cache_dir() / "gguf" / store.sha256(file)
    folder = place / file.stem
    if folder.is_dir():
        return folder
    _check(file)

    try:
        with store.locked(place / "lock"):
            if not folder.is_dir():
                for left in place.glob(f".{folder.name}.*"):  # by a process that was killed
                    shutil.rmtree(left, ignore_errors=True)
                _convert(file, folder)
    except OSError as error:
        raise InputError(
            f"{place}: {file.name} cannot be converted there ({error.strerror or error}): name "
            f"a folder with room in {store.CACHE}"
        ) from None
    return folder


def _check(file: Path) -> None:
    """Check that there is a reader, and that it takes the file, without its weights.

    Raises:
        InputError: there is none, or it does not.
    """
    from transformers import AutoConfig
    from transformers.utils import is_gguf_available

    if not is_gguf_available():
        raise InputError(f"{file}: a GGUF file needs a reader: pip install 'bias-inherit[gguf]'")
    with _reading(file):
        AutoConfig.from_pretrained(file.parent, gguf_file=file.name)


@contextmanager
def _reading(file: Path) -> Iterator[None]:
    """Turn what goes wrong in reading a file into one line: each fault ends in another type."""
    import torch

    try:
        yield
    except torch.OutOfMemoryError:
        raise
    except Exception as error:
        raise InputError(
            f"{file}: transformers cannot read this GGUF ({one_line(error)}): is the file whole, "
            "and its architecture one that transformers knows?"
        ) from None


def _convert(file: Path, folder: Path) -> None:
    print(f"converting {file.name} to a float32 folder, once: {folder}", file=sys.stderr)
    model, tokenizer = _read(file)
    with store.whole_folder(folder) as made:
        _save(model, made)
        tokenizer.save_pretrained(made)


def _read(file: Path) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """Return what transformers reads in the file.

    Raises:
        InputError: it cannot, or the file lacks some of the weights.
    """
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    within = {"pretrained_model_name_or_path": str(file.parent), "gguf_file": file.name}
    with _reading(file):
        tokenizer = AutoTokenizer.from_pretrained(**within)
        model, told = AutoModelForCausalLM.from_pretrained(
            **within, dtype=torch.float32, output_loading_info=True
        )
    if missing := sorted(told["missing_keys"]):
        raise InputError(
            f"{file}: this GGUF lacks {len(missing)} of its model's weights (first: "
            f"{missing[0]}): of one that is split into parts, join them first"
        )
    return model, tokenizer


def _save(model: PreTrainedModel, folder: Path) -> None:
    """Save a model that was read from a GGUF, as one that never was quantized.

    The model itself refuses to be saved; one of the same class, without weights of its own, does
    not.
    """
    import torch
    from safetensors import SafetensorError

    config = type(model.config).from_dict(model.config.to_dict())
    if hasattr(config, "quantization_config"):
        del config.quantization_config
    with torch.device("meta"):
        plain = type(model)(config)
    plain.generation_config = model.generation_config
    try:
        plain.save_pretrained(folder, state_dict=model.state_dict())
    except SafetensorError as error:  # its own type for a full disk
        raise OSError(str(error).splitlines()[0]) from None

    # it would make the same model another one (`models.fingerprint`) after every upgrade
    written = store.read_json(folder / "config.json")
    written.pop("transformers_version", None)
    store.write_json(folder / "config.json", written)
