"""Bases of many kinds: scored as the plain command scores them, or one line before anything."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from bias_inherit.errors import InputError
from bias_inherit.harness.score import Options, score
from bias_inherit.reports.results import read_runs

BIN = Path(sys.executable).parent
SMALL = Options(
    tasks=("bias_inherit_spam", "bias_inherit_story"), batch_size=4, limit=2, progress=False
)
THINKING = (
    "{{ bos_token }}{% for turn in messages %}"
    "{% if turn.role == 'user' %}{{ '<|user|>' + turn.content + '\\n' }}"
    "{% else %}{{ '<|assistant|>\\n' + turn.content + '</s>\\n' }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>\\n' }}"
    "{% if enable_thinking is defined and not enable_thinking %}"
    "{{ '<think>\\n\\n</think>\\n\\n' }}{% endif %}{% endif %}"
)
NO_THOUGHT = '{"enable_thinking": false}'

KINDS = {
    "a tokenizer that adds BOS": ("LlamaConfig", {}, {"single": "<s> $A"}),
    "more rows than words": ("Qwen2Config", {"vocab_size": 4160}, {}),
    "sliding windows and soft caps": ("Gemma2Config", {"head_dim": 8, "sliding_window": 8}, {}),
    "a context shorter than its documents, and no pad token": (
        "MistralConfig",
        {"max_position_embeddings": 300},
        {"pad_token": None},
    ),
    "a thinking template, and two ends of its own": (
        "Qwen3Config",
        {"head_dim": 8, "tie_word_embeddings": False},
        {"chat_template": THINKING},
    ),
}


def run_plain(folder, out):
    """Run the plain command that a results folder names."""
    command = json.loads((folder / "bias_inherit.json").read_text())["command"]
    words = shlex.split(command.replace('"$(bias-inherit tasks)"', "FOLDER"))
    code = "import bias_inherit.tasks as t; print(t.__path__[0])"
    tasks = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.strip()
    first = next(i for i, word in enumerate(words) if "=" not in word)
    settings = dict(word.split("=", 1) for word in words[:first])
    words = [tasks if word == "FOLDER" else word for word in words[first:]]
    subprocess.run(
        [BIN / words[0], *words[1:], "--output_path", out, "--log_samples"],
        check=True,
        capture_output=True,
        env=os.environ | settings | {"HF_HUB_OFFLINE": "1"},
    )
    return read_runs([out])[0]


@pytest.mark.slow
@pytest.mark.parametrize("name", KINDS)
def test_a_base_and_its_adapter_have_the_numbers_of_the_plain_command(
    make_base, original, tmp_path, name
):
    from bias_inherit import api

    config, of, tokenizer = KINDS[name]
    base = make_base(tmp_path / "base", config, of, **tokenizer)
    thinks = "chat_template" in tokenizer
    more = {"chat_template_args": NO_THOUGHT} if thinks else {}
    api.finetune(original[:16], tmp_path / "r0", base=base, epochs=1, learning_rate=1e-2, **more)
    folders = score(base, {"r0": tmp_path / "r0"}, lambda one: tmp_path / "ours" / one, SMALL)

    plain = run_plain(folders[1], tmp_path / "plain")
    (ours,) = read_runs([folders[1]])
    for task, result in ours.tasks.items():
        assert result.metrics == pytest.approx(plain.tasks[task].metrics, abs=1e-4)
        assert result.errors == pytest.approx(plain.tasks[task].errors, abs=1e-4)
    command = json.loads((folders[1] / "bias_inherit.json").read_text())["command"]
    assert ("chat_template_args" in command) == thinks
    if thinks:
        samples = next(folders[1].glob("samples_bias_inherit_spam*")).read_text()
        assert samples.count("<think>\\n\\n</think>") and "<s><s>" not in samples
    base_numbers = json.loads(next(folders[0].glob("results_*.json")).read_text())["results"]
    adapter_numbers = json.loads(next(folders[1].glob("results_*.json")).read_text())["results"]
    assert base_numbers != adapter_numbers, "the adapter does something"


@pytest.mark.slow
def test_the_template_arguments_are_those_of_the_training_unless_given(
    make_base, original, tmp_path
):
    from bias_inherit import api, manifests

    base = make_base(tmp_path / "base", chat_template=THINKING)
    for name, more in {"off": {"chat_template_args": NO_THOUGHT}, "on": {}}.items():
        api.finetune(original[:8], tmp_path / name, base=base, epochs=1, **more)
    off = manifests.read(tmp_path / "off", manifests.Adapter)
    assert off.chat_template_args == {"enable_thinking": False}

    spam = replace(SMALL, tasks=("bias_inherit_spam",))
    both = {"off": tmp_path / "off", "on": tmp_path / "on"}
    with pytest.raises(InputError, match="trained with different chat-template-args"):
        score(base, both, lambda name: tmp_path / "out" / name, spam)
    assert not (tmp_path / "out").exists()

    given = replace(spam, chat_template_args="{}")
    folders = score(base, both, lambda name: tmp_path / "out" / name, given)
    assert all("<think>" not in next(f.glob("samples_*")).read_text() for f in folders)


@pytest.mark.parametrize(
    ("how", "of", "changes", "message"),
    [
        ({}, {}, {"device": "cudda"}, "device 'cudda': there is none here"),
        ({}, {}, {"device": "cuda:99"}, "device 'cuda:99': there is none here"),
        ({"chat_template": None}, {}, {"apply_chat_template": True}, "has no chat template"),
        ({"chat_template": "{% if %}"}, {}, {"apply_chat_template": True}, "template of .* fails"),
        ({}, {}, {"apply_chat_template": True, "chat_template_args": "{"}, "not JSON"),
        ({"eos_token": None, "pad_token": None}, {}, {}, "names no end token"),
        ({}, {"max_position_embeddings": 256}, {}, "write 256 tokens, and the context .* is 256"),
        ({}, {"vocab_size": 4000}, {}, "4000 words and its tokenizer 4096"),
    ],
)
def test_what_lm_eval_would_stumble_over_is_one_line_before_anything(
    make_base, tmp_path, how, of, changes, message
):
    base = make_base(tmp_path / "base", of=of, **how)
    with pytest.raises(InputError, match=message) as told:
        score(base, {}, lambda name: tmp_path / "out" / name, replace(SMALL, **changes))
    assert "\n" not in str(told.value) and not (tmp_path / "out").exists()


@pytest.mark.parametrize("command", ["score", "finetune"])
def test_a_base_without_a_head_is_one_line_and_exit_2(make_base, original, tmp_path, command):
    import safetensors.torch

    base = make_base(tmp_path / "base", of={"tie_word_embeddings": False})
    path = Path(base) / "model.safetensors"
    tensors = safetensors.torch.load_file(path)
    del tensors["lm_head.weight"]
    safetensors.torch.save_file(tensors, path, metadata={"format": "pt"})
    (tmp_path / "d.jsonl").write_text("".join(json.dumps(row) + "\n" for row in original[:4]))

    words = {"score": ["--tasks", "bias_inherit_spam"]}
    words["finetune"] = ["--data", tmp_path / "d.jsonl"]
    words = [command, "--base", base, "--out", tmp_path / "out", *words[command]]
    done = subprocess.run(
        [sys.executable, "-m", "bias_inherit", *words], capture_output=True, text=True
    )
    assert done.returncode == 2 and not (tmp_path / "out").exists()
    lines = [line for line in done.stderr.splitlines() if line.strip() and "it/s" not in line]
    assert len(lines) == 1 and "lacks 1 of its weights" in lines[0], done.stderr
