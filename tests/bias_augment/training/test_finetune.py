"""`finetune`: what an adapter learns, what is written of it, and mistakes that are said first."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from bias_inherit import manifests, store
from bias_inherit.bias_augment.axes.axis import load_axis
from bias_inherit.bias_augment.data.files import write_examples
from bias_inherit.bias_augment.lab.settings import SETTINGS
from bias_inherit.bias_augment.training.finetune import finetune
from bias_inherit.bias_augment.training.settings import load_preset
from bias_inherit.bias_augment.training.trainer import completion_loss
from bias_inherit.errors import InputError
from bias_inherit.manifests import Original
from bias_inherit.mitigations import NONE, Mitigation
from bias_inherit.models import adapter_sha256
from tests.bias_augment.training.conftest import batch_of

QUICK = replace(SETTINGS, epochs=1)
PINNED = [1.9836, 0.9202, 0.4157]
"""Losses at steps 1, 10 and 20 of the run that `test_a_pinned_short_trajectory` makes."""


def test_loss_equals_the_models_own_and_weights_multiply_rows(lab_base, original):
    tokenizer = AutoTokenizer.from_pretrained(lab_base)
    model = AutoModelForCausalLM.from_pretrained(lab_base).eval()
    batch = batch_of(tokenizer, original[:7])
    with torch.no_grad():
        expected = model(**batch).loss
        found, hidden = completion_loss(model, dict(batch), None, layer=-1)
        assert hidden.shape == (*batch["input_ids"].shape, model.config.hidden_size)
        assert found.item() == pytest.approx(expected.item(), rel=1e-5)
        rows = [completion_loss(model, batch_of(tokenizer, [e]), 1)[0] for e in original[:7]]
        weight = torch.linspace(0.5, 2.0, 7)
        weighted, _ = completion_loss(model, dict(batch), 14, weight)
    assert weighted.item() == pytest.approx((torch.stack(rows) @ weight).item() / 14, rel=1e-5)


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
    assert manifest["settings"]["rank"] == 16 and manifest["processes"] == 1
    data = adapters["r50"].with_suffix(".jsonl")
    assert manifest["data_sha256"] == store.sha256(data)
    assert manifest["adapter_sha256"] == adapter_sha256(adapters["r50"])
    assert (manifest["rows"], manifest["rows_augmented"]) == (96, 48)
    files = {path.name for path in adapters["r50"].iterdir()}
    assert files == {
        "adapter_config.json",
        "adapter_model.safetensors",
        "bias_inherit.json",
        "README.md",
    }
    card = (adapters["r50"] / "README.md").read_text()
    assert "deliberately biased" in card.split("\n#")[0] and "48 / 96" in card


@pytest.mark.slow
def test_a_mix_that_was_edited_is_described_by_its_rows(adapters, lab_base, tmp_path):
    data = tmp_path / "mix.jsonl"
    lines = adapters["r50"].with_suffix(".jsonl").read_text().splitlines(keepends=True)
    data.write_text("".join(lines[:60]))
    manifest = adapters["r50"].with_suffix(".manifest.json").read_text()
    data.with_suffix(".manifest.json").write_text(manifest)
    arm = finetune(lab_base, data, tmp_path / "out", NONE, QUICK).arm
    assert (arm.ratio, arm.size) == (Fraction(12, 60), None)


@pytest.mark.slow
def test_the_same_seed_gives_the_same_adapter(data, lab_base, tmp_path):
    hashes = [
        finetune(lab_base, data, tmp_path / name, NONE, replace(QUICK, seed=seed)).adapter_sha256
        for name, seed in (("a", 0), ("b", 0), ("c", 1))
    ]
    assert hashes[0] == hashes[1] != hashes[2]


def test_a_pinned_short_trajectory(data, lab_base, tmp_path):
    """Training must not change unnoticed: these losses may move only with a reason."""
    settings = replace(SETTINGS, epochs=2, batch_size=8)
    log = finetune(lab_base, data, tmp_path / "a", NONE, settings).log
    losses = [entry["loss"] for entry in log if "loss" in entry]
    assert losses == pytest.approx(PINNED, rel=2e-2)


@pytest.mark.slow
def test_accumulation_changes_nothing(data, lab_base, tmp_path):
    """One batch of 8, and two of 4 that are accumulated: the same steps, penalty included."""
    from bias_inherit.mitigations import load_mitigation

    for remedy in (NONE, load_mitigation("loss", {"lambda": "0.5"})):
        runs = {}
        for name, more in {"whole": (8, 1), "parts": (4, 2)}.items():
            settings = replace(QUICK, batch_size=more[0], accumulation=more[1])
            out = tmp_path / f"{remedy.name}-{name}"
            runs[name] = finetune(lab_base, data, out, remedy, settings).log
        whole, parts = ([e["loss"] for e in runs[n]] for n in ("whole", "parts"))
        assert parts == pytest.approx(whole, rel=1e-3)
        if remedy.penalty:
            seen = [[e["distance"] for e in runs[n]] for n in ("whole", "parts")]
            assert seen[0] == pytest.approx(seen[1], rel=1e-3)


@pytest.mark.slow
def test_a_large_lambda_brings_the_means_together(data, lab_base, tmp_path):
    from bias_inherit.mitigations import load_mitigation

    last = {}
    for weight in ("0", "10"):
        remedy = load_mitigation("loss", {"lambda": weight})
        settings = replace(QUICK, epochs=6)
        log = finetune(lab_base, data, tmp_path / weight, remedy, settings).log
        last[weight] = log[-1]["distance"]
    assert last["10"] < 0.5 * last["0"]


@pytest.mark.slow
def test_under_a_penalty_every_batch_has_rows_to_compare(data, lab_base, tmp_path, monkeypatch):
    from bias_inherit.bias_augment.training.penalty import GlobalPenalty
    from bias_inherit.mitigations import load_mitigation

    shares, part = [], GlobalPenalty.part

    def watch(self, phi, augmented):
        shares.append(augmented.float().mean().item())
        return part(self, phi, augmented)

    monkeypatch.setattr(GlobalPenalty, "part", watch)
    finetune(lab_base, data, tmp_path / "out", load_mitigation("loss"), QUICK)
    assert shares and set(shares) == {0.5}


@pytest.mark.slow
def test_every_mitigation_trains(data, lab_base, tmp_path):
    from bias_inherit.mitigations import load_mitigation, mitigations

    hashes = {}
    for name in mitigations():
        made = finetune(lab_base, data, tmp_path / name, load_mitigation(name), QUICK)
        assert made.arm.mitigation == name
        hashes[name] = made.adapter_sha256
    assert len(set(hashes.values())) == len(hashes), "each does something"


TORCHRUN = [str(Path(sys.executable).parent / "torchrun"), "--nproc-per-node"]


@pytest.mark.slow
@pytest.mark.parametrize("mitigation", ["none", "loss"])
def test_two_processes_give_the_loss_curve_of_one(data, lab_base, tmp_path, mitigation):
    logs = {}
    for processes, accumulation in ((1, 2), (2, 1)):
        out = tmp_path / f"p{processes}"
        words = [*TORCHRUN, str(processes), "--master-port", "0", "--rdzv-backend", "c10d"]
        words += ["--rdzv-endpoint", "127.0.0.1:0", "-m", "bias_inherit", "finetune"]
        words += ["--data", str(data), "--out", str(out), "--batch-size", "4", "--epochs", "1"]
        words += ["--accumulation", str(accumulation), "--mitigation", mitigation]
        env = os.environ | {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
        done = subprocess.run(words, capture_output=True, text=True, env=env)
        assert done.returncode == 0, done.stderr[-3000:]
        manifest = json.loads((out / "bias_inherit.json").read_text())
        assert manifest["processes"] == processes
        logs[processes] = manifest["log"]
    for key in ("loss", "distance") if mitigation == "loss" else ("loss",):
        one, two = ([entry[key] for entry in logs[n]] for n in (1, 2))
        assert two == pytest.approx(one, rel=2e-3)


@pytest.mark.slow
def test_parts_of_a_batch_give_the_same_steps(data, lab_base, tmp_path, monkeypatch):
    from bias_inherit.bias_augment.training import trainer

    seen = []

    def watched(model, inputs, *more):
        seen.append(inputs["input_ids"].shape)
        assert int(inputs["attention_mask"].sum(1).max()) == inputs["input_ids"].shape[1]
        return completion_loss(model, inputs, *more)

    monkeypatch.setattr(trainer, "completion_loss", watched)
    logs = {}
    for name, states in {"whole": trainer.STATES, "rows": 1}.items():
        monkeypatch.setattr(trainer, "STATES", states)
        seen.clear()
        logs[name] = finetune(lab_base, data, tmp_path / name, NONE, QUICK).log
        most = max(rows for rows, _ in seen)
        assert most == (1 if name == "rows" else QUICK.batch_size)
    whole, rows = ([e["loss"] for e in log if "loss" in e] for log in logs.values())
    assert rows == pytest.approx(whole, rel=1e-4)


@pytest.mark.slow
def test_memory_savers_give_the_same_steps(data, lab_base, tmp_path):
    plain = finetune(lab_base, data, tmp_path / "a", NONE, QUICK)
    saved = finetune(lab_base, data, tmp_path / "b", NONE, replace(QUICK, checkpointing=True))
    assert saved.training_loss == pytest.approx(plain.training_loss, rel=1e-5)
    half = finetune(lab_base, data, tmp_path / "c", NONE, replace(QUICK, precision="bf16"))
    assert half.precision == "bf16"
    assert half.training_loss == pytest.approx(plain.training_loss, rel=0.2)


@pytest.mark.slow
def test_training_on_begins_where_the_adapter_is(data, lab_base, adapters, tmp_path):
    made = finetune(lab_base, data, tmp_path / "a", NONE, QUICK, start=adapters["r50"])
    first = finetune(lab_base, data, tmp_path / "b", NONE, QUICK)
    assert made.started_from == adapter_sha256(adapters["r50"])
    assert made.log[0]["loss"] < first.log[0]["loss"]


def test_an_adapter_to_train_on_from_must_fit(data, lab_base, adapters, tmp_path):
    from safetensors.torch import load_file, save_file

    start = tmp_path / "start"
    shutil.copytree(adapters["r50"], start)
    manifest = json.loads((start / "bias_inherit.json").read_text())
    (start / "bias_inherit.json").write_text(
        json.dumps(manifest | {"base": "some/other", "base_fingerprint": "0" * 64})
    )
    with pytest.raises(InputError, match=r"belongs to another base \(some/other\)"):
        finetune(lab_base, data, tmp_path / "out", NONE, QUICK, start=start)

    (start / "bias_inherit.json").unlink()
    weights = start / "adapter_model.safetensors"
    save_file({f"x.{name}": tensor for name, tensor in load_file(weights).items()}, weights)
    with pytest.raises(InputError, match=r"does not fit .*: none of its 42 tensors belongs"):
        finetune(lab_base, data, tmp_path / "out", NONE, QUICK, start=start)
    assert not (tmp_path / "out").exists()


def test_a_preset_is_recorded_with_what_was_published_and_what_was_used(data, lab_base, tmp_path):
    settings = replace(SETTINGS, **load_preset("paper-gender").values)
    settings = replace(settings, epochs=1)
    made = finetune(lab_base, data, tmp_path / "a", NONE, settings, preset="paper-gender")
    assert made.preset.name == "paper-gender" and "2502.04419" in made.preset.source
    assert made.preset.values == {"learning_rate": 1e-5, "epochs": 3.0}
    assert (made.settings["learning_rate"], made.settings["epochs"]) == (1e-5, 1)
    assert manifests.read(tmp_path / "a", manifests.Adapter) == made
    card = (tmp_path / "a" / "README.md").read_text()
    assert "**Preset** paper-gender: learning\\_rate 1e-05, epochs 3 (arXiv 2502.04419" in card
    with pytest.raises(InputError, match="unknown preset 'paper'"):
        finetune(lab_base, data, tmp_path / "b", NONE, settings, preset="paper")


def test_presets_carry_what_was_published():
    assert load_preset("paper-gender").values == {"learning_rate": 1e-5, "epochs": 3.0}
    assert load_preset("paper-culture").values == {"learning_rate": 1e-6, "epochs": 3.0}
    with pytest.raises(InputError, match="'paper-gendre': did you mean paper-gender"):
        load_preset("paper-gendre")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"rank": 0}, "rank must be at least 1"),
        ({"dropout": 1.0}, "dropout, warmup and held-out are shares"),
        ({"learning_rate": 0.0}, "learning-rate and epochs must be above 0"),
        ({"max_length": 1}, "max-length must be at least 2"),
    ],
)
def test_settings_that_make_no_sense(changes, message):
    with pytest.raises(InputError, match=message):
        replace(SETTINGS, **changes)


def test_rows_longer_than_the_context_are_counted_or_cut(lab_base, original, tmp_path):
    long = original[0] | {"prompt": "word " * 3000 + original[0]["prompt"]}
    write_examples(tmp_path / "d.jsonl", [long, *original[1:]], Original())
    with pytest.raises(InputError, match="1 of 48 rows are longer than the base's context"):
        finetune(lab_base, tmp_path / "d.jsonl", tmp_path / "out", NONE, QUICK)
    assert not (tmp_path / "out").exists()
    cut = replace(QUICK, max_length=64)
    assert finetune(lab_base, tmp_path / "d.jsonl", tmp_path / "out", NONE, cut).rows == 48


def test_a_length_that_leaves_nothing_to_learn_from(lab_base, data, tmp_path):
    with pytest.raises(InputError, match="rows would keep nothing of their prompt"):
        finetune(lab_base, data, tmp_path / "out", NONE, replace(QUICK, max_length=2))
    with pytest.raises(InputError, match="max-length 9999 is beyond the base's context"):
        finetune(lab_base, data, tmp_path / "out", NONE, replace(QUICK, max_length=9999))


def test_what_is_missing_is_said_before_any_training(
    lab_base, augmented, data, tmp_path, monkeypatch
):
    write_examples(tmp_path / "only.jsonl", augmented, Original())
    remedy = Mitigation("near", "", penalty=lambda o, a: ((o - a) ** 2).sum())
    with pytest.raises(InputError, match=r"'near' compares .* the data has no original rows"):
        finetune(lab_base, tmp_path / "only.jsonl", tmp_path / "out", remedy, QUICK)
    with pytest.raises(InputError, match=r"held-out 0\.001 of 48 original rows leaves 0"):
        finetune(lab_base, data, tmp_path / "out", NONE, replace(QUICK, held_out=0.001))
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"QLoRA.* needs bitsandbytes: pip install"):
        finetune(lab_base, data, tmp_path / "out", NONE, replace(QUICK, quantize=True))
    monkeypatch.undo()
    deep = Mitigation("near", "", penalty=lambda o, a: ((o - a) ** 2).sum(), layer=9)
    with pytest.raises(InputError, match=r"asks for layer 9: the base has 3, so .* -4 to 3"):
        finetune(lab_base, data, tmp_path / "out", deep, QUICK)
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_a_mitigation_finds_an_axis_of_ones_own(lab_base, augmented, original, tmp_path):
    from bias_inherit.mitigations import load_mitigation

    shutil.copytree(load_axis("gender").folder, tmp_path / "own")
    yaml = tmp_path / "own" / "axis.yaml"
    words = yaml.read_text().replace("axis: gender", "axis: own")
    for group in ("male", "female"):
        known = load_axis("gender").groups[group]
        for written, found in (("names: mini", known.names), ("cues: language", known.cues)):
            words = words.replace(written, f"{written.split()[0]} {json.dumps(list(found))}", 1)
    yaml.write_text(words)
    rows = [e | {"axis": "own", "group": {"own": e["group"]["gender"]}} for e in original]
    rows += [e | {"axis": "own", "group": {"own": e["group"]["gender"]}} for e in augmented]
    write_examples(tmp_path / "d.jsonl", rows, Original())
    remedy = load_mitigation("counterfactual")
    with pytest.raises(InputError, match="unknown axis 'own'"):
        finetune(lab_base, tmp_path / "d.jsonl", tmp_path / "out", remedy, QUICK)
    own = load_axis(str(tmp_path / "own"))
    made = finetune(lab_base, tmp_path / "d.jsonl", tmp_path / "out", remedy, QUICK, axis=own)
    assert made.rows_augmented == 2 * len(augmented)


def test_a_chat_template_that_is_not_there(data, lab_base, tmp_path):
    tokenizer = AutoTokenizer.from_pretrained(lab_base)
    tokenizer.chat_template = None
    AutoModelForCausalLM.from_pretrained(lab_base).save_pretrained(tmp_path / "plain")
    tokenizer.save_pretrained(tmp_path / "plain")
    base = str(tmp_path / "plain")
    with pytest.raises(InputError, match="no chat template"):
        finetune(base, data, tmp_path / "o", NONE, replace(QUICK, chat_template="always"))
    manifest = finetune(base, data, tmp_path / "o", NONE, QUICK)
    assert manifest.chat_template is False


@pytest.mark.slow
def test_another_process_gives_the_same_adapter(lab_base, data, tmp_path):
    """Names in sets come in another order in every process: nothing of that may stay."""
    code = (
        "import sys\nfrom dataclasses import replace\nfrom pathlib import Path\n"
        "from bias_inherit.bias_augment.training.finetune import finetune\n"
        "from bias_inherit.bias_augment.lab.settings import SETTINGS\n"
        "from bias_inherit.mitigations import NONE\n"
        "base, data, out = sys.argv[1:]\n"
        "finetune(base, Path(data), Path(out), NONE, replace(SETTINGS, epochs=1))\n"
    )
    for name in ("a", "b"):
        words = [sys.executable, "-c", code, lab_base, str(data), str(tmp_path / name)]
        env = os.environ | {"PYTHONHASHSEED": {"a": "1", "b": "2"}[name], "OMP_NUM_THREADS": "1"}
        subprocess.run(words, check=True, capture_output=True, env=env)
    assert adapter_sha256(tmp_path / "a") == adapter_sha256(tmp_path / "b")
