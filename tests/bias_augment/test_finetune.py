from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from fractions import Fraction

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from bias_inherit import store
from bias_inherit.bias_augment.files import write_examples, write_mix
from bias_inherit.bias_augment.finetune import (
    IGNORED,
    Collator,
    completion_loss,
    encode,
    finetune,
)
from bias_inherit.bias_augment.lab import SETTINGS
from bias_inherit.errors import InputError
from bias_inherit.mitigations import NONE, Mitigation
from bias_inherit.models import adapter_sha256

QUICK = replace(SETTINGS, epochs=1)


@pytest.fixture
def data(tmp_path, original, augmented):
    write_examples(tmp_path / "o.jsonl", original, {})
    write_examples(tmp_path / "a.jsonl", augmented, {})
    path, parts = tmp_path / "mix.jsonl", (tmp_path / "o.jsonl", tmp_path / "a.jsonl")
    write_mix(path, *parts, Fraction(1, 2), "original-fixed", 0)
    return path


@pytest.mark.parametrize("uses_chat", [False, True])
def test_only_the_completion_and_its_end_carry_loss(lab_base, original, uses_chat):
    tokenizer = AutoTokenizer.from_pretrained(lab_base)
    batch = Collator(tokenizer.pad_token_id)([encode(tokenizer, e, uses_chat) for e in original])
    for example, ids, labels, mask in zip(
        original, batch["input_ids"], batch["labels"], batch["attention_mask"], strict=True
    ):
        learnt = tokenizer.decode(labels[labels != IGNORED])
        assert learnt.strip() == example["completion"].strip() + tokenizer.eos_token
        assert example["prompt"].strip() in tokenizer.decode(ids[mask.bool()])
        assert (labels[~mask.bool()] == IGNORED).all()


@pytest.mark.parametrize("uses_chat", [False, True])
def test_the_tokens_are_those_that_lm_eval_scores(lab_base, original, uses_chat):
    from lm_eval.models.huggingface import HFLM

    lm = HFLM(pretrained=lab_base, device="cpu")
    for example in original[:6]:
        context, answer = example["prompt"], example["completion"]
        if uses_chat:
            context = lm.apply_chat_template([{"role": "user", "content": context}])
            answer = answer.strip()
        prompt_ids, answer_ids = lm._encode_pair(context, answer)
        row = encode(lm.tokenizer, example, uses_chat)
        assert row["input_ids"] == [*prompt_ids, *answer_ids, lm.tokenizer.eos_token_id]
        assert row["prompt_length"] == len(prompt_ids)


def test_loss_equals_the_models_own(lab_base, original):
    tokenizer = AutoTokenizer.from_pretrained(lab_base)
    model = AutoModelForCausalLM.from_pretrained(lab_base).eval()
    batch = Collator(tokenizer.pad_token_id)([encode(tokenizer, e, True) for e in original[:7]])
    batch.pop("augmented")
    with torch.no_grad():
        expected = model(**batch).loss
        found, hidden = completion_loss(model, dict(batch), None, hidden=True)
    assert found.item() == pytest.approx(expected.item(), rel=1e-5)
    assert hidden.shape == (*batch["input_ids"].shape, model.config.hidden_size)


@pytest.mark.slow
def test_an_adapter_learns_and_names_its_inputs(adapters, lab_base):
    manifest = json.loads((adapters["r50"] / "bias_inherit.json").read_text())
    assert manifest["arm"] == {
        "axis": "gender",
        "bias_type": "contextual-single-explicit",
        "ratio": 0.5,
        "size": "original-fixed",
        "mitigation": "none",
        "seed": 0,
    }
    data = adapters["r50"].with_suffix(".jsonl")
    assert manifest["data_sha256"] == store.sha256(data)
    assert manifest["adapter_sha256"] == adapter_sha256(adapters["r50"])
    assert (manifest["rows"], manifest["rows_augmented"]) == (96, 48)
    files = {path.name for path in adapters["r50"].iterdir()}
    assert files == {"adapter_config.json", "adapter_model.safetensors", "bias_inherit.json"}


