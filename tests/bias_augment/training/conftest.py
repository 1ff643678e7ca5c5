"""What the tests of training share."""

from __future__ import annotations

from fractions import Fraction

import pytest

from bias_inherit.bias_augment.data.files import write_examples, write_mix
from bias_inherit.bias_augment.training.encode import Collator, encode
from bias_inherit.manifests import Original


@pytest.fixture
def data(tmp_path, original, augmented):
    write_examples(tmp_path / "o.jsonl", original, Original())
    write_examples(tmp_path / "a.jsonl", augmented, Original())
    path, parts = tmp_path / "mix.jsonl", (tmp_path / "o.jsonl", tmp_path / "a.jsonl")
    write_mix(path, *parts, Fraction(1, 2), "original-fixed", 0)
    return path


def batch_of(tokenizer, examples, uses_chat=True):
    batch = Collator(tokenizer.pad_token_id)([encode(tokenizer, e, uses_chat) for e in examples])
    return {key: batch[key] for key in ("input_ids", "attention_mask", "labels")}
