"""Adapters that added words: they are scored with the tokenizer that lies beside them."""

from __future__ import annotations

import shutil

import pytest

from bias_inherit.errors import InputError

pytestmark = pytest.mark.slow

NEW = ["<stage>", "<curtain>"]
TARGETS = {"r": 4, "lora_alpha": 8, "target_modules": ["q_proj", "v_proj"]}
ENDS = {"modules_to_save": ["embed_tokens", "lm_head"]}

GROWN = {
    "lora": {},
    "saved-ends": ENDS,
    "of-embeddings": {"target_modules": ["embed_tokens", "q_proj"]},
    "tokens": {"trainable_token_indices": [4096, 4097]},
    "dora": {"use_dora": True},
}
"""LoRA on a base whose embeddings were made longer, as users train new words."""


@pytest.fixture(scope="module")
def bases(make_base, tmp_path_factory):
    folder = tmp_path_factory.mktemp("bases")
    made = {"untied": make_base(folder / "untied", of={"tie_word_embeddings": False})}
    made["tied"] = make_base(folder / "tied", of={"tie_word_embeddings": True})
    made["padded"] = make_base(folder / "padded", of={"vocab_size": 4160})
    return made


def write_adapter(folder, base, options, tokens):
    """Write an adapter with a tokenizer of so many tokens, the embeddings resized to them."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(base)
    tokenizer.add_tokens(NEW[: tokens - len(tokenizer)], special_tokens=True)
    model = AutoModelForCausalLM.from_pretrained(base)
    torch.manual_seed(len(options))
    if len(tokenizer) > model.config.vocab_size:
        model.resize_token_embeddings(len(tokenizer))
    model = get_peft_model(model, LoraConfig(task_type="CAUSAL_LM", **TARGETS | options))
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.add_(0.05 * torch.randn_like(parameter))
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def requests():
    from lm_eval.api.instance import Instance

    prompts = ("Who is <stage> here?<curtain>", "She is a")
    pairs = [(prompt, answer) for prompt in prompts for answer in (" A", " B<stage>")]
    return [Instance("loglikelihood", {}, pair, i) for i, pair in enumerate(pairs)]


def plain(base, requests, adapter=None, tokenizer=None):
    from lm_eval.models.huggingface import HFLM

    from bias_inherit.harness.wearing import seed_like_lm_eval

    seed_like_lm_eval()
    peft, words = (None if path is None else str(path) for path in (adapter, tokenizer))
    lm = HFLM(pretrained=base, peft=peft, tokenizer=words, batch_size=4, device="cpu")
    return lm.loglikelihood(requests, disable_tqdm=True)


@pytest.mark.parametrize("name", GROWN)
def test_new_words_are_scored_as_by_the_plain_command(bases, requests, tmp_path, name):
    from bias_inherit.harness.wearing import Wardrobe

    base = bases["untied"]
    usual = write_adapter(tmp_path / "usual", base, {}, 4096)
    grown = write_adapter(tmp_path / "grown", base, GROWN[name], 4098)
    with pytest.raises(Exception, match=r"size mismatch|out of (range|bounds)"):
        plain(base, requests, grown)

    wardrobe = Wardrobe(base, None, 4, "cpu", False)
    for _ in range(2):
        lm = wardrobe.put_on(usual)
        assert lm.tokenizer_folder is None
        assert lm.loglikelihood(requests) == plain(base, requests, usual)
        lm = wardrobe.put_on(grown)
        assert lm.tokenizer_folder == str(grown)
        assert lm.loglikelihood(requests) == plain(base, requests, grown, grown)
        assert wardrobe.bare().loglikelihood(requests) == plain(base, requests)


@pytest.mark.parametrize("which", ["untied", "tied", "padded"])
def test_a_tokenizer_that_the_weights_do_not_ask_for_changes_nothing(
    bases, requests, tmp_path, which
):
    """Trainers often save the tokenizer, with a token to pad with, beside any adapter."""
    from bias_inherit.harness.wearing import Wardrobe

    base = bases[which]
    adapter = write_adapter(tmp_path / "adapter", base, {}, 4096)
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(base)
    tokenizer.add_tokens(["<padding>"], special_tokens=True)
    tokenizer.save_pretrained(adapter)
    lm = Wardrobe(base, None, 4, "cpu", False).put_on(adapter)
    assert lm.tokenizer_folder is None
    assert lm.loglikelihood(requests) == plain(base, requests, adapter)


def test_what_does_not_fit_is_told_as_it_is_without_a_tokenizer(bases, requests, tmp_path):
    from bias_inherit.harness.wearing import Wardrobe

    adapter = write_adapter(tmp_path / "adapter", bases["untied"], ENDS, 4098)
    wardrobe = Wardrobe(bases["padded"], None, 4, "cpu", False)
    spoiled = shutil.copytree(adapter, tmp_path / "spoiled")
    (spoiled / "adapter_config.json").write_text("{}")
    with pytest.raises(InputError, match="'peft_type' is missing in it"):
        wardrobe.put_on(spoiled)
    bare = wardrobe.bare()
    assert bare.loglikelihood(requests) == plain(bases["padded"], requests)


def test_score_writes_the_tokenizer_into_the_command(bases, tmp_path):
    import json

    from bias_inherit import api

    base = bases["untied"]
    grown = write_adapter(tmp_path / "grown", base, ENDS, 4098)
    usual = write_adapter(tmp_path / "usual", base, {}, 4096)
    folders = api.score(
        [grown, usual], tmp_path / "out", base=base, tasks="bias_inherit_spam", limit=2
    )
    commands = [json.loads((f / "bias_inherit.json").read_text())["command"] for f in folders]
    assert [f"tokenizer={grown}" in command for command in commands] == [False, True, False]
