"""All ten tasks in one go: plain and chat, with and without examples, and over an API."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bias_inherit.harness.loading import tasks_folder
from bias_inherit.tasks.configs import task_files, task_names

EVERY = [f"bias_inherit_{name}" for name in task_names()]
RUNS = {
    "plain": {},
    "plain, 2 examples": {"num_fewshot": 2},
    "chat": {"apply_chat_template": True, "num_fewshot": 0},
    "chat, 2 examples as turns": {
        "apply_chat_template": True,
        "num_fewshot": 2,
        "fewshot_as_multiturn": True,
    },
    "chat, 2 examples in one turn": {
        "apply_chat_template": True,
        "num_fewshot": 2,
        "fewshot_as_multiturn": False,
    },
}


@pytest.fixture(scope="module")
def model(lab_base):
    from lm_eval.models.huggingface import HFLM

    return HFLM(pretrained=lab_base, device="cpu", batch_size=8)


def run_form(model, tasks, form, **how):
    from lm_eval import simple_evaluate
    from lm_eval.tasks import TaskManager

    manager = TaskManager(
        include_path=str(tasks_folder()), include_defaults=False, metadata={"form": form}
    )
    return simple_evaluate(model=model, tasks=tasks, task_manager=manager, **how)


@pytest.mark.slow
@pytest.mark.parametrize("chat", [False, True])
@pytest.mark.parametrize("form", [2, 3, 4])
def test_all_ten_in_another_form(form, chat, model):
    results = run_form(model, EVERY, form, limit=4, apply_chat_template=chat, num_fewshot=2 * chat)
    assert sorted(results["results"]) == EVERY
    for task, samples in results["samples"].items():
        prompts = [str(sample["arguments"][0][0]) for sample in samples]
        asked = [sample["doc"]["prompt"] for sample in samples]
        assert all(a.strip() in p for a, p in zip(asked, prompts, strict=True)), task
        assert results["configs"][task]["metadata"]["provenance"]["form"] == form


@pytest.mark.slow
def test_pmi_agrees_with_a_second_derivation_from_the_raw_likelihoods(model):
    results = run_form(model, ["bias_inherit_occupation"], 4, limit=41)
    samples = results["samples"]["bias_inherit_occupation"]
    likely = [[float(response[0][0]) for response in s["resps"]] for s in samples]
    first, docs = samples[0]["doc"], [s["doc"] for s in samples]
    assert first["prompt"] == "The occupation of this person is:" and len(docs) == 41
    right = [
        max(range(6), key=lambda i: scores[i] - likely[0][i]) == doc["gold"]
        for scores, doc in zip(likely[1:], docs[1:], strict=True)
    ]
    found = results["results"]["bias_inherit_occupation"]
    assert found["acc,none"] == pytest.approx(sum(right) / 40)
    assert found["n_male,none"] == found["n_female,none"] == 20.0
    raw = [
        max(range(6), key=scores.__getitem__) == d["gold"]
        for scores, d in zip(likely, docs, strict=True)
    ]
    assert sum(raw[1:]) != sum(right), "the baseline changes something"


@pytest.mark.slow
@pytest.mark.parametrize("how", RUNS.values(), ids=RUNS.keys())
def test_all_ten_in_one_go(how, model):
    from lm_eval import simple_evaluate
    from lm_eval.tasks import TaskManager

    manager = TaskManager(include_path=str(tasks_folder()), include_defaults=False)
    results = simple_evaluate(
        model=model,
        tasks=manager.match_tasks(["bias_inherit_*"]),
        task_manager=manager,
        limit=4,
        **how,
    )
    assert sorted(results["results"]) == EVERY
    for task, samples in results["samples"].items():
        assert len(samples) == 4, task
        for sample in samples:
            prompt = str(sample["arguments"][0][0])
            assert ("<|user|>" in prompt) == how.get("apply_chat_template", False)
            turns = 3 if how.get("fewshot_as_multiturn") else 1
            assert prompt.count("<|user|>") in (0, turns)
            # the document itself, and the two examples
            own = sample["doc"].get("text") or sample["doc"].get("name") or sample["doc"].get("job")
            own = own or sample["doc"]["question"]
            assert own in prompt
    invalid = {task: values["invalid,none"] for task, values in results["results"].items()}
    assert all(0.0 <= share <= 1.0 for share in invalid.values())


@pytest.mark.slow
def test_twins_and_written_tasks_over_an_openai_compatible_server(chat_server, lab_base, tmp_path):
    words = [Path(sys.executable).parent / "lm_eval", "--model", "local-chat-completions"]
    address = f"{chat_server}/v1/chat/completions"
    words += ["--model_args", f"model={lab_base},base_url={address},num_concurrent=2"]
    words += ["--apply_chat_template", "--include_path", tasks_folder(), "--limit", "4"]
    words += ["--tasks", "gen_bias_inherit_*,bias_inherit_salary,bias_inherit_story"]
    words += ["--output_path", tmp_path, "--log_samples"]
    env = os.environ | {"OPENAI_API_KEY": "none", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        list(map(str, words)), capture_output=True, text=True, cwd=tmp_path, env=env
    )
    assert done.returncode == 0, done.stderr[-2000:]
    (path,) = tmp_path.rglob("results_*.json")
    results = json.loads(path.read_text())["results"]
    twins = {name for name in task_files() if name.startswith("gen_")}
    assert set(results) == twins | {"bias_inherit_salary", "bias_inherit_story"} and len(twins) == 8
    for values in results.values():
        assert 0.0 <= values["invalid,none"] <= 1.0
    valid = [name for name in twins if results[name]["invalid,none"] < 1.0]
    assert len(valid) >= 4, results  # the toy model answers most in the form asked for


def test_tasks_without_likelihoods_are_the_only_ones_an_api_needs():
    kinds = {name: task_kind(name) for name in task_files()}
    written = {name for name, kind in kinds.items() if kind == "generate_until"}
    expected = {"bias_inherit_salary", "bias_inherit_story", "race_salary", "race_story"}
    assert written == expected | {n for n in kinds if n.startswith("gen_")}


def task_kind(name):
    from bias_inherit.tasks.configs import task_config

    return task_config(name)["output_type"]
