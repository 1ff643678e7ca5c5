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
from bias_inherit.tasks.spill_over import spill_over

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


@pytest.fixture
def only_arc(monkeypatch):
    """As `arc`, without the data of other tasks."""
    names = ("train", "validation", "test")
    found = datasets.DatasetDict({name: datasets.Dataset.from_list([ARC] * 3) for name in names})

    def load(path, **_):
        if path != "allenai/ai2_arc":
            raise ConnectionError(f"couldn't reach '{path}' on the hub")
        return found

    monkeypatch.setattr(datasets, "load_dataset", load)


@pytest.mark.slow
def test_spill_over_is_scored_where_the_data_can_be_had(only_arc):
    said = []
    options = Options(tasks=("bias_inherit_spam",), spill_over=("ability",))
    (asked,) = load_forms(options, said.append)
    assert set(asked.digests) == {"bias_inherit_spam", "arc_easy", "arc_challenge"}
    assert len(said) == len(spill_over()["ability"]) - 2
    assert all(line.startswith("left out: task '") and "couldn't reach" in line for line in said)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"spill_over": ("ability", "safety")}, "spill-over on safety: no task can be scored"),
        (
            {"spill_over": ("abilities",)},
            "unknown kind of spill-over 'abilities': did you mean",
        ),
        ({"spill_over": ("ability",), "forms": "all"}, "lm-eval's own tasks have no forms"),
    ],
)
def test_spill_over_that_cannot_be_scored_is_one_line(only_arc, asked, told):
    with pytest.raises(InputError, match=told) as error:
        load_forms(Options(tasks=("bias_inherit_spam",), **asked))
    assert "\n" not in str(error.value)


@pytest.mark.slow
def test_the_tasks_about_spill_over_are_lm_evals_with_their_metrics():
    from lm_eval.tasks import TaskManager
    from lm_eval.tasks._yaml_loader import load_yaml

    index = TaskManager().task_index
    for tasks in spill_over().values():
        for name, metric in tasks.items():
            config = load_yaml(index[name].yaml_path, resolve_func=False, recursive=True)
            assert metric in {one["metric"] for one in config["metric_list"]}, name


def test_what_a_run_writes_down_of_options_is_json_and_knows_older_runs():
    plain = Options().to_json()
    assert json.loads(json.dumps(plain)) == plain
    assert not {"exact", "spill_over", "resume"} & set(plain)
    asked = Options(exact=True, spill_over=("safety",), resume=True).to_json()
    assert asked == plain | {"exact": True, "spill_over": ["safety"]}
