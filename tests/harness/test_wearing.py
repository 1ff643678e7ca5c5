"""Every kind of peft adapter, in any order, is scored as a freshly loaded base would score it."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
import warnings
from functools import cache
from pathlib import Path

import pytest

from bias_inherit.errors import InputError

TARGETS = ["q_proj", "v_proj", "down_proj"]
LORA = {"r": 4, "lora_alpha": 8, "target_modules": TARGETS}
ON_THREE = {"target_modules": TARGETS}
ON_TWO = {"target_modules": ["q_proj", "v_proj"]}
ON_ONE = {"target_modules": ["q_proj"]}  # of one shape, as shared projections ask for
VIRTUAL = {"num_virtual_tokens": 4}

KINDS = {
    "lora": ("LORA", LORA),
    "dora": ("LORA", LORA | {"use_dora": True}),
    "rslora": ("LORA", LORA | {"use_rslora": True}),
    "pissa": ("LORA", LORA | {"init_lora_weights": "pissa"}),
    "pissa-fast": ("LORA", LORA | {"init_lora_weights": "pissa_niter_2"}),
    "olora": ("LORA", LORA | {"init_lora_weights": "olora"}),
    "orthogonal": ("LORA", LORA | {"init_lora_weights": "orthogonal"}),
    "lora-with-biases": ("LORA", LORA | {"lora_bias": True}),
    "bias-all": ("LORA", LORA | {"bias": "all"}),
    "bias-lora-only": ("LORA", LORA | {"bias": "lora_only"}),
    "of-embeddings": ("LORA", LORA | {"target_modules": ["embed_tokens", "q_proj"]}),
    "saved-embeddings": ("LORA", LORA | {"modules_to_save": ["embed_tokens"]}),
    "saved-norms": ("LORA", LORA | {"modules_to_save": ["norm", "input_layernorm"]}),
    "replicated-layers": ("LORA", LORA | {"layer_replication": [[0, 2], [1, 3]]}),
    "alora": ("LORA", LORA | {"alora_invocation_tokens": [0]}),  # the base's for INVOCATION
    "qalora": ("LORA", LORA | {"use_qalora": True, "qalora_group_size": 16}),
    "adalora": ("ADALORA", ON_THREE | {"init_r": 4, "target_r": 2, "total_step": 10}),
    "adamss": ("ADAMSS", ON_TWO),
    "adaption-prompt": ("ADAPTION_PROMPT", {"adapter_len": 4, "adapter_layers": 2}),
    "beft": ("BEFT", ON_TWO),
    "boft": ("BOFT", ON_THREE | {"boft_block_size": 4}),
    "c3a": ("C3A", ON_TWO | {"block_size": 16}),
    "cartridge": ("CARTRIDGE", VIRTUAL),
    "cpt": ("CPT", {"cpt_token_ids": [1, 2, 3], "cpt_tokens_type_mask": [1, 1, 1]}),
    "deft": ("DEFT", ON_TWO),
    "delora": ("DELORA", ON_THREE | {"r": 4}),
    "fourier": ("FOURIERFT", ON_THREE | {"n_frequency": 20}),
    "frod": ("FROD", ON_TWO),
    "glora": ("GLORA", ON_TWO | {"r": 4}),
    "gralora": ("GRALORA", ON_TWO | {"r": 4}),
    "hira": ("HIRA", ON_TWO | {"r": 4}),
    "hra": ("HRA", ON_THREE | {"r": 4}),
    "ia3": ("IA3", ON_THREE | {"feedforward_modules": ["down_proj"], "init_ia3_weights": False}),
    "layer-norm": ("LN_TUNING", {}),
    "lily": ("LILY", ON_TWO | {"r": 4}),
    "loha": ("LOHA", ON_THREE | {"r": 4}),
    "lokr": ("LOKR", ON_THREE | {"r": 4}),
    "miss": ("MISS", ON_THREE | {"r": 4}),
    "oft": ("OFT", ON_THREE | {"oft_block_size": 16}),
    "osf": ("OSF", ON_TWO),
    "p-tuning": ("P_TUNING", VIRTUAL | {"encoder_hidden_size": 16}),
    "peanut": ("PEANUT", ON_TWO),
    "prefix": ("PREFIX_TUNING", VIRTUAL),
    "prompt": ("PROMPT_TUNING", VIRTUAL),
    "psoft": ("PSOFT", ON_TWO | {"r": 4}),
    "pvera": ("PVERA", ON_ONE | {"r": 8}),
    "randlora": ("RANDLORA", ON_ONE | {"r": 4}),
    "road": ("ROAD", ON_TWO),
    "shira": ("SHIRA", ON_TWO | {"r": 4}),
    "supertuning": ("SUPERTUNING", ON_TWO),
    "tinylora": ("TINYLORA", ON_TWO),
    "unilora": ("UNILORA", ON_TWO),
    "vblora": ("VBLORA", ON_TWO | {"r": 4, "vector_length": 16, "num_vectors": 32, "topk": 2}),
    "vera": ("VERA", ON_ONE | {"r": 8}),
    "vera-by-its-seed": ("VERA", ON_ONE | {"r": 8, "save_projection": False}),
    "waveft": ("WAVEFT", ON_TWO | {"n_frequency": 20}),
}
"""A peft configuration (its type and its options) by the name of its kind."""

UNTIED = {
    "of-the-head": ("LORA", LORA | {"target_modules": ["lm_head", "q_proj"]}),
    "saved-head": ("LORA", LORA | {"modules_to_save": ["lm_head"]}),
    "saved-ends": ("LORA", LORA | {"modules_to_save": ["lm_head", "embed_tokens"]}),
    "tokens": ("LORA", LORA | {"trainable_token_indices": [1, 70]}),
    "tokens-alone": ("TRAINABLE_TOKENS", {"token_indices": [1, 70]}),
}
"""Kinds that the plain command takes on a base with two ends of its own; on the lab, whose head is
its embeddings, it fails when it ties them again."""

UNFIT = {
    "poly": ("POLY", ON_TWO | {"r": 4}),
    "multitask": ("MULTITASK_PROMPT_TUNING", VIRTUAL | {"num_tasks": 2}),
    "shadow": ("SHADOW", ON_TWO),
}
"""Kinds whose forward pass asks for more than lm-eval gives: the plain command fails too."""

APART = {"alora", "cartridge", "cpt", "lily", "p-tuning", "prefix", "prompt"}
"""Kinds in which more than a token and its past decides: they are left to lm-eval's own way."""
INVOCATION = "Occupations:"
"""Stands in every prompt asked here; from it on an aLoRA adapter does something."""
CHANGING = {"pissa", "pissa-fast", "olora", "replicated-layers", "saved-embeddings"}
"""Kinds after which the base is loaded anew (there are others)."""
HARMLESS = {"lora", "dora", "rslora", "ia3", "prompt", "vera", "vblora"}
"""Kinds after which it must not be, for it costs."""


