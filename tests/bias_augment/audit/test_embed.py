from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch

from bias_inherit.bias_augment.audit.embed import MOST_TOKENS, load_encoder
from bias_inherit.errors import InputError

TEXTS = ["A nurse.", "She has worked in a hospital in the north for twenty years.", "He paints."]


def test_a_causal_base_is_averaged_over_its_tokens(lab_base):
    from transformers import AutoModelForCausalLM, AutoTokenizer

    encoder = load_encoder("lab")
    assert (encoder.name, encoder.is_toy) == ("lab", True)
    found = encoder.encode(TEXTS)
    tokenizer = AutoTokenizer.from_pretrained(lab_base)
    model = AutoModelForCausalLM.from_pretrained(lab_base, dtype=torch.float32).eval()
    for i, text in enumerate(TEXTS):  # alone, so without padding
        with torch.no_grad():
            out = model(
                **tokenizer(text, return_tensors="pt", return_token_type_ids=False),
                output_hidden_states=True,
            )
        assert np.allclose(found[i], out.hidden_states[-1][0].mean(dim=0).numpy(), atol=1e-4)
    assert load_encoder(lab_base).is_toy is False  # a path is what the user says it is


@pytest.fixture(scope="module")
def bert(tmp_path_factory, lab_base):
    """A tiny encoder with random weights and few positions, as a sentence encoder's folder."""
    from transformers import AutoTokenizer, BertConfig, BertModel

    folder = tmp_path_factory.mktemp("bert")
    tokenizer = AutoTokenizer.from_pretrained(lab_base)
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=24,
    )
    BertModel(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    (folder / "modules.json").write_text("[]")
    return folder


def test_an_encoder_model_works_too_and_long_texts_are_cut(bert):
    encoder = load_encoder(str(bert))
    long = "word " * MOST_TOKENS
    found = encoder.encode([*TEXTS, long, long + "and an end that is not read"])
    assert found.shape == (5, 16) and np.isfinite(found).all()
    assert np.allclose(found[3], found[4], atol=1e-5)
    assert np.allclose(encoder.encode(TEXTS[:1])[0], found[0], atol=1e-5)  # padding is no matter


def test_what_is_no_model_is_said(tmp_path):
    with pytest.raises(InputError, match=r"has no config\.json"):
        load_encoder(str(tmp_path))
    with pytest.raises(InputError, match="encoder 'nobody/nothing' cannot be loaded"):
        load_encoder("nobody/nothing")


def test_no_other_part_of_the_audit_imports_torch():
    code = "import sys, bias_inherit.bias_augment.audit, bias_inherit.reports.audit\n"
    heavy = ("torch", "transformers", "lm_eval", "matplotlib")
    code += f"print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
