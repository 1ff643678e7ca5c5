"""The tasks as lm-eval runs them: metric names, functions, and the ends of every scale."""

import importlib
import json
import math

import pytest
import yaml

from bias_inherit.tasks import answers, sources
from bias_inherit.tasks.configs import task_config, task_files, task_names
from bias_inherit.tasks.documents.texts import TEXT_TASKS
from bias_inherit.tasks.metrics import CANDIDATES, Record, aggregate
from bias_inherit.tasks.metrics.metric import SUITES
from bias_inherit.tasks.metrics.table import metric_names
from bias_inherit.tasks.prompts import render
from bias_inherit.tasks.reading.amounts import parse_amount

PROBE = "values_global_opinions"
NAMES = {task: metric_names(name)[::2] for name, suite in SUITES.items() for task in suite.tasks}
FUNCTIONS = {
    "occupation": answers.occupation,
    "hiring": answers.hiring,
    "salary": answers.salary,
    "story": answers.story,
    PROBE: answers.survey,
    "race_hiring": answers.race_hiring,
    "race_salary": answers.race_salary,
    "race_story": answers.race_story,
} | dict.fromkeys(TEXT_TASKS, answers.text_class)
CHOICE = ("occupation", *TEXT_TASKS)
LETTERS = (*CHOICE, "hiring", "race_hiring", PROBE)
PROBES = {PROBE, "race_hiring", "race_salary", "race_story"}
TWINS = {
    "occupation": answers.gen_occupation,
    "hiring": answers.gen_hiring,
} | dict.fromkeys(TEXT_TASKS, answers.gen_text_class)


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
    assert task_names() == sorted(NAMES.keys() - PROBES) and len(task_names()) == 10
    twins = {f"gen_bias_inherit_{name}" for name in TWINS}
    assert set(task_files()) == twins | PROBES | {f"bias_inherit_{n}" for n in task_names()}


@pytest.mark.parametrize("name", NAMES)
def test_metric_list_equals_what_process_results_returns(name, load_task):
    listed = [entry["metric"] for entry in task_config(name)["metric_list"]]
    assert listed == [n for metric in NAMES[name] for n in (metric, f"{metric}_stderr")]
    task = load_task(name)
    doc = task.dataset["test"][0]
    options = task.doc_to_choice(doc) if name in LETTERS else []
    returned = task.process_results(doc, [(-1.0, False) for _ in options] or ["$85,000"])
    aggregated = dict(returned.items())
    assert list(aggregated) == listed
    assert len(set(map(id, aggregated.values()))) == 1, "one record for all"
    assert list(returned) == list(returned.keys()) == ["record"], "what lm-eval logs"
    assert Record.from_json(json.loads(json.dumps(returned["record"]))) is not None


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
        assert function == getattr(aggregate, metric) and repr(function).endswith(f" {metric}")


@pytest.mark.parametrize("name", NAMES)
def test_prompt_is_the_one_that_lm_eval_asks(name, load_task):
    task = load_task(name)
    for doc in task.dataset["test"]:
        assert task.doc_to_text(doc) == render(name, doc)[0]
    for doc in list(task.dataset["train"])[:20]:
        answer = task.doc_to_target(doc)
        text = task.doc_to_choice(doc)[answer] if name in LETTERS else answer
        assert render(name, doc)[1] == f"{task.config.target_delimiter}{text}"


@pytest.mark.parametrize("name", CHOICE)
@pytest.mark.parametrize(("shift", "score"), [(0, 1.0), (1, 0.0)])
def test_right_answers_score_one_and_wrong_ones_zero(name, shift, score, load_task):
    task = load_task(name)
    found = outcome(task, choose(task, shift))
    for metric in NAMES[name]:
        if metric.endswith(("_null", "_excess")):
            continue
        if metric.startswith(("acc", "macro_f1")):
            assert found[metric] == (0.0 if metric.endswith("_gap") else score), metric
        elif metric.startswith(("tpr_gap", "fpr_gap", "equalized_odds", "stereotype", "shift")):
            assert found[metric] == pytest.approx(0.0, abs=1e-12), metric
        elif metric.startswith(("tpr", "auroc")):
            assert found[metric] == score, metric
        elif metric.startswith("fpr"):
            assert found[metric] == 1.0 - score, metric
        elif metric.startswith("flag_rate"):
            assert found[metric] == pytest.approx(0.5)  # half the texts of a culture are biased
        elif metric.startswith(("n_", "positives_")):
            measure, group = metric.split("_")
            chosen = [d for d in task.dataset["test"] if d["group"] == group]
            chosen = chosen if measure == "n" else [d for d in chosen if d["gold"] == 1]
            assert found[metric] == len(chosen) > 0
    assert found["invalid"] == 0.0
    errors = {metric: found[f"{metric}_stderr"] for metric in NAMES[name]}
    without = {"position_bias"}  # options are words, not letters
    assert {m for m, error in errors.items() if error == "N/A"} == without | {
        m for m in NAMES[name] if m.endswith("_null")
    }


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
    assert {metric: found[metric] for metric in expected} == expected
    gap = math.log(85_000 / 80_000)
    for metric in ("log_gap", "log_gap_rms", "log_gap_nurse"):
        assert found[metric] == pytest.approx(gap)
    assert 0 < found["log_gap_rms_null"] < gap / 2
    nothing = outcome(task, lambda doc: ["I would rather not say."])
    assert nothing["invalid"] == 1.0
    assert nothing["salary"] is nothing["salary_gap"] is None
    assert nothing["salary_stderr"] == "N/A"


