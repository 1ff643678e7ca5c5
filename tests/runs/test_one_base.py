"""A worker's one base: trained on and scored with in turn, as if each had loaded its own."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from bias_inherit.bias_augment.training.finetune import finetune
from bias_inherit.harness.score import score
from bias_inherit.models import adapter_sha256
from bias_inherit.runs.data import DataWriter, data_sets
from bias_inherit.runs.plan import make_plan
from bias_inherit.runs.sweep import arm_folders
from bias_inherit.runs.worker import Maker
from tests.runs.conftest import small

pytestmark = pytest.mark.slow


def answers(folder):
    """Return what a model answered, without times."""
    return [
        [row["resps"], row["doc_hash"]]
        for path in sorted(folder.glob("samples_*.jsonl"))
        for row in map(json.loads, path.open(encoding="utf-8"))
    ]


def test_adapters_and_answers_are_those_of_lone_commands(lab_base, tmp_path):
    tasks = ["bias_inherit_occupation", "bias_inherit_story"]
    grid = small(grid__mitigations=["none", "mask", "loss"], scoring__tasks=tasks, scoring__limit=2)
    plan = make_plan(grid)
    for one in data_sets(plan, tmp_path / "run"):
        DataWriter(plan, tmp_path / "run", print).write(one)
    maker = Maker(plan)
    for arm in arm_folders(plan, tmp_path / "run").values():
        assert maker.make(arm, None) is None

        alone = tmp_path / "alone" / arm.name
        adapters = {}
        if arm.planned is not None:
            each = arm.planned
            finetune(lab_base, arm.mix, alone / "a", each.mitigation, each.settings)
            assert adapter_sha256(arm.adapter) == adapter_sha256(alone / "a")
            adapters = {arm.name: alone / "a"}
        options = replace(plan.options, apply_chat_template=True)
        score(lab_base, adapters, lambda _, f=alone: f / "eval", options, with_base=not adapters)
        assert answers(arm.eval) == answers(alone / "eval")
        # hidden states, which the loss mitigation looks at, leave hooks of transformers behind
        loads = maker._kept._scored().loads
        assert loads == (2 if ".loss." in arm.name else 1)