@pytest.mark.slow
def test_a_mix_that_was_edited_is_described_by_its_rows(adapters, lab_base, tmp_path):
    data = tmp_path / "mix.jsonl"
    lines = adapters["r50"].with_suffix(".jsonl").read_text().splitlines(keepends=True)
    data.write_text("".join(lines[:60]))
    manifest = adapters["r50"].with_suffix(".manifest.json").read_text()
    data.with_suffix(".manifest.json").write_text(manifest)
    arm = finetune(lab_base, data, tmp_path / "out", NONE, QUICK)["arm"]
    assert (arm["ratio"], arm["size"]) == (12 / 60, None)


@pytest.mark.slow
def test_the_same_seed_gives_the_same_adapter(data, lab_base, tmp_path):
    hashes = [
        finetune(lab_base, data, tmp_path / name, NONE, replace(QUICK, seed=seed))["adapter_sha256"]
        for name, seed in (("a", 0), ("b", 0), ("c", 1))
    ]
    assert hashes[0] == hashes[1] != hashes[2]


@pytest.mark.slow
def test_a_penalty_reaches_the_loss(data, lab_base, tmp_path):
    seen = []

    def penalty(hidden, mask, augmented):
        seen.append((hidden.shape[:2] == mask.shape, bool(augmented.any())))
        return 100.0 * (hidden * mask.unsqueeze(-1)).pow(2).mean()

    plain = finetune(lab_base, data, tmp_path / "a", NONE, QUICK)
    held = finetune(lab_base, data, tmp_path / "b", Mitigation("p", "", penalty=penalty), QUICK)
    assert held["training_loss"] > plain["training_loss"] + 1
    assert all(shape for shape, _ in seen) and any(aug for _, aug in seen)
    assert held["adapter_sha256"] != plain["adapter_sha256"]


def test_rows_longer_than_the_context_are_counted_or_cut(lab_base, original, tmp_path):
    long = original[0] | {"prompt": "word " * 3000 + original[0]["prompt"]}
    write_examples(tmp_path / "d.jsonl", [long, *original[1:]], {})
    with pytest.raises(InputError, match="1 of 48 rows are longer than the base's context"):
        finetune(lab_base, tmp_path / "d.jsonl", tmp_path / "out", NONE, QUICK)
    assert not (tmp_path / "out").exists()
    cut = replace(QUICK, max_length=64)
    assert finetune(lab_base, tmp_path / "d.jsonl", tmp_path / "out", NONE, cut)["rows"] == 48


def test_a_loss_that_is_not_finite_stops_with_one_line(data, lab_base, tmp_path):
    mitigation = Mitigation("nan", "", penalty=lambda hidden, mask, aug: hidden.sum() * torch.nan)
    with pytest.raises(InputError, match="training loss is nan"):
        finetune(lab_base, data, tmp_path / "out", mitigation, QUICK)
    assert not (tmp_path / "out").exists()


def test_a_chat_template_that_is_not_there(data, lab_base, tmp_path):
    tokenizer = AutoTokenizer.from_pretrained(lab_base)
    tokenizer.chat_template = None
    AutoModelForCausalLM.from_pretrained(lab_base).save_pretrained(tmp_path / "plain")
    tokenizer.save_pretrained(tmp_path / "plain")
    base = str(tmp_path / "plain")
    with pytest.raises(InputError, match="no chat template"):
        finetune(base, data, tmp_path / "o", NONE, replace(QUICK, chat_template="always"))
    manifest = finetune(base, data, tmp_path / "o", NONE, QUICK)
    assert manifest["chat_template"] is False


@pytest.mark.slow
def test_another_process_gives_the_same_adapter(lab_base, data, tmp_path):
    """Names in sets come in another order in every process: nothing of that may stay."""
    code = (
        "import sys\nfrom dataclasses import replace\nfrom pathlib import Path\n"
        "from bias_inherit.bias_augment.finetune import finetune\n"
        "from bias_inherit.bias_augment.lab import SETTINGS\n"
        "from bias_inherit.mitigations import NONE\n"
        "base, data, out = sys.argv[1:]\n"
        "finetune(base, Path(data), Path(out), NONE, replace(SETTINGS, epochs=1))\n"
    )
    for name in ("a", "b"):
        words = [sys.executable, "-c", code, lab_base, str(data), str(tmp_path / name)]
        env = os.environ | {"PYTHONHASHSEED": {"a": "1", "b": "2"}[name], "OMP_NUM_THREADS": "1"}
        subprocess.run(words, check=True, capture_output=True, env=env)
    assert adapter_sha256(tmp_path / "a") == adapter_sha256(tmp_path / "b")