def test_a_model_that_always_answers_a_is_fair_and_wholly_position_biased(load_task):
    task = load_task("hiring")
    found = outcome(task, lambda doc: [(-1.0 * (i > 0), i == 0) for i in range(8)])
    assert found["position_bias"] == 1.0
    assert found["select_gender_gap"] == found["select_culture_gap"] == 0.0
    assert all(found[f"select_{candidate}"] == 1 / 8 for candidate in CANDIDATES)


def test_a_model_that_always_hires_one_candidate_has_no_position_bias(load_task):
    task = load_task("hiring")
    chosen = CANDIDATES.index("spanish_male")
    found = outcome(task, lambda doc: [(-1.0 * (c != chosen), c == chosen) for c in doc["order"]])
    assert found["position_bias"] == 0.0
    assert found["select_spanish_male"] == found["select_male"] == found["select_spanish"] == 1.0
    assert found["select_gender_gap"] == found["select_culture_gap"] == 1.0
    assert found["select_arabic"] == 0.0 and found["invalid"] == 0.0


def test_stories_by_culture(load_task):
    said = {"arabic": "not honest", "chinese": "honest", "portuguese": "old", "spanish": "timid"}
    task = load_task("story")
    filler = "and the street was long " * 5
    found = outcome(task, lambda doc: [f"{doc['name']} was {said[doc['group']]} {filler}"])
    expected = {"arabic": 1.0, "chinese": 0.0, "portuguese": None, "spanish": 1.0}
    assert {c: found[f"negative_ratio_{c}"] for c in expected} == expected
    assert found["negative_gap"] == 1.0 and found["negative_ratio"] == pytest.approx(2 / 3)
    assert found["negative_ratio_agency"] == found["negative_ratio_agency_spanish"] == 1.0
    assert found["negative_ratio_communion"] == 0.5 and found["low_ratio_beliefs"] is None
    assert found["coverage"] == 0.75 and found["coverage_portuguese"] == 0.0
    assert found["invalid"] == 0.0 and found["n_arabic"] == len(task.dataset["test"]) / 4
    nothing = outcome(task, lambda doc: ["I'm sorry, but I cannot write that."])
    assert nothing["invalid"] == 1.0 and nothing["negative_gap"] is nothing["coverage"] is None


def test_the_real_distribution_scores_one(load_task):
    task = load_task(PROBE)

    def shares(doc):
        return [doc["target"][option] for option in doc["order"]]

    found = outcome(task, lambda doc: [(math.log(max(p, 1e-12)), False) for p in shares(doc)])
    assert len(task.dataset["test"]) == 160 and found["similarity"] == pytest.approx(1.0, abs=1e-4)
    assert found["similarity_egypt"] == pytest.approx(1.0, abs=1e-4)
    assert found["similarity_angola"] is None and found["n_angola"] == 0.0
    other = outcome(
        task, lambda doc: [(-50.0 * (p == max(doc["target"])), False) for p in shares(doc)]
    )
    assert other["similarity"] < 0.6


@pytest.mark.parametrize("name", TWINS)
def test_a_twin_reads_the_written_answer(name, load_task):
    task, twin = load_task(name), load_task(f"gen_bias_inherit_{name}")
    assert twin.OUTPUT_TYPE == "generate_until" and twin.config.process_results is TWINS[name]
    assert twin.config.metric_list == task.config.metric_list
    docs = list(twin.dataset["test"])
    assert [task.doc_to_text(d) for d in docs] == [twin.doc_to_text(d) for d in docs]
    written = outcome(twin, lambda doc: [f" {twin.doc_to_choice(doc)[doc['gold']]}\n"])
    chosen = outcome(task, choose(task, 0))
    soft = ("auroc", "macro_f1_matched", "soft_")  # these need likelihoods
    for metric, found in chosen.items():
        if not metric.startswith(soft):
            assert written[metric] == pytest.approx(found, nan_ok=True) or found is None, metric
    silent = outcome(twin, lambda doc: ["As you wish, maybe."])
    assert silent["invalid"] == 1.0


@pytest.mark.parametrize("name", TWINS)
def test_a_twins_example_is_the_tasks_own(name, load_task):
    task, twin = load_task(name), load_task(f"gen_bias_inherit_{name}")
    for loaded in (task, twin):
        loaded.set_config(key="num_fewshot", value=2)
        loaded.set_fewshot_seed(7)
    doc = task.dataset["test"][0]
    assert task.fewshot_context(doc, 2) == twin.fewshot_context(doc, 2)


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

    from bias_inherit.harness.loading import tasks_folder

    manager = TaskManager(include_path=str(tasks_folder()), include_defaults=False)
    every = sorted(f"bias_inherit_{name}" for name in task_names())
    assert sorted(manager.match_tasks(["bias_inherit_*"])) == every
    assert set(manager.all_subtasks) == set(task_files())
    assert manager.all_groups == ["bias_inherit"]
    group = yaml.safe_load((tasks_folder() / "bias_inherit.yaml").read_text(encoding="utf-8"))
    assert sorted(group["task"]) == every
    tagged = {
        tag: {n for n in task_names() if tag in task_config(n)["tag"]} for tag in manager.all_tags
    }
    assert tagged == {
        "gen-bias-inherit": set(),
        "bias-inherit-gender": {"occupation", "salary", "hiring"},
        "bias-inherit-culture": {*TEXT_TASKS, "hiring", "story"},
        "bias-inherit-direct": {"bias_detection"},
        "bias-inherit-race": set(),
        "bias-inherit-indirect": set(TEXT_TASKS) - {"bias_detection", "hate_speech"},
    }
