"""Every kind of peft adapter, in any order, is scored as a freshly loaded base would score it."""

from __future__ import annotations

import json
import warnings

import pytest

from bias_inherit.errors import InputError

TARGETS = {"target_modules": ["q_proj", "v_proj", "down_proj"]}
IDS = [[1, 70, 300, 41, 12, 9, 1200, 33]]


def kinds():
    """Return a peft configuration by the name of its kind; those that change a base are among."""
    import peft

    lora = {"r": 4, "lora_alpha": 8, "task_type": "CAUSAL_LM", **TARGETS}
    plain = {"task_type": "CAUSAL_LM", **TARGETS}
    virtual = {"task_type": "CAUSAL_LM", "num_virtual_tokens": 4}
    return {
        "lora": peft.LoraConfig(**lora),
        "dora": peft.LoraConfig(**lora, use_dora=True),
        "rslora": peft.LoraConfig(**lora, use_rslora=True),
        "pissa": peft.LoraConfig(**lora, init_lora_weights="pissa"),
        "olora": peft.LoraConfig(**lora, init_lora_weights="olora"),
        "bias-all": peft.LoraConfig(**lora, bias="all"),
        "bias-lora-only": peft.LoraConfig(**lora, bias="lora_only"),
        "modules-to-save": peft.LoraConfig(**lora, modules_to_save=["lm_head"]),
        "tokens": peft.LoraConfig(**lora, trainable_token_indices=[1, 70]),
        "ia3": peft.IA3Config(**plain, feedforward_modules=["down_proj"], init_ia3_weights=False),
        "layer-norm": peft.LNTuningConfig(task_type="CAUSAL_LM"),
        "vera": peft.VeraConfig(task_type="CAUSAL_LM", r=8, target_modules=["q_proj"]),
        "loha": peft.LoHaConfig(**plain, r=4),
        "lokr": peft.LoKrConfig(**plain, r=4),
        "adalora": peft.AdaLoraConfig(**plain, init_r=4, target_r=2, total_step=10),
        "oft": peft.OFTConfig(**plain, oft_block_size=16),
        "boft": peft.BOFTConfig(**plain, boft_block_size=4),
        "fourier": peft.FourierFTConfig(task_type="CAUSAL_LM", n_frequency=20, **TARGETS),
        "hra": peft.HRAConfig(**plain, r=4),
        "miss": peft.MissConfig(**plain, r=4),
        "prompt": peft.PromptTuningConfig(**virtual),
        "p-tuning": peft.PromptEncoderConfig(**virtual, encoder_hidden_size=16),
        "prefix": peft.PrefixTuningConfig(**virtual),
    }


CHANGING = {"pissa", "olora"}
"""Kinds that change the base's own weights: after them it is loaded anew."""


@pytest.fixture(scope="module")
def adapters(tmp_path_factory, lab_base):
    """A folder with an adapter of each kind on the lab's model."""
    return write_adapters(tmp_path_factory.mktemp("kinds"), lab_base, kinds())