def config_of(name):
    from peft.mapping import PEFT_TYPE_TO_CONFIG_MAPPING

    kind, options = (KINDS | UNTIED | UNFIT)[name]
    known = {str(key.value): value for key, value in PEFT_TYPE_TO_CONFIG_MAPPING.items()}
    if kind not in known:
        pytest.skip(f"the installed peft has no {kind}")
    return known[kind](task_type="CAUSAL_LM", **options)


def write_adapter(folder, base, name):
    """Write an adapter of a kind, its weights moved off their start; return its folder."""
    import torch
    from peft import get_peft_model
    from transformers import AutoModelForCausalLM, AutoTokenizer

    if (folder / name).is_dir():
        return folder / name
    config = config_of(name)
    if getattr(config, "alora_invocation_tokens", None):
        tokens = AutoTokenizer.from_pretrained(base)(INVOCATION, add_special_tokens=False)
        config.alora_invocation_tokens = tokens["input_ids"]
    torch.manual_seed(len(name))
    model = get_peft_model(AutoModelForCausalLM.from_pretrained(base), config)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.add_(0.05 * torch.randn_like(parameter))
    model.save_pretrained(folder / name)
    return folder / name


@pytest.fixture(scope="module")
def device():
    """Everything here holds on a GPU too, where there is one."""
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("kinds")


