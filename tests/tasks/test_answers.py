"""The tasks as lm-eval runs them: metric names, functions, and the ends of every scale."""

import importlib
import math

import pytest
import yaml

from bias_inherit.tasks import answers, metrics, sources
from bias_inherit.tasks.amounts import parse_amount
from bias_inherit.tasks.mini_data import TEXT_TASKS
from bias_inherit.tasks.prompts import render, task_config, task_names

NAMES = {
    "occupation": answers.OCCUPATION,
    "salary": answers.SALARY,
} | dict.fromkeys(TEXT_TASKS, answers.TEXT_CLASS)
FUNCTIONS = {
    "occupation": answers.occupation,
    "salary": answers.salary,
} | dict.fromkeys(TEXT_TASKS, answers.text_class)
CHOICE = ("occupation", *TEXT_TASKS)


def one_metric_each(name, results):
    doc = {"gold": 0, "group": "arabic" if name in TEXT_TASKS else "male", "cluster": "c"}
    return FUNCTIONS[name](doc, results)


def outcome(task, responses):
    """Return metric -> value over all test documents, through lm-eval's own objects."""
    scored = [
        task.process_results(doc, responses(doc)) for doc in task.dataset[task.config.test_split]
    ]
    return {
        metric: function([row[metric] for row in scored])
        for metric, function in task.aggregation().items()
    }


def choose(task, shift):
    """Return a responder: the option `shift` places behind the right one is likeliest."""

    def respond(doc):
        options = task.doc_to_choice(doc)
        chosen = (task.doc_to_target(doc) + shift) % len(options)
        return [(-0.1 if i == chosen else -5.0, i == chosen) for i in range(len(options))]

    return respond


def test_every_task_is_covered_here():
    assert task_names() == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_metric_list_equals_what_process_results_returns(name):
    listed = [entry["metric"] for entry in task_config(name)["metric_list"]]
    assert listed == [n for metric in NAMES[name] for n in (metric, f"{metric}_stderr")]
    results = ["$85,000"] if name == "salary" else [(-1.0, True), (-2.0, False)]
    returned = one_metric_each(name, results)
    assert list(returned) == listed
    assert [answer.metric for answer in returned.values()] == listed


@pytest.mark.parametrize("name", NAMES)
def test_functions_resolve_to_the_modules_that_we_import(name, load_task):
    task, config = load_task(name), task_config(name)
    loaded = {
        "custom_dataset": (task.config.custom_dataset, sources.load),
        "process_results": (task.config.process_results, FUNCTIONS[name]),
    }
    for key, (found, expected) in loaded.items():
        module, _, function = config[key].rpartition(".")
        assert found is expected is getattr(importlib.import_module(module), function)
    for metric, function in task.aggregation().items():
        assert function is (metrics.stderr if metric.endswith("_stderr") else metrics.value)


@pytest.mark.parametrize("name", NAMES)
def test_prompt_is_the_one_that_lm_eval_asks(name, load_task):
    task = load_task(name)
    for doc in task.dataset["test"]:
        assert task.doc_to_text(doc) == render(name, doc)[0]
    for doc in list(task.dataset["train"])[:20]:
        answer = task.doc_to_target(doc)
        text = task.doc_to_choice(doc)[answer] if name in CHOICE else answer
        assert render(name, doc)[1] == f"{task.config.target_delimiter}{text}"


@pytest.mark.parametrize("name", CHOICE)
@pytest.mark.parametrize(("shift", "score"), [(0, 1.0), (1, 0.0)])
def test_right_answers_score_one_and_wrong_ones_zero(name, shift, score, load_task):
    task = load_task(name)
    found = outcome(task, choose(task, shift))
    for metric in NAMES[name]:
        if metric.startswith(("acc", "macro_f1")):
            assert found[metric] == (0.0 if metric.endswith("_gap") else score), metric
        elif metric.startswith("flag_rate"):
            assert found[metric] == pytest.approx(0.5)  # half the texts of a culture are biased
        elif metric.startswith("n_"):
            group = metric.removeprefix("n_")
            assert found[metric] == list(task.dataset["test"]["group"]).count(group) > 0
    assert found["invalid"] == 0.0
    assert all(found[f"{metric}_stderr"] != "N/A" for metric in NAMES[name])


@pytest.mark.parametrize("name", CHOICE)
def test_no_usable_likelihood_is_invalid_and_wrong(name, load_task):
    task = load_task(name)
    found = outcome(task, lambda doc: [(math.nan, False)] * len(task.doc_to_choice(doc)))
    assert found["invalid"] == 1.0
    assert found["macro_f1"] == 0.0


def test_salary_written_by_group(load_task):
    task = load_task("salary")
    found = outcome(task, lambda doc: ["$85,000" if doc["group"] == "male" else "80k a year"])
    expected = {"salary": 82_500, "salary_male": 85_000, "salary_female": 80_000, "pairs": 60}
    expected |= {"salary_gap": 5_000, "n_male": 60, "n_female": 60, "invalid": 0}
    assert {metric: found[metric] for metric in NAMES["salary"]} == expected
    nothing = outcome(task, lambda doc: ["I would rather not say."])
    assert nothing["invalid"] == 1.0
    assert nothing["salary"] is nothing["salary_gap"] is None
    assert nothing["salary_stderr"] == "N/A"


def test_salary_examples_hold_an_amount_that_is_read_back(load_task):
    task = load_task("salary")
    for doc in task.dataset["train"]:
        target = task.doc_to_target(doc)
        assert parse_amount(target) == float(target.strip("$").replace(",", ""))


@pytest.mark.parametrize(
    ("scores", "option"),
    [
        ([-2.0, -1.0, -3.0], 1),
        ([-1.0, -1.0], 0),
        ([-1.0, math.nan], None),
        ([-1.0, -math.inf], None),
        ([math.inf, -1.0], None),
    ],
)
def test_best_option(scores, option):
    assert answers.best_option([(score, False) for score in scores]) == option


def test_group_tags_and_pattern_find_exactly_the_tasks():
    from lm_eval.tasks import TaskManager

    from bias_inherit.score import tasks_folder

    manager = TaskManager(include_path=str(tasks_folder()), include_defaults=False)
    every = sorted(f"bias_inherit_{name}" for name in task_names())
    assert sorted(manager.match_tasks(["bias_inherit_*"])) == every == manager.all_subtasks
    assert manager.all_groups == ["bias_inherit"]
    group = yaml.safe_load((tasks_folder() / "bias_inherit.yaml").read_text(encoding="utf-8"))
    assert sorted(group["task"]) == every
    tagged = {
        tag: {n for n in task_names() if tag in task_config(n)["tag"]} for tag in manager.all_tags
    }
    assert tagged == {
        "bias-inherit-gender": {"occupation", "salary"},
        "bias-inherit-culture": set(TEXT_TASKS),
        "bias-inherit-direct": {"bias_detection"},
        "bias-inherit-indirect": set(TEXT_TASKS) - {"bias_detection", "hate_speech"},
    }
