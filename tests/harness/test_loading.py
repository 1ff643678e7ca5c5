"""Any of lm-eval's tasks beside ours."""

from __future__ import annotations

import json

import datasets
import pytest

from bias_inherit.errors import InputError
from bias_inherit.harness import loading
from bias_inherit.harness.loading import load_forms, load_tasks
from bias_inherit.harness.options import Options
from bias_inherit.harness.score import score

ARC = {
    "id": "1",
    "question": "Which of these is hot?",
    "choices": {"text": ["ice", "snow", "fire", "milk"], "label": ["A", "B", "C", "D"]},
    "answerKey": "C",
}


@pytest.fixture
def arc(monkeypatch):
    """The data of lm-eval's arc_easy, as if it had been fetched."""
    splits = {
        name: datasets.Dataset.from_list([ARC] * 3) for name in ("train", "validation", "test")
    }
    found = datasets.DatasetDict(splits)
    monkeypatch.setattr(datasets, "load_dataset", lambda *_, **__: found)


def test_ours_are_found_without_a_look_into_lm_evals_index(monkeypatch):
    from lm_eval import tasks

    made = []
    plain = tasks.TaskManager.__init__

    def counted(self, **how):
        made.append(how.get("include_defaults", True))
        plain(self, **how)

    monkeypatch.setattr(tasks.TaskManager, "__init__", counted)
    load_tasks(Options(tasks=("bias_inherit_*", "race_hiring")))
    with pytest.raises(InputError, match="did you mean bias_inherit_occupation"):
        load_tasks(Options(tasks=("bias_inherit_ocupation",)))
    assert made == [False, False]


@pytest.mark.slow
def test_a_task_of_lm_evals_is_scored_beside_ours(arc, lab_base, adapters, tmp_path):
    options = Options(tasks=("bias_inherit_spam", "arc_easy"), limit=2, progress=False)
    folders = score(lab_base, adapters, lambda name: tmp_path / name, options)
    for folder in folders:
        content = json.loads(next(folder.glob("results_*.json")).read_text())
        assert set(content["results"]) == {"bias_inherit_spam", "arc_easy"}
        assert content["results"]["arc_easy"]["sample_len"] == 2
    command = json.loads((folders[0] / "bias_inherit.json").read_text())["command"]
    assert "--tasks arc_easy,bias_inherit_spam " in command


@pytest.mark.slow
def test_data_that_cannot_be_had_and_unknown_names_are_one_line(tmp_path, lab_base):
    for names, told in {
        ("bias_inherit_spam", "arc_easy"): "task 'arc_easy': its data or code cannot be had here",
        ("arc_eesy",): "unknown task 'arc_eesy': did you mean arc_easy",
    }.items():
        with pytest.raises(InputError, match=told) as error:
            score(lab_base, {}, lambda name: tmp_path / name, Options(tasks=names))
        assert "\n" not in str(error.value)
    assert list(tmp_path.iterdir()) == []


def test_a_task_that_runs_what_a_model_writes_is_refused(monkeypatch):
    class Unsafe:
        task_name, UNSAFE_CODE = "humaneval", True

    with pytest.raises(InputError, match="task 'humaneval' runs code that the model writes"):
        loading._check_runnable([Unsafe()])


@pytest.mark.slow
def test_others_have_no_forms(arc):
    with pytest.raises(InputError, match="task 'arc_easy' has no forms"):
        load_forms(Options(tasks=("bias_inherit_spam", "arc_easy"), forms="all"))


def test_what_a_task_is_does_not_depend_on_the_process():
    first, second = (load_forms(Options(tasks=("bias_inherit_*",)))[0].digests for _ in range(2))
    assert first == second and len(set(first.values())) == 10
