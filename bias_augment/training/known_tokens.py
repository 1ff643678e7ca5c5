"""The tokens of texts, made once: the arms of a sweep share most of their rows."""

from __future__ import annotations

import hashlib
from array import array
from typing import TYPE_CHECKING

from bias_inherit.chat import token_ids

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

KEPT = 2**15
"""Texts whose tokens are kept, some 30 MB of them at 170 tokens each: our choice."""


class KnownTokens:
    """Gives the tokens of a text as `token_ids` does, and keeps them.

    Args:
        tokenizer: the base's.

    Attributes:
        made: how many texts were made into tokens.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        self._tokenizer = tokenizer
        self._known: dict[bytes, array[int]] = {}
        self.made = 0

    def __call__(self, text: str) -> list[int]:
        """Return the tokens of a text."""
        key = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
        if key not in self._known:
            if len(self._known) >= KEPT:
                self._known.clear()
            self._known[key] = array("i", token_ids(self._tokenizer, text))
            self.made += 1
        return self._known[key].tolist()
