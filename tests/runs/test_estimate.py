"""What is left of a run, against what it then takes."""

from __future__ import annotations

import pytest

from bias_inherit.runs import estimate as module
from bias_inherit.runs.estimate import Estimate, estimate, long
from bias_inherit.runs.plan import make_plan, plan_arms
from bias_inherit.runs.sweep import arm_folders
from tests.runs.conftest import small


@pytest.mark.slow
def test_the_adapter_and_the_model_are_counted(adapters, lab_base):
    from safetensors.torch import load_file
    from transformers import AutoModelForCausalLM

    model = module._Model(lab_base)
    assert model.parameters == AutoModelForCausalLM.from_pretrained(lab_base).num_parameters()
    weights = load_file(adapters["r50"] / "adapter_model.safetensors")
    settings = plan_arms(small())[0].settings
    assert model.adapter(settings) == sum(weight.numel() for weight in weights.values())


@pytest.mark.slow
def test_before_and_after_an_arm_is_done(tmp_path, run):
    grid = small()
    rough = estimate(make_plan(grid), tmp_path / "run", workers=1)
    assert rough.arms == 3 and rough.seconds > 0 and "rough" in rough.to_text()
    run(grid)
    taken = sum(p.stat().st_size for p in (tmp_path / "run" / "arms").rglob("*") if p.is_file())
    assert rough.size / 4 < taken < 4 * rough.size
    assert estimate(make_plan(grid), tmp_path / "run").to_text() == "nothing is left to do"

    more = make_plan(small(grid__seeds=[0, 1, 2]))
    found = estimate(more, tmp_path / "run", workers=2)
    done = [a for n, a in arm_folders(more, tmp_path / "run").items() if n.endswith(".s0")]
    seconds = [sum(arm.record.seconds(stage) for stage in arm.stages) for arm in done]
    assert found.arms == 4 and "as 2 arms of this run took" in found.how
    assert found.seconds == pytest.approx(sum(seconds) / 2 * 4 / 2)


def test_a_base_that_is_not_at_hand_is_said(tmp_path, monkeypatch):
    grid = small(base="some/model-that-nobody-has")
    found = estimate(make_plan(grid), tmp_path / "run")
    assert found.seconds is None and "the base is not at hand" in found.to_text()
    assert "\n" not in found.to_text()


def test_in_words():
    assert [long(s) for s in (12.4, 200, 7500)] == ["12 s", "3 min", "2 h 5 min"]
    assert Estimate(2, 1, 60, 5e9, "x").to_text() == (
        "left: 2 models, about 60 s with a worker, about 5.0 GB of disk (x)"
    )