@pytest.fixture(scope="module")
def lora(folder, lab_base):
    return write_adapter(folder, lab_base, "lora")


@pytest.fixture(scope="module")
def requests(original):
    """A few documents, with two answers each."""
    from lm_eval.api.instance import Instance

    return [
        Instance("loglikelihood", {}, (example["prompt"], answer), i)
        for i, example in enumerate(original[:3])
        for answer in (" A", " B", " a nurse", " an engineer in a large city")
    ]


@pytest.fixture(scope="module")
def wardrobe(lab_base, device):
    from bias_inherit.harness.wearing import Wardrobe

    return Wardrobe(lab_base, None, 4, device, False)


@pytest.fixture(scope="module")
def plain(lab_base, requests, device):
    """Log-likelihoods as `lm_eval --model_args pretrained=…,peft=…` gives them."""

    @cache
    def scored(adapter=None, base=lab_base):
        from lm_eval.models.huggingface import HFLM

        from bias_inherit.harness.wearing import seed_like_lm_eval

        seed_like_lm_eval()
        peft = None if adapter is None else str(adapter)
        lm = HFLM(pretrained=base, peft=peft, batch_size=4, device=device)
        return lm.loglikelihood(requests, disable_tqdm=True)

    return scored


def check_same(found, expected, name=None):
    """Compare log-likelihoods to 1e-4, and whether each answer is the likeliest."""
    likelihoods = [[one for one, _ in some] for some in (found, expected)]
    assert likelihoods[0] == pytest.approx(likelihoods[1], abs=1e-4), name
    assert [flag for _, flag in found] == [flag for _, flag in expected], name


@pytest.mark.slow
@pytest.mark.parametrize("name", KINDS)
def test_each_kind_is_scored_as_by_the_plain_command_and_spoils_nothing(
    name, folder, lora, lab_base, wardrobe, plain, requests
):
    adapter = write_adapter(folder, lab_base, name)
    before = wardrobe.put_on(lora).loglikelihood(requests)
    loads = wardrobe.loads
    lm = wardrobe.put_on(adapter)
    check_same(lm.loglikelihood(requests), plain(adapter))
    assert (lm._token_bytes([range(10, 15), range(20, 26)]) is None) == (name in APART)
    assert plain(adapter) != plain(), "this adapter does something"
    assert wardrobe.put_on(lora).loglikelihood(requests) == before
    check_same(before, plain(lora))
    check_same(wardrobe.bare().loglikelihood(requests), plain())

    assert name not in CHANGING or wardrobe.loads == loads + 1
    assert name not in HARMLESS or wardrobe.loads == loads


@pytest.mark.slow
@pytest.mark.parametrize("name", [*UNFIT, *sorted(UNTIED.keys() - {"saved-ends"})])
def test_a_kind_that_lm_eval_cannot_run_is_one_line(
    name, folder, lora, lab_base, wardrobe, plain, requests
):
    adapter = write_adapter(folder, lab_base, name)
    with pytest.raises(InputError, match="does not run as lm-eval runs a model") as error:
        wardrobe.put_on(adapter)
    assert str(adapter) in str(error.value) and "\n" not in str(error.value)
    check_same(wardrobe.put_on(lora).loglikelihood(requests), plain(lora))


