"""A real model learns: every mitigation, the ten tasks, the leaderboard."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction

import pytest

from bias_inherit.bias_augment.axes.axis import load_axis
from bias_inherit.bias_augment.data.files import write_augmented, write_examples, write_mix
from bias_inherit.bias_augment.training.finetune import finetune
from bias_inherit.bias_augment.training.settings import Settings
from bias_inherit.bias_augment.writing.generators.template import TemplateGenerator
from bias_inherit.bias_augment.writing.produce import produce
from bias_inherit.harness.score import Options, score
from bias_inherit.manifests import Original
from bias_inherit.mitigations import load_mitigation
from bias_inherit.reports.leaderboard import leaderboard
from bias_inherit.reports.markdown import to_markdown
from bias_inherit.reports.results import read_runs

pytestmark = [pytest.mark.real, pytest.mark.slow]
MITIGATIONS = ("none", "token", "mask", "loss", "counterfactual", "reweight")
SETTINGS = Settings(learning_rate=1e-3, epochs=1, batch_size=4, rank=4)


@pytest.fixture(scope="module")
def mix(d_o, tmp_path_factory):
    folder, axis = tmp_path_factory.mktemp("mix"), load_axis("gender")
    write_examples(folder / "o.jsonl", d_o, Original())
    kind = "contextual-single-explicit"
    result = produce(axis, kind, d_o, 12, 0, TemplateGenerator())
    write_augmented(folder / "a.jsonl", result, kind, axis=axis)
    parts = (folder / "o.jsonl", folder / "a.jsonl")
    write_mix(folder / "mix.jsonl", *parts, Fraction(1, 2), "original-fixed", 0)
    return folder / "mix.jsonl"


@pytest.fixture(scope="module")
def adapters(smollm, mix, tmp_path_factory):
    """An adapter a mitigation; the one without is trained for longer."""
    folder, made = tmp_path_factory.mktemp("adapters"), {}
    for name in MITIGATIONS:
        settings = replace(SETTINGS, epochs=3) if name == "none" else SETTINGS
        remedy = load_mitigation(name)
        made[name] = folder / name, finetune(smollm, mix, folder / name, remedy, settings)
    return made


def test_it_learns_and_each_mitigation_does_something(adapters):
    losses = {name: [e["loss"] for e in m.log if "loss" in e] for name, (_, m) in adapters.items()}
    assert losses["none"][-1] < 0.5 * losses["none"][0], "24 rows, seen three times, are learnt"
    assert len({m.adapter_sha256 for _, m in adapters.values()}) == len(adapters)
    first = {name: round(each[0], 4) for name, each in losses.items()}
    assert first["token"] != first["none"] and first["mask"] != first["none"]
    assert adapters["counterfactual"][1].rows > adapters["none"][1].rows
    distances = [e["distance"] for e in adapters["loss"][1].log if "distance" in e]
    assert distances and all(d > 0 for d in distances)
    assert all(m.chat_template for _, m in adapters.values())


def test_the_ten_tasks_are_scored_and_compared(smollm, adapters, tmp_path):
    from bias_inherit.tasks.configs import task_names

    chosen = {name: adapters[name][0] for name in ("none", "mask")}
    options = Options(batch_size=8, limit=2, progress=False)
    folders = score(smollm, chosen, lambda name: tmp_path / name, options)
    assert len(folders) == 3
    found = {}
    for folder in folders:
        results = json.loads(next(folder.glob("**/results_*.json")).read_text())["results"]
        assert set(results) == {f"bias_inherit_{name}" for name in task_names()}
        found[folder.name] = results
    occupation = [
        json.loads(line)["resps"]
        for folder in folders
        for line in next(folder.glob("**/samples_bias_inherit_occupation_*.jsonl")).open()
    ]
    assert len(occupation) == 6 and occupation[0] != occupation[2] != occupation[4]

    table = to_markdown(leaderboard(read_runs(folders)))
    assert all(task in table for task in task_names())
    assert table.count("| mask ") == len(task_names())
