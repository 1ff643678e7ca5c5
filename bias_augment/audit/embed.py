"""Texts as vectors by any local encoder: the mean over its tokens of the last hidden states."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from bias_inherit.bias_augment.audit.distance import Encoder
from bias_inherit.bias_augment.audit.estimates import Array
from bias_inherit.errors import InputError
from bias_inherit.models import LAB, resolve_model

MOST_TOKENS = 512
"""Of a longer text only the beginning is read."""
_BATCH = 32


def load_encoder(name: str) -> Encoder:
    """Return the encoder in a folder or of a hub id; "lab" is the built-in toy model.

    Any model that transformers' `AutoModel` loads: an encoder (a sentence-transformers folder
    too, read as a plain model: mean over tokens, not normalised), the encoder half of a
    sequence-to-sequence model, or a causal base, whose hidden states are averaged.

    Raises:
        InputError: it cannot be loaded.
    """
    from transformers import AutoModel, AutoTokenizer
    from transformers.utils import logging

    folder = resolve_model(name)
    if Path(folder).is_dir() and not (Path(folder) / "config.json").is_file():
        raise InputError(f"encoder {name}: has no config.json, so it is no transformers model")
    level = logging.get_verbosity()
    logging.set_verbosity_error()  # that a causal model's head is not used is meant so
    logging.disable_progress_bar()
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder)
        model = AutoModel.from_pretrained(folder, dtype=torch.float32)
    except (OSError, ValueError) as error:
        reason = str(error).strip().splitlines()[0]
        raise InputError(f"encoder '{name}' cannot be loaded: {reason}") from None
    finally:
        logging.set_verbosity(level)
        logging.enable_progress_bar()
    if model.config.is_encoder_decoder:
        model = model.get_encoder()
    model.eval().to("cuda" if torch.cuda.is_available() else "cpu")
    tokenizer.padding_side = "right"
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token or tokenizer.unk_token
    positions = getattr(model.config, "max_position_embeddings", None) or MOST_TOKENS
    longest = min(MOST_TOKENS, positions, tokenizer.model_max_length)

    def encode(texts: Sequence[str]) -> Array:
        return _encode(model, tokenizer, texts, longest)

    return Encoder(name, name == LAB, encode)


@torch.inference_mode()
def _encode(model: Any, tokenizer: Any, texts: Sequence[str], longest: int) -> Array:
    """Return the vectors of the texts, shape (texts, hidden size)."""
    order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
    means: dict[int, Array] = {}
    for start in range(0, len(order), _BATCH):
        picked = order[start : start + _BATCH]
        batch = tokenizer(
            [texts[i] for i in picked],
            padding=True,
            truncation=True,
            max_length=longest,
            return_tensors="pt",
        ).to(model.device)

        inputs = {key: batch[key] for key in ("input_ids", "attention_mask")}
        mask = inputs["attention_mask"].unsqueeze(-1)
        hidden = model(**inputs).last_hidden_state * mask
        mean = hidden.sum(dim=1) / mask.sum(dim=1).clamp(min=1)
        means |= dict(zip(picked, mean.double().cpu().numpy(), strict=True))
    return np.stack([means[i] for i in range(len(texts))])
