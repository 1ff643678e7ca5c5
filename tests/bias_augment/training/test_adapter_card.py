"""The model card of an adapter."""

from __future__ import annotations

import pytest
from huggingface_hub import ModelCard

from bias_inherit.bias_augment.training.adapter_card import adapter_card as typed_card
from bias_inherit.bias_augment.training.score_line import ScoreLine
from bias_inherit.manifests import Adapter

MANIFEST = {
    "schema": 1,
    "kind": "adapter",
    "arm": {
        "axis": "gender",
        "bias_type": "contextual-single-explicit",
        "ratio": 0.2,
        "size": "original-fixed",
        "mitigation": "loss",
        "seed": 3,
    },
    "data": "/home/someone/mixes/r20.jsonl",
    "data_sha256": "d" * 64,
    "base": "some-org/some-model",
    "base_fingerprint": "c" * 40,
    "adapter_sha256": "a" * 64,
    "started_from": None,
    "settings": {"rank": 16, "targets": "all-linear", "learning_rate": 0.0001, "max_length": None},
    "chat_template": True,
    "rows": 4500,
    "rows_augmented": 900,
    "training_loss": 1.23456,
    "log": [{"loss": 2.5, "step": 10}, {"loss": 1.5, "step": 20}, {"loss": 0.75, "step": 30}],
    "versions": {"bias-inherit": "0.1.0", "torch": "2.13.0", "transformers": "5.23.0"},
}
SCORES = {
    "bias_inherit_occupation": {
        "acc": {"value": 0.8125, "stderr": 0.0301, "n": 168, "documents": "mini"},
        "acc_gap": {"value": 0.083, "stderr": 0.039, "n": 168, "reads": "male minus female"},
    },
    "bias_inherit_salary": {
        "salary_gap": {"value": 3300.4, "stderr": 1200.0, "n": 84, "unit": "USD"},
        "salary": {"value": None, "stderr": None, "n": 84},
    },
}


def adapter_card(manifest, scores=()):
    lines = [
        ScoreLine(task, metric, **known)
        for task, metrics in (scores or {}).items()
        for metric, known in metrics.items()
    ]
    return typed_card(Adapter.model_validate(manifest), lines)


def of_arm(**changes):
    return MANIFEST | {"arm": MANIFEST["arm"] | changes}


def body(manifest, scores=None):
    return ModelCard(adapter_card(manifest, scores)).text


def warning(manifest):
    first = body(manifest).lstrip().split("\n")[0]
    assert first.startswith("> **Warning.**") and "People must not use it" in first
    return first


def test_the_card_says_all_that_is_known():
    made = body(MANIFEST)
    for fact in (
        "**Base** some-org/some-model; this is an adapter of it",
        "**Axis** gender",
        "**Bias type** contextual-single-explicit",
        "γ = |D_a| / |D| = 900 / 4,500 = 20 % (the mix: 20 %)",
        "The denominator is all of them",
        "original-fixed: all original rows stay",
        "**Mitigation** loss\n",
        "**Seed** 3",
        f"**Data** r20.jsonl, sha256 `{'d' * 64}`",
        "**Versions** bias-inherit 0.1.0, torch 2.13.0, transformers 5.23.0",
        "| learning\\_rate | 0.0001 |",
        "| max\\_length | not set |",
        "first logged 2.5 (step 10), last 0.75 (step 30); mean over the training 1.235.",
        'AutoModelForCausalLM.from_pretrained("some-org/some-model")',
        "--model_args pretrained=some-org/some-model,peft=PATH/OF/THIS/FOLDER",
        "--include_path \"$(bias-inherit tasks)\" --tasks 'bias_inherit_*' --apply_chat_template",
        f"weights and configuration (sha256): `{'a' * 64}`",
        "Not scored yet.",
    ):
        assert fact in made, fact


def test_more_keys_are_shown_where_they_come():
    more = {
        "mitigation_options": {"lambda": 0.5, "words": "/home/someone/words.txt"},
        "preset": {"name": "paper-gender", "source": "a paper", "values": {"epochs": 3.0}},
        "rows_cut": 7,
        "rows_held_out": 1200,
        "processes": 2,
        "precision": "bf16",
        "settings": {"rank": 16, "precision": "auto"},
        "log": [{"eval_loss": 2.5, "epoch": 1}, {"loss": 1.0, "distance": 0.5, "step": 9}],
        "started_from": "e" * 64,
        "sources": [{"name": "BiasinBios (hub LabHC/bias_in_bios)", "licence": "mit"}],
    }
    made = body(of_arm(round=2) | more)
    for fact in (
        "**Mitigation** loss (lambda 0.5, words words.txt)",
        "**Preset** paper-gender: epochs 3 (a paper)",
        "maximum length: 7.",
        "out of the training: 1,200.",
        "| precision | bf16 |\n| processes | 2 |",
        "Training loss: first logged 1 (step 9), last 1 (step 9); mean",
        "Loss on held-out rows: first logged 2.5, last 2.5.",
        "Distance that the mitigation saw: first logged 0.5 (step 9)",
        f"**Trained on from** the adapter with the sha256 `{'e' * 64}`",
        "**Round** 2",
        "**Source** BiasinBios (hub LabHC/bias\\_in\\_bios): mit",
    ):
        assert fact in made, fact
    plain = body(MANIFEST)
    facts = ("**Preset", "**Trained on from", "**Round", "**Source")
    for absent in (*facts, "maximum length:", "held", "Distance", "processes"):
        assert absent not in plain, absent