@pytest.fixture(scope="module")
def base_with_biases(tmp_path_factory, lab_base):
    """A random model with the lab's tokenizer, biases in its attention, and a head of its own."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

    folder = tmp_path_factory.mktemp("biased") / "base"
    torch.manual_seed(0)
    config = AutoConfig.from_pretrained(lab_base, attention_bias=True, tie_word_embeddings=False)
    AutoModelForCausalLM.from_config(config).save_pretrained(folder)
    AutoTokenizer.from_pretrained(lab_base).save_pretrained(folder)
    return str(folder)


@pytest.mark.slow
def test_biases_that_an_adapter_stores_do_not_stay_in_the_base(
    base_with_biases, tmp_path, plain, requests, device
):
    from bias_inherit.harness.wearing import Wardrobe

    wardrobe = Wardrobe(base_with_biases, None, 4, device, False)
    names = ("lora", "bias-all", "lora", "bias-lora-only", "lora")
    loads = []
    for name in names:
        adapter = write_adapter(tmp_path, base_with_biases, name)
        found = wardrobe.put_on(adapter).loglikelihood(requests)
        check_same(found, plain(adapter, base_with_biases), name)
        loads.append(wardrobe.loads)
    assert loads == [1, 1, 2, 2, 3]


@pytest.mark.slow
@pytest.mark.parametrize("name", UNTIED)
def test_both_ends_of_a_base_are_what_they_were(
    name, base_with_biases, folder, plain, requests, device
):
    from bias_inherit.harness.wearing import Wardrobe

    wardrobe = Wardrobe(base_with_biases, None, 4, device, False)
    between = folder / "untied"
    for kind in ("lora", name, "lora"):
        adapter = write_adapter(between, base_with_biases, kind)
        found = wardrobe.put_on(adapter).loglikelihood(requests)
        check_same(found, plain(adapter, base_with_biases), kind)
    check_same(wardrobe.bare().loglikelihood(requests), plain(None, base_with_biases))


def rewritten(folder, adapter, change):
    """Return a copy of an adapter whose tensors (by name) were given to `change`."""
    from safetensors.torch import load_file, save_file

    shutil.copytree(adapter, folder)
    file = folder / "adapter_model.safetensors"
    save_file(change(load_file(file)), file)
    return folder


def first(tensors):
    return next(iter(tensors))


def without(tensors, part, many):
    gone = [name for name in tensors if part in name][:many]
    assert len(gone) == many
    return {name: tensor for name, tensor in tensors.items() if name not in gone}


BROKEN = {
    "a doubled prefix": (
        "lora",
        lambda t: {f"base_model.model.{name}": tensor for name, tensor in t.items()},
        r"none of its 18 tensors belongs to a layer of the base \(first: base_model\.model\.base_",
    ),
    "two tensors less": (
        "lora",
        lambda t: without(t, "lora_B", 2),
        r"2 tensors are missing in it \(first: .*lora_B",
    ),
    "a tensor more": (
        "lora",
        lambda t: t | {"base_model.model.x": t[first(t)].clone()},
        r"1 of its 19 tensors belong to no layer of the base \(first: base_model\.model\.x\)",
    ),
    "a tensor more and one less": (
        "lora",
        lambda t: without(t, "lora_B", 1) | {"x": t[first(t)].clone()},
        r"1 of its 18 tensors belong .*, and 1 tensor is missing",
    ),
    "another shape": (
        "lora",
        lambda t: t | {first(t): t[first(t)][:1].contiguous()},
        r"1 tensor has another shape than the layer \(first: .* is \[1, \d+\], \[4, \d+\] is",
    ),
    "nothing in it": ("lora", lambda t: {}, "18 tensors are missing in it"),
    "a saved layer less": (
        "saved-norms",
        lambda t: without(t, "input_layernorm", 1),
        "input_layernorm.*is missing",
    ),
    "of another kind": ("prompt", lambda t: {"x.lora_A.weight": t[first(t)]}, "is missing in it"),
    "a prompt and more": (
        "prompt",
        lambda t: t | {"x": t[first(t)].clone()},
        "1 of its 2 tensors belong",
    ),
    "a prompt of another size": (
        "prompt",
        lambda t: {first(t): t[first(t)][:, :8].contiguous()},
        "another shape",
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", BROKEN)
def test_tensors_that_are_out_of_place_are_an_error(
    name, folder, lora, lab_base, tmp_path, wardrobe, plain, requests
):
    kind, change, message = BROKEN[name]
    broken = rewritten(tmp_path / "broken", write_adapter(folder, lab_base, kind), change)
    with pytest.raises(InputError, match=message) as error:
        wardrobe.put_on(broken)
    assert str(error.value).startswith(f"adapter {broken} does not fit {lab_base}: ")
    assert "\n" not in str(error.value)
    check_same(wardrobe.put_on(lora).loglikelihood(requests), plain(lora))


@pytest.mark.slow
def test_biases_that_are_missing_are_an_error(base_with_biases, tmp_path, device):
    from bias_inherit.harness.wearing import Wardrobe

    whole = write_adapter(tmp_path, base_with_biases, "bias-all")
    broken = rewritten(tmp_path / "broken", whole, lambda t: without(t, ".bias", 3))
    wardrobe = Wardrobe(base_with_biases, None, 4, device, False)
    wardrobe.put_on(whole)
    with pytest.raises(InputError, match=r"3 tensors are missing in it \(first: .*bias"):
        wardrobe.put_on(broken)


@pytest.mark.slow
def test_files_that_are_not_an_adapter_are_one_line(lora, tmp_path, wardrobe):
    def copy(name):
        shutil.copytree(lora, tmp_path / name)
        return tmp_path / name

    cut = copy("cut")
    weights = cut / "adapter_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:999])
    unknown = copy("unknown")
    config = json.loads((unknown / "adapter_config.json").read_text())
    (unknown / "adapter_config.json").write_text(json.dumps(config | {"peft_type": "NEXT_YEAR"}))
    for broken in (cut, unknown):
        with pytest.raises(InputError, match="does not fit") as error:
            wardrobe.put_on(broken)
        assert "\n" not in str(error.value)


@pytest.mark.slow
def test_nothing_is_scored_where_one_adapter_does_not_fit(lora, lab_base, tmp_path):
    from bias_inherit.harness.score import Options, score

    double = rewritten(
        tmp_path / "double", lora, lambda t: {f"x.{name}": tensor for name, tensor in t.items()}
    )
    options = Options(tasks=("bias_inherit_occupation",), limit=4, progress=False)
    named = {"lora": lora, "double": double}
    with pytest.raises(InputError, match="double does not fit"):
        score(lab_base, named, lambda name: tmp_path / "out" / name, options)
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_stories_of_an_adapter_are_those_of_the_plain_command(folder, lab_base, tmp_path):
    from bias_inherit.harness.score import Options, score

    def replies(results):
        (path,) = results.rglob("samples_bias_inherit_story_*.jsonl")
        return [json.loads(line)["resps"] for line in path.open(encoding="utf-8")]

    # sampled answers: peft draws numbers when it loads an adapter, and more for this kind
    named = {name: write_adapter(folder, lab_base, name) for name in ("ia3", "pissa-fast")}
    options = Options(tasks=("bias_inherit_story",), limit=2, progress=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        score(lab_base, named, lambda name: tmp_path / name, options)

    ours = tmp_path / "pissa-fast"
    command = json.loads((ours / "bias_inherit.json").read_text())["command"]
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        f"{command} --log_samples --output_path {shlex.quote(str(tmp_path / 'plain'))}",
        shell=True,
        capture_output=True,
        text=True,
        env=os.environ | {"PATH": path},
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert replies(tmp_path / "plain") == replies(ours) != replies(tmp_path / "ia3")


def test_a_change_of_anything_in_a_base_is_seen(lab_base, device):
    import torch
    from transformers import AutoModelForCausalLM

    from bias_inherit.base_state import base_state

    def first_layer(model):
        return model.model.layers[0].self_attn

    def swap_rows(model):
        weight = first_layer(model).q_proj.weight
        weight[[0, 1]] = weight[[1, 0]].clone()

    def one_bit(model):
        model.model.norm.weight.view(torch.int32)[7] ^= 1

    changes = {
        "two rows swapped": swap_rows,
        "a bit": one_bit,
        "a layer more": lambda model: model.model.layers.append(model.model.layers[0]),
        "a hook": lambda model: first_layer(model).register_forward_hook(lambda *_: None),
        "another forward": lambda model: setattr(first_layer(model), "forward", print),
        "a setting": lambda model: setattr(model.config, "rms_norm_eps", 1e-3),
        "another layer": lambda model: setattr(first_layer(model), "q_proj", torch.nn.Identity()),
    }
    with torch.no_grad():
        for name, change in changes.items():
            model = AutoModelForCausalLM.from_pretrained(lab_base).to(device)
            before = base_state(model)
            assert base_state(model) == before
            change(model)
            assert base_state(model) != before, name
