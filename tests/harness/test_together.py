"""Adapters that answer together have the numbers that each has alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bias_inherit.harness.score import Options, score
from bias_inherit.reports.results import read_runs

TASKS = ("bias_inherit_occupation", "bias_inherit_salary", "bias_inherit_story")
FEW = Options(tasks=TASKS, limit=20, batch_size=8, progress=False)
TARGETS = ["q_proj", "v_proj", "down_proj"]
KINDS = {
    "small": {"r": 4, "target_modules": TARGETS},
    "large": {"r": 8, "lora_alpha": 4, "target_modules": ["k_proj", "q_proj"]},
    "rank-stabilised": {"r": 4, "use_rslora": True, "target_modules": TARGETS},
}
OTHERS = {
    "dora": {"r": 4, "use_dora": True, "target_modules": TARGETS},
    "biases": {"r": 4, "bias": "lora_only", "target_modules": TARGETS},
    "embeddings": {"r": 4, "target_modules": ["embed_tokens", "q_proj"]},
}


@pytest.fixture(scope="module")
def lora_folders(tmp_path_factory, lab_base):
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    folder = tmp_path_factory.mktemp("loras")
    for name, options in (KINDS | OTHERS).items():
        torch.manual_seed(len(name))
        config = LoraConfig(task_type="CAUSAL_LM", **options)
        model = get_peft_model(AutoModelForCausalLM.from_pretrained(lab_base), config)
        with torch.no_grad():
            for parameter in model.parameters():
                if parameter.requires_grad:
                    parameter.add_(0.1 * torch.randn_like(parameter))
        model.save_pretrained(folder / name)
    return {name: folder / name for name in KINDS | OTHERS}


@pytest.fixture(scope="module")
def worn(lora_folders, lab_base):
    """The base, and by name the adapters with their logits on a row of words."""
    import torch

    from bias_inherit.harness.multi_lora import lora_of
    from bias_inherit.harness.wearing import Wardrobe

    wardrobe = Wardrobe(lab_base, None, 4, "cpu", False)
    row = torch.arange(12)[None]
    found = {}
    for name, folder in lora_folders.items():
        lm = wardrobe.put_on(folder)
        found[name] = lora_of(lm.model), lm._model_call(row)[0]
        wardrobe.take_off()
    lm = wardrobe.bare()
    return lm, found | {"base": ({}, lm._model_call(row)[0])}, row


def test_other_kinds_of_adapter_are_not_computed_together(worn):
    _, found, _ = worn
    assert {name for name, (lora, _) in found.items() if lora is None} == set(OTHERS)


@pytest.mark.parametrize("owners", [[0, 0, 1, 1, 2, 2, 3, 3], [3, 1, 1, 0, 2, 1], [2], [1, 3]])
def test_rows_have_the_numbers_of_their_own_adapter(worn, owners):
    import torch

    from bias_inherit.harness.multi_lora import MultiLora

    lm, found, row = worn
    names = [*KINDS, "base"]
    many = MultiLora(lm.model, [found[name][0] for name in names])
    before = lm._model_call(row)
    try:
        logits = many(owners, input_ids=row.repeat(len(owners), 1)).logits
        assert torch.equal(lm._model_call(row), before), "the base's own passes stay"
    finally:
        many.remove()
    for owner, own in zip(owners, logits, strict=True):
        torch.testing.assert_close(own, found[names[owner]][1], atol=1e-4, rtol=0)
    assert (found["small"][1] - found["base"][1]).abs().max() > 0.01


@pytest.mark.parametrize("merged", [True, False])
def test_one_adapter_alone_has_its_numbers_and_leaves_the_base_as_it_was(worn, monkeypatch, merged):
    import torch

    from bias_inherit.harness import multi_lora
    from bias_inherit.harness.wearing import base_state

    monkeypatch.setattr(multi_lora, "MERGED", multi_lora.MERGED if merged else 0)
    lm, found, row = worn
    before = base_state(lm.model)
    many = multi_lora.MultiLora(lm.model, [found[name][0] for name in KINDS])
    for owner, name in enumerate(KINDS):
        with many.alone(owner):
            logits = many([owner], input_ids=row).logits[0]
            is_changed = base_state(lm.model).tensors != before.tensors
        assert is_changed == merged
        torch.testing.assert_close(logits, found[name][1], atol=1e-4, rtol=0)
    many.remove()
    assert base_state(lm.model) == before


def test_weights_that_are_anothers_too_are_not_merged(worn):
    import torch

    from bias_inherit.harness.multi_lora import MultiLora, Pair

    lm, _, row = worn
    words, width = lm.model.lm_head.weight.shape
    assert lm.model.lm_head.weight is lm.model.get_input_embeddings().weight
    pair = Pair(0.1 * torch.randn(width, 2), 0.1 * torch.randn(2, words))
    many = MultiLora(lm.model, [{"lm_head": pair}])
    before = lm.model.get_input_embeddings().weight.clone()
    try:
        logits = many([0], input_ids=row).logits
        with many.alone(0):
            assert torch.equal(lm.model.get_input_embeddings().weight, before)
            torch.testing.assert_close(many([0], input_ids=row).logits, logits)
    finally:
        many.remove()


def test_an_adapter_that_adds_something_else_here_than_in_peft_answers_alone(worn):
    import torch

    from bias_inherit.harness.together import Member, groups, trial

    lm, found, _ = worn
    start = torch.get_rng_state()
    base = Member("base", {}, start, trial(lm))
    wrong = Member("small", found["small"][0], start, trial(lm))  # the logits are the base's
    assert groups(lm, [base, wrong]) == {}
    assert set(groups(lm, [base, base])) == {"base"}


@pytest.mark.slow
def test_together_and_alone_the_answers_are_the_same(lora_folders, lab_base, tmp_path):
    together = score(lab_base, lora_folders, lambda name: tmp_path / name, FEW)
    replies = set()
    for folder in together[1:]:
        one = {folder.name: lora_folders[folder.name]}
        (alone,) = score(
            lab_base, one, lambda name: tmp_path / "alone" / name, FEW, with_base=False
        )
        for mine, other in zip(answers(folder), answers(alone), strict=True):
            if isinstance(mine, str):
                replies.add(mine)
                assert mine == other
            else:
                assert float(mine[0]) == pytest.approx(float(other[0]), abs=1e-4)
    assert len(replies) > 40
    runs = read_runs(together)
    values = [run.tasks["bias_inherit_occupation"].metrics["acc_gap"] for run in runs]
    assert len(values) == 7


def answers(folder: Path):
    for path in sorted(folder.glob("samples_*.jsonl")):
        for line in path.open(encoding="utf-8"):
            for (answer,) in json.loads(line)["resps"]:
                yield answer


def test_a_stop_is_met_when_lm_evals_own_is(lab_base):
    import random

    import torch
    from lm_eval.models.utils_hf import stop_sequences_criteria
    from transformers import AutoTokenizer

    from bias_inherit.harness.streams import Stop

    tokenizer = AutoTokenizer.from_pretrained(lab_base)
    ends = tokenizer(". A", add_special_tokens=False).input_ids
    numbers = random.Random(0)
    met = 0
    for _ in range(20):
        theirs = stop_sequences_criteria(tokenizer, ["."], 2, 3)
        criteria = [stop_sequences_criteria(tokenizer, ["."], 0, 1) for _ in range(3)]
        ours = Stop(criteria, lambda token: "." in tokenizer.decode([token]))
        ids, written = torch.full((3, 2), ends[0]), [[], [], []]
        for _ in range(12):
            column = [numbers.choice([*ends, 70, 71, 72, 73]) for _ in range(3)]
            ids = torch.cat([ids, torch.tensor(column)[:, None]], 1)
            for row, token in zip(written, column, strict=True):
                row.append(token)
            expected = bool(theirs(ids, None).all())
            assert ours.is_met(written) == expected
            met += expected
    assert 0 < met < 240


def test_numbers_that_several_draw_are_drawn_once():
    import torch

    from bias_inherit.harness.streams import Draws

    one, other, plain = (torch.Generator().manual_seed(3) for _ in range(3))
    draws = Draws()
    for _ in range(3):
        expected = torch.empty((4, 100)).exponential_(generator=plain)
        mine, theirs = draws.next(4, 100, one), draws.next(4, 100, other)
        assert mine is theirs and torch.equal(mine, expected)
    assert torch.equal(one.get_state(), plain.get_state())
    assert torch.equal(other.get_state(), plain.get_state())


@pytest.mark.slow
def test_requests_are_built_once_and_the_machine_is_asked_once(
    lora_folders, lab_base, tmp_path, monkeypatch
):
    from lm_eval.api.task import ConfigurableTask
    from torch.utils import collect_env

    counts = {"build": 0, "asked": 0}
    build, asked = ConfigurableTask.build_all_requests, collect_env.get_pretty_env_info

    def count_build(self, **how):
        counts["build"] += 1
        build(self, **how)

    def count_asked():
        counts["asked"] += 1
        return asked()

    monkeypatch.setattr(ConfigurableTask, "build_all_requests", count_build)
    monkeypatch.setattr(collect_env, "get_pretty_env_info", count_asked)
    two = {name: lora_folders[name] for name in ("small", "dora")}
    options = Options(tasks=TASKS[:2], limit=3, progress=False)
    folders = score(lab_base, two, lambda name: tmp_path / name, options)
    assert counts == {"build": 2, "asked": 1}
    assert len({next(f.glob("results_*.json")).read_text() for f in folders}) == 3