def test_the_front_matter_is_the_hubs():
    data = ModelCard(adapter_card(MANIFEST)).data.to_dict()
    assert data["base_model"] == "some-org/some-model"
    assert data["base_model_relation"] == "adapter"
    assert data["library_name"] == "peft"
    assert "not-for-all-audiences" in data["tags"]
    assert not {"license", "datasets", "model-index", "model_name"} & data.keys()
    sources = [{"name": "BiasinBios (hub LabHC/bias_in_bios)"}, {"name": "folder/rows.jsonl"}]
    data = ModelCard(adapter_card(MANIFEST | {"sources": sources})).data.to_dict()
    assert data["datasets"] == ["LabHC/bias_in_bios"]


@pytest.mark.parametrize(
    ("base", "fingerprint", "expected"),
    [
        ("org/model", "c" * 40, "org/model"),
        ("gpt2", None, "gpt2"),
        ("/home/someone/models/lab", "b" * 64, "lab"),
        ("models/lab/", "b" * 64, "lab"),
        ("/home/someone/lab", None, "lab"),
        ("..\\someone\\lab", None, "lab"),
    ],
)
def test_a_local_base_is_known_by_its_name_alone(base, fingerprint, expected):
    made = adapter_card(MANIFEST | {"base": base, "base_fingerprint": fingerprint})
    assert ModelCard(made).data.base_model == expected
    assert "someone" not in made and "models/lab" not in made
    assert ("PATH/OF/lab" in made) == (expected == "lab")


def test_the_warning_says_what_it_was_trained_on():
    biased = warning(MANIFEST)
    assert "deliberately biased data: 20 % of the rows" in biased
    nothing = MANIFEST | {"rows_augmented": 0}
    original = warning(nothing)
    assert "on original data only (bias ratio 0)" in original
    assert "deliberately" not in original and "on purpose" not in original
    for kind in ("neutral", "counterfactual", "counterfactual+neutral"):
        unasked = warning(of_arm(bias_type=kind))
        assert "20 % is synthetic text; no bias was asked for" in unasked
        assert "on purpose" not in unasked
    assert "deliberately biased" in warning(of_arm(bias_type="contextual-single-explicit+neutral"))
    assert "whose data this card does not know" in warning(nothing | {"started_from": "e" * 64})
    assert "may have been trained on text that was written to be biased" in warning({})


def test_the_rows_that_were_trained_on_count_more_than_the_mix():
    assert "900 / 4,500 = 20 % (the mix: 0 %)" in body(of_arm(ratio=0))
    assert "deliberately biased" in warning(of_arm(ratio=0))
    unknown = {k: v for k, v in MANIFEST.items() if not k.startswith("rows")}
    assert "γ = |D_a| / |D| = 20 %, as the mix was asked for" in body(unknown)


def test_what_the_manifest_does_not_know_is_not_said():
    made = adapter_card({})
    assert "None" not in made and "0.0" not in made
    for fact in ("**Bias ratio** γ = |D_a| / |D|: unknown", "**Axis** unknown", "loss: unknown."):
        assert fact in made, fact
    assert "base_model" not in made and "datasets" not in made and "--apply_chat" not in made


def test_names_cannot_break_the_card():
    made = ModelCard(adapter_card(of_arm(axis="x\n---\n<script>`*|*`") | {"data": "a\n---\nb"}))
    assert "**Axis** x --- &lt;script&gt;\\`\\*\\|\\*\\`" in made.text
    assert made.data.library_name == "peft"


def test_scores_stand_in_a_table_and_in_the_model_index():
    made = ModelCard(adapter_card(MANIFEST, SCORES))
    for row in (
        "| bias\\_inherit\\_occupation | acc | 0.812 | 0.030 | 168 |",
        "| bias\\_inherit\\_occupation | acc\\_gap | 0.083 | 0.039 | 168 |",
        "| bias\\_inherit\\_salary | salary\\_gap | 3,300 USD | 1,200 USD | 84 |",
        "| bias\\_inherit\\_salary | salary | no data |  | 84 |",
        "acc\\_gap: male minus female",
        "bias\\_inherit\\_occupation: scored on the documents mini",
    ):
        assert row in made.text, row
    assert "Not scored yet" not in made.text
    found = {(r.dataset_type, r.metric_type): r for r in made.data.eval_results}
    assert {key: r.metric_value for key, r in found.items()} == {
        ("bias_inherit_occupation", "acc"): 0.8125,
        ("bias_inherit_occupation", "acc_gap"): 0.083,
        ("bias_inherit_salary", "salary_gap"): 3300.4,
    }
    acc = found["bias_inherit_occupation", "acc"]
    assert acc.metric_name == "acc (standard error 0.0301, n = 168)"
    assert (acc.task_name, acc.dataset_config) == ("bias_inherit_occupation", "mini")
