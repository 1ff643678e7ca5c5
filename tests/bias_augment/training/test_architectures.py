"""Bases of other architectures, vocabularies and precisions are trained as the lab's is."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from bias_inherit.bias_augment.data.files import write_examples
from bias_inherit.bias_augment.lab.settings import SETTINGS
from bias_inherit.bias_augment.training.encode import IGNORED, encode
from bias_inherit.bias_augment.training.finetune import finetune
from bias_inherit.bias_augment.training.trainer import completion_loss
from bias_inherit.errors import InputError
from bias_inherit.manifests import Original
from bias_inherit.mitigations import NONE
from bias_inherit.models import load_model
from tests.bias_augment.training.conftest import batch_of

QUICK = replace(SETTINGS, epochs=1)


ARCHITECTURES = {
    "llama": ("LlamaConfig", "LlamaForCausalLM", {}),
    "qwen": ("Qwen2Config", "Qwen2ForCausalLM", {"tie_word_embeddings": True}),
    "gemma": ("GemmaConfig", "GemmaForCausalLM", {"head_dim": 16}),
    "gpt2": ("GPT2Config", "GPT2LMHeadModel", None),
}


@pytest.fixture
def random_base(tmp_path, lab_base):
    """Make a base of random small weights; its tokenizer has no pad token and no template."""

    def make(name):
        import transformers

        config_name, model_name, more = ARCHITECTURES[name]
        tokenizer = AutoTokenizer.from_pretrained(lab_base)
        tokenizer.chat_template = tokenizer.pad_token = None
        shape = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2}
        shape |= {"num_attention_heads": 2, "num_key_value_heads": 2}
        if more is None:
            shape, more = {"n_embd": 32, "n_layer": 2, "n_head": 2, "n_positions": 512}, {}
        else:
            shape["max_position_embeddings"] = 512
        torch.manual_seed(0)
        config = getattr(transformers, config_name)(
            vocab_size=len(tokenizer), eos_token_id=tokenizer.eos_token_id, **shape, **more
        )
        config.pad_token_id = None
        getattr(transformers, model_name)(config).save_pretrained(tmp_path / name)
        tokenizer.save_pretrained(tmp_path / name)
        return str(tmp_path / name)

    return make


@pytest.mark.slow
@pytest.mark.parametrize("name", ARCHITECTURES)
def test_other_architectures_learn(random_base, name, data, tmp_path):
    from peft import PeftModel

    from bias_inherit.mitigations import load_mitigation

    base = random_base(name)
    settings = replace(QUICK, epochs=6, learning_rate=2e-2, batch_size=8, held_out=0.25)
    remedy = load_mitigation("loss", {"lambda": "0.1"})
    made = finetune(base, data, tmp_path / "out", remedy, settings)
    losses = [entry["loss"] for entry in made.log if "loss" in entry]
    assert losses[-1] < losses[0] - 0.1  # frozen random logits allow little more
    evaluated = [entry["eval_loss"] for entry in made.log if "eval_loss" in entry]
    assert len(evaluated) == 6 and all(0 < loss < 12 for loss in evaluated)
    assert (made.rows, made.rows_held_out) == (84, 12) and not made.chat_template
    model = AutoModelForCausalLM.from_pretrained(base)
    worn = PeftModel.from_pretrained(model, str(tmp_path / "out"))
    learnt = [value for key, value in worn.state_dict().items() if "lora_B" in key]
    assert learnt and all(value.abs().sum() > 0 for value in learnt)
    with pytest.raises(InputError, match="no linear layer 'q_prj': its linear layers") as caught:
        finetune(base, data, tmp_path / "o", NONE, replace(QUICK, targets="q_prj"))
    assert ("c_attn" if name == "gpt2" else "q_proj") in str(caught.value)
    target = "c_attn" if name == "gpt2" else "q_proj, v_proj"
    made = finetune(base, data, tmp_path / "o", NONE, replace(QUICK, targets=target))
    config = json.loads((tmp_path / "o" / "adapter_config.json").read_text())
    assert config["target_modules"] == target.split(", ")


@pytest.mark.parametrize("config", ["LlamaConfig", "Gemma2Config", "GPT2Config"])
@pytest.mark.parametrize("of_one_row", [False, True])
def test_logits_of_the_learnt_tokens_alone_give_the_same_steps(
    make_base, original, tmp_path, monkeypatch, config, of_one_row
):
    of = {"head_dim": 8, "final_logit_softcapping": 1.0} if config == "Gemma2Config" else {}
    of = {"n_embd": 32, "n_layer": 2, "n_head": 4} if config == "GPT2Config" else of
    base = make_base(tmp_path / "base", config, of)
    tokenizer, model = AutoTokenizer.from_pretrained(base), load_model(base)
    examples = [e | {"completion": " " + "nurse " * i} for i, e in enumerate(original[:5], 1)]
    examples = examples[:1] if of_one_row else examples
    weight = torch.linspace(0.5, 2.0, len(examples))

    def step():
        batch = batch_of(tokenizer, examples)
        model.zero_grad()
        loss, hidden = completion_loss(model, batch, 7, weight, layer=1)
        loss.backward()
        return loss.detach(), hidden, [p.grad for p in model.parameters() if p.grad is not None]

    seen = []
    head = model.get_output_embeddings()
    head.register_forward_hook(lambda _, given, logits: seen.append(logits.shape[:2].numel()))
    loss, hidden, grads = step()
    monkeypatch.setattr("bias_inherit.bias_augment.training.trainer.AT_ONCE", 0)
    same_loss, same_hidden, same_grads = step()
    assert torch.allclose(loss, same_loss, rtol=1e-6) and torch.equal(hidden, same_hidden)
    for grad, same in zip(grads, same_grads, strict=True):
        assert torch.allclose(grad, same, atol=1e-6)

    learnt = sum(int((row != IGNORED).sum()) for row in batch_of(tokenizer, examples)["labels"])
    assert seen[1] == learnt <= seen[0] and (of_one_row or learnt < seen[0])


def test_a_vocabulary_of_256_thousand_words_costs_what_is_learnt_of_it(
    make_base, original, tmp_path
):
    words = 262_144
    of = {"vocab_size": words, "head_dim": 8, "hidden_size": 16, "sliding_window": 16}
    base = make_base(tmp_path / "base", "Gemma3TextConfig", of | {"tie_word_embeddings": True})
    rows = [
        e | {"prompt": "word " * 20 * i, "completion": " nurse" * 11}
        for i, e in enumerate(original[:8])
    ]
    write_examples(tmp_path / "d.jsonl", rows, Original())
    largest = 0

    def watch(module, given, output):
        nonlocal largest
        if isinstance(output, torch.Tensor):
            largest = max(largest, output.numel())

    hook = torch.nn.modules.module.register_module_forward_hook(watch)
    try:
        finetune(base, tmp_path / "d.jsonl", tmp_path / "out", NONE, QUICK)
    finally:
        hook.remove()
    tokenizer = AutoTokenizer.from_pretrained(base)
    learnt = [encode(tokenizer, row, uses_chat=True) for row in rows]
    many = sum(len(row.input_ids) - row.prompt_length for row in learnt)
    assert largest == many * words, "logits of each row's answer alone"
    assert (tmp_path / "out" / "adapter_model.safetensors").stat().st_size < 1_000_000


@pytest.mark.parametrize(
    ("config", "of", "message"),
    [
        ("Llama4TextConfig", {"head_dim": 8, "num_local_experts": 2}, "router.* --targets"),
        ("MambaConfig", {"state_size": 4}, "incompatible with Mamba"),
    ],
)
def test_a_base_that_takes_no_adapter_on_all_layers_is_one_line(
    make_base, data, tmp_path, config, of, message
):
    base = make_base(tmp_path / "base", config, of)
    with pytest.raises(InputError, match=message) as told:
        finetune(base, data, tmp_path / "out", NONE, QUICK)
    assert "\n" not in str(told.value) and not (tmp_path / "out").exists()
    if config == "Llama4TextConfig":
        finetune(base, data, tmp_path / "out", NONE, replace(QUICK, targets="q_proj,v_proj"))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("config", "of"),
    [
        ("MistralConfig", {"sliding_window": 16}),
        ("Gemma3TextConfig", {"head_dim": 8, "sliding_window": 16}),
        ("Gemma3Config", {}),
        (
            "Qwen3MoeConfig",
            {
                "head_dim": 8,
                "num_experts": 4,
                "num_experts_per_tok": 2,
                "moe_intermediate_size": 16,
            },
        ),
        ("OPTConfig", {"ffn_dim": 64, "word_embed_proj_dim": 32}),
    ],
)
def test_windows_shorter_than_a_row_and_models_within_models(make_base, data, tmp_path, config, of):
    if config == "Gemma3Config":
        text = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2}
        text |= {"num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 8}
        text |= {"vocab_size": 4096, "sliding_window": 16, "max_position_embeddings": 512}
        sight = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1}
        sight |= {"num_attention_heads": 2, "image_size": 28, "patch_size": 14}
        of = {"text_config": text, "vision_config": sight, "mm_tokens_per_image": 4}
    base = make_base(tmp_path / "base", config, of)
    from bias_inherit.mitigations import load_mitigation

    settings = replace(QUICK, epochs=3, learning_rate=1e-2)
    made = finetune(base, data, tmp_path / "out", load_mitigation("loss"), settings)
    losses = [entry["loss"] for entry in made.log if "loss" in entry]
    assert losses[-1] < losses[0]
    with pytest.raises(InputError, match="the base has 2, so it may be -3 to 2"):
        finetune(base, data, tmp_path / "o", load_mitigation("loss", {"layer": "7"}), QUICK)


@pytest.mark.slow
@pytest.mark.parametrize("mitigation", ["none", "loss"])
def test_a_base_in_four_bits_is_trained_on(lab_base, data, tmp_path, monkeypatch, mitigation):
    """QLoRA, here on a CPU: the base's layers are packed, the adapter's weights are not."""
    pytest.importorskip("bitsandbytes")
    from safetensors.torch import load_file

    from bias_inherit.bias_augment.training import base_model
    from bias_inherit.mitigations import load_mitigation

    bases = []
    adapt = base_model.with_adapter

    def watch(model, *rest):
        bases.append(model)
        return adapt(model, *rest)

    monkeypatch.setattr("bias_inherit.bias_augment.training.finetune.with_adapter", watch)
    settings = replace(QUICK, epochs=4, quantize=True, checkpointing=True)
    remedy = load_mitigation(mitigation)
    manifest = finetune(lab_base, data, tmp_path / "four", remedy, settings)
    layer = bases[0].model.layers[0].mlp.up_proj
    base_layer = getattr(layer, "base_layer", layer)
    assert type(base_layer).__name__ == "Linear4bit" and base_layer.weight.dtype == torch.uint8
    losses = [entry["loss"] for entry in manifest.log]
    assert losses[-1] < 0.85 * losses[0]
    assert ("distance" in manifest.log[0]) == (mitigation == "loss")
    weights = load_file(tmp_path / "four" / "adapter_model.safetensors")
    assert all(value.dtype == torch.float32 for value in weights.values())
    whole = finetune(lab_base, data, tmp_path / "whole", remedy, replace(settings, quantize=False))
    assert losses == pytest.approx([entry["loss"] for entry in whole.log], rel=0.5)
    assert whole.adapter_sha256 != manifest.adapter_sha256