@pytest.fixture(scope="module")
def base_with_biases(tmp_path_factory, lab_base):
    """A random model with the lab's tokenizer whose attention has biases."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

    folder = tmp_path_factory.mktemp("biased") / "base"
    torch.manual_seed(0)
    config = AutoConfig.from_pretrained(lab_base, attention_bias=True)
    AutoModelForCausalLM.from_config(config).save_pretrained(folder)
    AutoTokenizer.from_pretrained(lab_base).save_pretrained(folder)
    return str(folder)


def write_adapters(folder, base, configs):
    """Write an adapter of each configuration, its weights moved off their start."""
    import torch
    from peft import get_peft_model
    from transformers import AutoModelForCausalLM

    for i, (name, config) in enumerate(configs.items()):
        torch.manual_seed(i)
        model = get_peft_model(AutoModelForCausalLM.from_pretrained(base), config)
        with torch.no_grad():
            for parameter in model.parameters():
                if parameter.requires_grad:
                    parameter.add_(0.05 * torch.randn_like(parameter))
        model.save_pretrained(folder / name)
    return folder


def logits(model):
    import torch

    with torch.no_grad():
        return model(input_ids=torch.tensor(IDS)).logits


def plain(lab_base, adapter):
    """Return the logits of a base that was just loaded, with the adapter on it."""
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    base = AutoModelForCausalLM.from_pretrained(lab_base)
    return logits(PeftModel.from_pretrained(base, str(adapter)).eval())


@pytest.mark.slow
def test_each_kind_is_scored_as_the_plain_command_does_and_spoils_nothing(adapters, lab_base):
    told = wear_each(lab_base, adapters, kinds())
    assert {name for name, loads in told.items() if loads} >= CHANGING
    assert not any(told[name] for name in ("lora", "dora", "ia3", "prompt"))


@pytest.mark.slow
def test_biases_that_an_adapter_stores_do_not_stay_in_the_base(base_with_biases, tmp_path):
    some = {name: kinds()[name] for name in ("lora", "bias-all", "bias-lora-only")}
    adapters = write_adapters(tmp_path, base_with_biases, some)
    told = wear_each(base_with_biases, adapters, some)
    assert told["bias-all"] == told["bias-lora-only"] == 1 and told["lora"] == 0


def wear_each(lab_base, adapters, names):
    """Wear each adapter between two plain ones; return how often that loaded the base anew."""
    import torch

    from bias_inherit.harness.wearing import Wardrobe

    wardrobe = Wardrobe(lab_base, None, 4, "cpu", False)
    bare = logits(wardrobe.bare()._model)
    between = plain(lab_base, adapters / "lora")
    told = {}
    for name in names:
        loads = wardrobe.loads
        worn = logits(wardrobe.put_on(adapters / name)._model)
        expected = plain(lab_base, adapters / name)
        assert torch.equal(worn, expected), name
        assert not torch.equal(worn[..., -bare.shape[-2] :, :], bare), f"{name} changes nothing"
        wardrobe.take_off()
        told[name] = wardrobe.loads - loads

        again = logits(wardrobe.put_on(adapters / "lora")._model)
        assert torch.equal(again, between), f"after {name}"
        wardrobe.take_off()
        assert torch.equal(logits(wardrobe.bare()._model), bare), f"after {name}"
    return told


@pytest.mark.slow
def test_tensors_that_do_not_load_are_told_before_anything_is_scored(adapters, lab_base, tmp_path):
    from safetensors.torch import load_file, save_file

    from bias_inherit.harness.wearing import Wardrobe

    weights = load_file(adapters / "lora" / "adapter_model.safetensors")
    n, first = len(weights), next(iter(weights))
    shape = {first: weights[first][:1].contiguous()}
    broken = {
        "double": ({f"base_model.model.{k}": v for k, v in weights.items()}, f"none of its {n} t"),
        "cut": (dict(list(weights.items())[:-2]), "2 tensors are missing in it"),
        "more": (
            weights | {f"{first}.x": weights[first].clone()},
            f"1 of its {n + 1} tensors belong",
        ),
        "shape": (weights | shape, "size mismatch"),
    }
    wardrobe = Wardrobe(lab_base, None, 4, "cpu", False)
    bare = logits(wardrobe.bare()._model)
    for name, (content, message) in broken.items():
        folder = tmp_path / name
        folder.mkdir()
        save_file(content, folder / "adapter_model.safetensors")
        config = (adapters / "lora" / "adapter_config.json").read_text()
        (folder / "adapter_config.json").write_text(config)
        with pytest.raises(InputError) as error:
            wardrobe.put_on(folder)
        assert str(folder) in str(error.value) and "does not fit" in str(error.value)
        assert message in str(error.value) and "\n" not in str(error.value)
        assert logits(wardrobe.bare()._model).equal(bare)


@pytest.mark.slow
def test_nothing_is_scored_where_one_adapter_does_not_fit(adapters, lab_base, tmp_path):
    from safetensors.torch import load_file, save_file

    from bias_inherit.harness.score import Options, score

    weights = load_file(adapters / "lora" / "adapter_model.safetensors")
    save_path = tmp_path / "double"
    save_path.mkdir()
    save_file({f"x.{k}": v for k, v in weights.items()}, save_path / "adapter_model.safetensors")
    config = (adapters / "lora" / "adapter_config.json").read_text()
    (save_path / "adapter_config.json").write_text(config)
    options = Options(tasks=("bias_inherit_occupation",), limit=4, progress=False)
    named = {"lora": adapters / "lora", "double": save_path}
    with pytest.raises(InputError, match="double does not fit"):
        score(lab_base, named, lambda name: tmp_path / "out" / name, options)
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_stories_of_an_adapter_are_those_of_the_plain_command(adapters, lab_base, tmp_path):
    import os
    import shlex
    import subprocess
    import sys
    from pathlib import Path

    from bias_inherit.harness.score import Options, score

    def replies(folder):
        (path,) = folder.rglob("samples_bias_inherit_story_*.jsonl")
        return [json.loads(line)["resps"] for line in path.open(encoding="utf-8")]

    options = Options(tasks=("bias_inherit_story",), limit=3, progress=False)
    named = {"ia3": adapters / "ia3", "lora": adapters / "lora"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        score(lab_base, named, lambda name: tmp_path / name, options)
    for name in named:
        command = json.loads((tmp_path / name / "bias_inherit.json").read_text())["command"]
        out = tmp_path / f"plain-{name}"
        bin_ = Path(sys.executable).parent
        done = subprocess.run(
            f"{command} --log_samples --output_path {shlex.quote(str(out))}",
            shell=True,
            capture_output=True,
            text=True,
            env=os.environ | {"PATH": f"{bin_}:{os.environ['PATH']}"},
        )
        assert done.returncode == 0, done.stderr[-2000:]
        assert replies(out) == replies(tmp_path / name)


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("org/lab", "lab"),
        ("/home/me/models/lab/", "lab"),
        ("/cache/hub/models--org--lab/snapshots/0a1b2c3d", "lab"),
        ("/cache/hub/models--org--lab/snapshots/0a1b2c3d/", "lab"),
        (None, ""),
        ("", ""),
    ],
)
def test_a_snapshot_is_called_by_its_model(model, name):
    from bias_inherit.harness.score import model_name

    assert model_name(model) == name


@pytest.mark.slow
@pytest.mark.parametrize(
    ("named", "warns"),
    [
        ("/cache/models--org--lab/snapshots/0a1b", False),
        ("org/lab", False),
        (None, True),
        ("", True),
        ("org/other-bnb-4bit", True),
    ],
)
def test_names_alone_speak_against_an_adapter_in_a_warning(
    adapters, lab_base, tmp_path, named, warns
):
    import shutil

    from bias_inherit.harness.score import Options, score

    folder = tmp_path / "adapter"
    shutil.copytree(adapters / "lora", folder)
    config = json.loads((folder / "adapter_config.json").read_text())
    config["base_model_name_or_path"] = named
    (folder / "adapter_config.json").write_text(json.dumps(config))
    said = []
    options = Options(tasks=("bias_inherit_occupation",), limit=2, progress=False)
    score(lab_base, {"a": folder}, lambda name: tmp_path / "out" / name, options, said.append)
    assert any(line.startswith("warning: adapter") for line in said) == warns
    assert (tmp_path / "out" / "a" / "bias_inherit.json").is_file()


def test_a_pattern_that_takes_groups_and_tags_too_gives_each_task_once():
    from bias_inherit.harness.score import Options, load_tasks

    _, once = load_tasks(Options(tasks=("bias_inherit_*",)))
    _, more = load_tasks(Options(tasks=("bias_inherit*", "bias-inherit-gender")))
    names = [task.config.task for task in once]
    assert len(names) == 10 and sorted(task.config.task for task in more) == sorted(names)


def test_a_hash_sees_every_change():
    import torch

    from bias_inherit.harness.wearing import tensor_hashes

    layer = torch.nn.Linear(4, 3)
    before = tensor_hashes(layer)
    assert tensor_hashes(layer) == before
    with torch.no_grad():
        layer.weight[[0, 1]] = layer.weight[[1, 0]].clone()
    assert tensor_hashes(layer)["weight"] != before["weight"]
    assert tensor_hashes(layer)["bias"] == before["bias"]
