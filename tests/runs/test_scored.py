"""Models are scored by several processes as by one, and what is wrong is said before any begins."""

from __future__ import annotations

import json
import os
import re
import shutil

import pytest

from bias_inherit import bars
from bias_inherit.errors import InputError
from bias_inherit.harness.options import Options
from bias_inherit.reports.results import read_runs
from bias_inherit.runs import scored
from bias_inherit.runs.scored import score_into

SMALL = Options(tasks=("bias_inherit_salary",), limit=6, batch_size=6)


def values(folders):
    return [(run.label, task.metrics) for run in read_runs(folders) for task in run.tasks.values()]


@pytest.mark.slow
def test_two_processes_write_what_one_writes(lab_base, adapters, tmp_path, capfd, monkeypatch):
    monkeypatch.setattr(bars, "EVERY", 0.0)
    named = {**adapters, "again": adapters["r50"]}
    one = score_into(tmp_path / "one", lab_base, named, SMALL)
    assert re.search(r"asking 4 models: \d+ of 24, about \d+ s left", capfd.readouterr().err)
    two = score_into(tmp_path / "two", lab_base, named, SMALL, workers=2)
    assert [folder.name for folder in two] == ["base", *named]
    assert [folder.name for folder in one] == [folder.name for folder in two]
    for mine, theirs in zip(values(one), values(two), strict=True):
        assert mine[0] == theirs[0]
        assert mine[1] == pytest.approx(theirs[1], abs=1e-4, nan_ok=True)
    for folder in one:
        mine, theirs = (
            json.loads((out / folder.name / "bias_inherit.json").read_text())
            for out in (tmp_path / "one", tmp_path / "two")
        )
        assert mine["settings"] == theirs["settings"], "so that one goes on from the other"
    told = capfd.readouterr().err
    assert "[1] scoring base (1 of 2)" in told and "[2] scoring r0 (1 of 2)" in told


@pytest.mark.slow
def test_nothing_is_scored_where_one_of_the_others_does_not_fit(
    lab_base, adapters, tmp_path, capfd
):
    wrong = tmp_path / "wrong"
    shutil.copytree(adapters["r0"], wrong)
    (wrong / "bias_inherit.json").unlink()
    (wrong / "adapter_model.safetensors").write_bytes(b"no tensors")
    many = {f"r{i}": adapters["r50"] for i in range(20)} | {"wrong": wrong}  # tried one by one
    with pytest.raises(InputError, match="wrong"):
        scored._scored(tmp_path / "out", lab_base, many, SMALL, [["base"], list(many)])
    assert "scoring base" not in capfd.readouterr().err, "the first has waited for the other"
    assert not list(tmp_path.glob("out/*/results_*.json"))


def test_adapters_that_were_trained_otherwise_are_said_whatever_process_they_fall_to(
    lab_base, adapters, tmp_path, monkeypatch
):
    other = tmp_path / "other"
    shutil.copytree(adapters["r0"], other)
    manifest = json.loads((other / "bias_inherit.json").read_text())
    manifest["chat_template"] = not manifest["chat_template"]
    (other / "bias_inherit.json").write_text(json.dumps(manifest))
    monkeypatch.setattr(scored, "processes", None)  # none is begun
    with pytest.raises(InputError, match="with the chat template and some without"):
        score_into(tmp_path / "out", lab_base, {"other": other, **adapters}, SMALL, workers=2)


def test_a_process_that_dies_is_said(lab_base, adapters, tmp_path, monkeypatch):
    monkeypatch.setattr(scored, "_know", os._exit)  # with anything but a number: it is raised
    with pytest.raises(InputError, match="a process of the scoring died"):
        score_into(tmp_path / "out", lab_base, adapters, SMALL, workers=2)


def test_a_process_is_begun_where_there_are_models_for_it(lab_base, monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(scored, "side_by_side", lambda base, models: min(4, models))
    assert [scored._fitting(lab_base, models) for models in (1, 5, 6, 9, 100)] == [1, 1, 2, 3, 4]
    monkeypatch.setattr(scored, "is_small", lambda base: False)
    assert scored._fitting(lab_base, 100) == 1, "torch takes all cores for one"
