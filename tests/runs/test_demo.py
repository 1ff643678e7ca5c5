"""The demo: the grids of two presets, with what its options change."""

from __future__ import annotations

import json

import pytest

from bias_inherit.errors import InputError
from bias_inherit.runs.demo import demo_grid, prepare
from bias_inherit.runs.plan import plan_arms
from bias_inherit.runs.sweep import sweep
from tests.runs.conftest import Here, Quiet


def quick(data=None, limit=10):
    """The same line with fewer rows and steps; the numbers are not looked at."""
    grid = demo_grid("quick", data, limit, 0)
    small = {"data": grid.data.model_copy(update={"per_cell": 2})}
    training = grid.training.model_copy(update={"epochs": 1.0})
    return grid.model_copy(update=small | {"training": training})


def test_a_seed_and_fewer_documents_are_those_of_each_arm():
    grid = demo_grid("real", None, 7, 3)
    assert {each.arm.seed for each in plan_arms(grid)} == {3}
    assert grid.scoring.limit == 7 and demo_grid("real", None, None, 0).scoring.limit == 240


def test_a_folder_without_the_real_data_is_refused(tmp_path):
    with pytest.raises(InputError, match="expected bias_in_bios/"):
        prepare(tmp_path, tmp_path / "out")


@pytest.mark.slow
def test_the_same_line_on_real_rows(public_data, tmp_path):
    out = tmp_path / "run"
    prepared = prepare(public_data, out / "prepared")
    result = sweep(quick(prepared), out, lambda base, jobs: Here(), Quiet())
    assert result.done == result.total == 6
    original = [json.loads(line) for line in (out / "data/gender/original.jsonl").open()]
    real = {
        json.loads(line)["hard_text"].strip()
        for line in (public_data / "bias_in_bios" / "sample.jsonl").open()
    }
    assert original and all(row["text"] in real for row in original)
    config = json.loads(next((out / "arms/base/eval").glob("results_*.json")).read_text())[
        "configs"
    ]["bias_inherit_bias_detection"]
    assert config["metadata"]["provenance"]["source"] == "full"
    assert (out / "report" / "leaderboard.md").read_text().count("###") == 3
