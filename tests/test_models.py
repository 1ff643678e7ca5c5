"""Which model it is, and whether its files are what they should be."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from bias_inherit.errors import InputError
from bias_inherit.models import adapter_sha256, check_causal, load_model, load_tokenizer


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("a" * 64, "a" * 64, True),
        ("a" * 64, "b" * 64, False),
        ("c" * 40, "d" * 40, False),
        ("c" * 40, "a" * 64, None),  # a commit says nothing of the files of a folder
        (None, "a" * 64, None),
        ("a" * 64, None, None),
    ],
)
def test_fingerprints_tell_only_of_their_own_kind(one, other, expected):
    from bias_inherit.models import is_same_base

    assert is_same_base(one, other) is expected


def edited(name, **changes):
    """Return what changes a JSON file in a folder."""

    def edit(folder):
        there = json.loads((folder / name).read_text())
        (folder / name).write_text(json.dumps(there | changes))

    return edit


def written(name, content):
    return lambda folder: (folder / name).write_bytes(content)


def cut(name, to):
    return lambda folder: os.truncate(folder / name, to)


def removed(*names):
    return lambda folder: [(folder / name).unlink() for name in names]


def weights(change):
    """Return what changes the tensors (by name) in a folder."""

    def edit(folder):
        from safetensors.torch import load_file, save_file

        path = folder / "model.safetensors"
        save_file(change(load_file(path)), path, metadata={"format": "pt"})

    return edit


def all_of(*edits):
    return lambda folder: [edit(folder) for edit in edits]


class Trap:
    """What a pickle may do while it is read."""

    def __reduce__(self):
        return (Path.touch, (Path(os.environ["TRAP"]),))


def pickled(name):
    def edit(folder):
        import torch

        torch.save({"weight": Trap()}, folder / name)

    return edit


CONFIG, WEIGHTS, WORDS = "config.json", "model.safetensors", "tokenizer.json"
HEADLESS = all_of(
    edited(CONFIG, tie_word_embeddings=False),
    weights(lambda there: {name: t for name, t in there.items() if "lm_head" not in name}),
)
BASES = {
    "without a head of its own": (HEADLESS, r"lacks 1 of its weights .*first: lm_head.weight"),
    "without a layer": (
        weights(lambda there: {n: t for n, t in there.items() if "layers.1.mlp.up" not in n}),
        r"lacks 1 of its weights .*first: model.layers.1.mlp.up_proj.weight",
    ),
    "of fewer layers": (edited(CONFIG, num_hidden_layers=5), "lacks 18 of its weights"),
    "of another size": (
        edited(CONFIG, intermediate_size=100),
        r"9 of its weights have another shape .*is \[64, 192\], \[64, 100\] is needed",
    ),
    "with its weights cut short": (cut(WEIGHTS, 1000), "cannot be loaded: SafetensorError"),
    "with its last tensor cut": (cut(WEIGHTS, 1_500_000), "cannot be loaded: SafetensorError"),
    "with no weights in the file": (cut(WEIGHTS, 0), "cannot be loaded: SafetensorError"),
    "with something else for weights": (written(WEIGHTS, b"PK" * 900), "cannot be loaded"),
    "without weights": (removed(WEIGHTS), "no file named model.safetensors"),
    "with a pickle that runs code": (
        all_of(removed(WEIGHTS), pickled("pytorch_model.bin")),
        "holds more than tensors",
    ),
    "with null for a number": (edited(CONFIG, hidden_size=None), "'hidden_size' expected int"),
    "with text for a number": (edited(CONFIG, vocab_size="4096"), "'vocab_size' expected int"),
    "with no heads": (edited(CONFIG, num_attention_heads=0), "cannot be loaded: ZeroDivision"),
    "with fewer than no layers": (edited(CONFIG, num_hidden_layers=-1), "asks for -1 layers"),
    "with an unknown activation": (edited(CONFIG, hidden_act="no"), "cannot be loaded: KeyError"),
    "of an unknown type": (edited(CONFIG, model_type="no"), "model type `no`"),
    "of an architecture that is text": (edited(CONFIG, architectures="Llama"), "not a causal"),
    "of an architecture that is a number": (edited(CONFIG, architectures=[3]), r"causal .*\(3\)"),
    "of the body alone": (edited(CONFIG, architectures=["LlamaModel"]), r"causal .*\(LlamaModel"),
    "with a list for its config": (written(CONFIG, b"[]"), "cannot be loaded"),
    "with half a config": (written(CONFIG, b"{"), "not a valid JSON"),
    "without a config": (removed(CONFIG), "has no config.json"),
}
TOKENIZERS = {
    "without one": (removed(WORDS, "tokenizer_config.json"), "cannot be loaded"),
    "without its words": (removed(WORDS), "cannot be loaded"),
    "with half of its words": (written(WORDS, b"{"), "cannot be loaded"),
    "with other words": (written(WORDS, b'{"model": 3}'), "cannot be loaded: KeyError"),
    "with half a config": (written("tokenizer_config.json", b"{"), "cannot be loaded"),
    "with a list for its config": (written("tokenizer_config.json", b"[]"), "cannot be loaded"),
}


@pytest.fixture
def copy(lab_base, tmp_path, monkeypatch):
    monkeypatch.setenv("TRAP", str(tmp_path / "sprung"))
    yield Path(shutil.copytree(lab_base, tmp_path / "base"))
    assert not (tmp_path / "sprung").exists(), "code in a pickle was run"


@pytest.mark.parametrize("name", BASES)
def test_a_base_that_is_not_whole_is_one_line(copy, name, capfd):
    spoil, message = BASES[name]
    spoil(copy)
    capfd.readouterr()
    with pytest.raises(InputError, match=message) as told:
        check_causal(str(copy))
        load_model(str(copy))
    assert str(copy) in str(told.value) and "\n" not in str(told.value)
    assert "LOAD REPORT" not in capfd.readouterr().err


@pytest.mark.parametrize("name", TOKENIZERS)
def test_a_tokenizer_that_is_not_whole_is_one_line(copy, name):
    spoil, message = TOKENIZERS[name]
    spoil(copy)
    with pytest.raises(InputError, match=message) as told:
        load_tokenizer(str(copy))
    assert str(copy) in str(told.value) and "\n" not in str(told.value)


def test_a_tokenizer_that_ends_every_text_is_refused(make_base, tmp_path):
    with pytest.raises(InputError, match="ends every text with </s>, after which no answer"):
        load_tokenizer(make_base(tmp_path / "base", single="<s> $A </s>"))


@pytest.mark.parametrize("without", [["pad_token"], ["pad_token", "eos_token", "bos_token"]])
def test_every_tokenizer_can_pad(make_base, tmp_path, without):
    tokenizer = load_tokenizer(make_base(tmp_path / "base", **dict.fromkeys(without)))
    batch = tokenizer(["a", "a longer text"], padding=True)
    assert len({len(ids) for ids in batch.input_ids}) == 1
    assert tokenizer.pad_token_id < 4096


def test_the_tokenizer_of_another_model_is_told(make_base, tmp_path):
    from bias_inherit.models import check_words

    base = make_base(tmp_path / "base", of={"vocab_size": 4000})
    with pytest.raises(InputError, match="has 4000 words and its tokenizer 4096"):
        check_words(load_tokenizer(base), load_model(base), base)

    base = make_base(tmp_path / "more")
    tokenizer = load_tokenizer(base)
    tokenizer.add_tokens(["<never>", "<used>"])
    check_words(tokenizer, load_model(base), base, tokenizer("a").input_ids)
    with pytest.raises(InputError, match="has 4096 words and its tokenizer 4098"):
        check_words(tokenizer, load_model(base), base, tokenizer("<used>").input_ids)


def test_an_adapter_that_names_a_number_for_its_base(adapter):
    (adapter / "adapter_config.json").write_text('{"base_model_name_or_path": 3}')
    with pytest.raises(InputError, match="base_model_name_or_path is not a text"):
        adapter_sha256(adapter)


def test_an_adapter_in_a_pickle_is_read_as_tensors_alone(adapters, lab_base, tmp_path, copy):
    import torch
    from safetensors.torch import load_file

    from bias_inherit.models import load_adapter

    folder = shutil.copytree(adapters["r50"], tmp_path / "pickled")
    tensors = load_file(folder / "adapter_model.safetensors")
    (folder / "adapter_model.safetensors").unlink()
    torch.save(tensors, folder / "adapter_model.bin")
    worn = load_adapter(load_model(lab_base), folder, lab_base).state_dict()
    same = load_adapter(load_model(lab_base), adapters["r50"], lab_base).state_dict()
    assert all(torch.equal(worn[name], same[name]) for name in same)

    pickled("adapter_model.bin")(folder)
    with pytest.raises(InputError, match="holds more than tensors"):
        load_adapter(load_model(lab_base), folder, lab_base)
