from __future__ import annotations

import pytest
from huggingface_hub import DatasetCard

from bias_inherit.bias_augment.data.card import COLUMNS, card
from bias_inherit.manifests import Augmented, Mix, Original

TEXT = {"dtype": "string", "_type": "Value"}
FEATURES = {"id": TEXT, "group": {"gender": TEXT}, "cues": {"feature": TEXT, "_type": "List"}}
ORIGINAL = {
    "kind": "original",
    "axis": "gender",
    "seed": 3,
    "sources": [{"name": "BiasinBios", "licence": "MIT", "rows": 3600}],
    "sha256": "0" * 64,
    "rows": 80,
    "cells": {"original nurse|gender=male": 50, "original a|b|gender=female": 30},
}
AUGMENTED = {
    "kind": "augmented",
    "axis": "gender",
    "bias_type": "contextual-single-explicit",
    "generator": "some/model",
    "sampling": {"temperature": 0.7, "top_p": 0.9},
    "seed": 4,
    "asked": 1050,
    "failed": {"refusal": 30, "off-format": 20},
    "original_sha256": "0" * 64,
    "sources": [{"name": "BiasinBios", "licence": "MIT"}],
    "sha256": "1" * 64,
    "rows": 1000,
    "cells": {"augmented nurse|gender=male": 1000},
}
MIX = {
    "kind": "mix",
    "ratio": 0.2,
    "ratio_exact": "1/5",
    "size": "original-fixed",
    "seed": 5,
    "counts": {"original": 80, "augmented": 20, "total": 100},
    "parts": {"original": ORIGINAL, "augmented": AUGMENTED},
    "sources": [{"name": "BiasinBios", "licence": "MIT"}],
    "sha256": "2" * 64,
    "rows": 100,
    "cells": ORIGINAL["cells"] | {"augmented nurse|gender=male": 20},
    "features": FEATURES,
}


KINDS = {"original": Original, "augmented": Augmented, "mix": Mix}


def typed(manifest):
    return KINDS[manifest.get("kind", "original")].model_validate(manifest)


def folder_card(manifest):
    return DatasetCard(card(typed(manifest), "train.jsonl", "bias_inherit.json"))


def test_the_card_of_a_mix_says_all_that_is_known():
    made = folder_card(MIX)
    for fact in (
        "γ = |D_a| / |D| = 20 / 100 = 20 % (asked for: 1/5), with |D_o| = 80.",
        "The denominator is the whole mix",
        "original-fixed: all original rows stay",
        "**Axis** gender",
        "**Bias type** contextual-single-explicit",
        "**Generator** some/model",
        "**Sampling** temperature 0.7, top\\_p 0.9",
        "**Seed** 5 (the mix), 3 (the original data), 4 (the augmented data)",
        "| gender=male | nurse | 50 | 20 |",
        "| gender=female | a\\|b | 30 | 0 |",
        "| all |  | 80 | 20 |",
        "50 of 1,050 asked for:\n\n- off-format: 20\n- refusal: 30",
        "- BiasinBios: MIT",
        f"`train.jsonl`: `{'2' * 64}`",
        f"the original data that went in: `{'0' * 64}`",
        f"the augmented data that went in: `{'1' * 64}`",
        f"| cues | {COLUMNS['cues']} |",
        'load_dataset("PATH/OF/THIS/FOLDER", split="train")',
    ):
        assert fact in made.text, fact
    first = made.text.strip().split("\n\n")[1]
    assert first.startswith("> **Content warning.**") and "biased on purpose" in first
    assert "| prompt |" not in made.text  # the columns are those of the rows


def test_the_front_matter_is_the_hubs():
    data = folder_card(MIX).data.to_dict()
    assert data["license"] == "mit"
    assert data["configs"] == [{"config_name": "default", "data_files": "train.jsonl"}]
    assert "not-for-all-audiences" in data["tags"]
    assert data["dataset_info"]["features"] == [
        {"name": "id", "dtype": "string"},
        {"name": "group", "struct": [{"name": "gender", "dtype": "string"}]},
        {"name": "cues", "list": "string"},
    ]


@pytest.mark.parametrize(
    ("licences", "expected"),
    [
        (["mit", "MIT"], "mit"),
        (["MIT", "cc-by-nc-sa-4.0"], "other"),
        (["no licence file"], "other"),
        ([None], "other"),
        ([], None),
    ],
)
def test_the_front_matter_names_a_licence_only_if_it_is_one_known_licence(licences, expected):
    sources = [{"name": f"source {i}", "licence": text} for i, text in enumerate(licences)]
    made = folder_card(ORIGINAL | {"sources": sources})
    assert made.data.to_dict().get("license") == expected
    for i, text in enumerate(licences):
        assert f"- source {i}: {text or 'licence unknown'}" in made.text


def test_a_part_of_unknown_sources_leaves_the_licence_open():
    parts = {"original": ORIGINAL, "augmented": {"sha256": "1" * 64, "rows": 20}}
    made = folder_card(MIX | {"parts": parts})
    assert made.data.to_dict()["license"] == "other"
    assert "Sources and licences of the augmented rows: unknown" in made.text
    for fact in ("**Bias type** unknown", "**Generator** unknown", "may have been written to be"):
        assert fact in made.text


@pytest.mark.parametrize("kind", ["original", "augmented", "mix", None])
def test_what_the_manifest_does_not_know_is_not_said(kind):
    made = card(typed({"kind": kind} if kind else {}), "x.jsonl", "x.manifest.json")
    data = DatasetCard(made).data.to_dict()
    assert "license" not in data and "dataset_info" not in data
    assert "**Axis** unknown" in made and "None" not in made and "0.0" not in made
    assert "counts are unknown" in made


def test_the_warning_says_what_kind_of_text_it_is():
    neutral = folder_card(AUGMENTED | {"bias_type": "neutral"}).text
    assert "no bias was asked for" in neutral and "on purpose" not in neutral
    original = folder_card(ORIGINAL).text
    assert "may hold prejudiced text" in original and "synthetic" not in original
    assert "Replies" not in original


def test_all_replies_used_is_not_the_same_as_unknown():
    assert "None of 1,050 asked for." in folder_card(AUGMENTED | {"failed": {}}).text
    assert "7 requests are left without" in folder_card(AUGMENTED | {"missing": 7}).text
    unknown = {k: v for k, v in AUGMENTED.items() if k != "failed"}
    assert "Replies that were not used\n\nUnknown." in folder_card(unknown).text


def test_many_cells_are_summed_up():
    cells = {f"original l{i:03d}|gender=male": 2 for i in range(500)}
    text = folder_card(ORIGINAL | {"cells": cells}).text
    assert "| 300 more cells |  | 600 | 0 |" in text and "| all |  | 1,000 | 0 |" in text
    assert "| l199 |" in text and "| l200 |" not in text


def test_names_cannot_break_the_card():
    manifest = AUGMENTED | {
        "generator": "x\n---\n<script>`*|*`",
        "cells": {"augmented two\nlines|gender=<b>": 1},
    }
    made = folder_card(manifest)
    assert "**Generator** x --- &lt;script&gt;\\`\\*\\|\\*\\`" in made.text
    assert "| gender=&lt;b&gt; | two lines | 0 | 1 |" in made.text
    assert made.data.to_dict()["pretty_name"].startswith("Augmented data")


def test_the_card_beside_a_file_loads_it_with_its_types():
    made = card(typed(MIX), "r20.jsonl", "r20.manifest.json")
    assert "json.load(open('r20.manifest.json'))" in made
    assert "data_files='r20.jsonl', features=features" in made
