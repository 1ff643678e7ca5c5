"""The READMEs say what the tasks do."""

import re

import pytest

from bias_inherit.score import tasks_folder
from bias_inherit.tasks import mini_data
from bias_inherit.tasks.prompts import render, task_config, task_names

HEADINGS = (
    "What it measures",
    "Data",
    "Prompt",
    "Metrics",
    "What the paper reports",
    "Limits",
)
FIRST = {
    "occupation": lambda: mini_data.occupation_test()[0],
    "salary": lambda: mini_data.salary_test()[0],
}


def readme(name=""):
    return (tasks_folder() / name / "README.md").read_text(encoding="utf-8")


def table(text):
    """Return the cells of the first table's rows, without its head."""
    rows = re.search(r"(?:^\|.*\n)+", text, re.M)[0].splitlines()[2:]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]


@pytest.mark.parametrize("name", task_names())
def test_headings(name):
    text = readme(name)
    assert text.startswith(f"# bias_inherit_{name}\n")
    assert tuple(re.findall(r"^## (.*)$", text, re.M)) == HEADINGS


@pytest.mark.parametrize("name", task_names())
def test_every_metric_is_explained_and_no_other(name):
    section = readme(name).split("## Metrics\n")[1].split("\n## ")[0]
    metrics = [entry["metric"] for entry in task_config(name)["metric_list"]]
    explained = [word for row in table(section) for word in re.findall(r"`(\w+)`", row[0])]
    assert sorted(explained) == sorted(m for m in metrics if not m.endswith("_stderr"))
    assert "`<metric>_stderr`" in section


@pytest.mark.parametrize("name", task_names())
def test_the_prompt_is_the_first_mini_documents(name):
    section = readme(name).split("## Prompt\n")[1].split("\n## ")[0]
    first = FIRST[name]() if name in FIRST else mini_data.text_test(name)[0]
    prompt, _ = render(name, first)
    assert re.findall(r"```text\n(.*?)\n```", section, re.S) == [prompt]


def test_the_table_names_the_tasks_on_disk():
    rows = table(readme())
    links = [re.fullmatch(r"\[`bias_inherit_(\w+)`\]\((\w+)/README\.md\)", row[0]) for row in rows]
    assert [link[1] for link in links] == task_names() == [link[2] for link in links]
    for name, row in zip(task_names(), rows, strict=True):
        config = task_config(name)
        listed = {entry["metric"] for entry in config["metric_list"]}
        assert re.findall(r"`([\w-]+)`", row[3]) == config["tag"]
        assert config["metadata"]["headline"]["score"] in re.findall(r"`(\w+)`", row[2])
        assert config["metadata"]["headline"]["gap"] in re.findall(r"`(\w+)`", row[2])
        for metric in re.findall(r"`(\w+)`", row[2]):
            assert any(known.startswith(metric) for known in listed)


@pytest.mark.parametrize("name", ["", *task_names()])
def test_links_between_files_lead_somewhere(name):
    folder = tasks_folder() / name
    for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", readme(name)):
        assert (folder / target).is_file(), target


def test_numbers_of_documents_are_those_of_the_mini_data():
    occupation, salary = mini_data.occupation_test(), mini_data.salary_test()
    assert f"{len(occupation)} documents in {len(occupation) // 2} clusters" in readme("occupation")
    assert f"{len(salary)} documents in {len(salary) // 2} clusters" in readme("salary")
    for said in (f"{len(occupation) // 2} bio", f"{len(salary) // 2} bio"):
        assert f"mini: {said}" in readme()
    for task in mini_data.TEXT_TASKS:
        n = len(mini_data.text_test(task))
        assert f"{n} short texts" in readme(task)
        (row,) = [row for row in table(readme()) if f"`bias_inherit_{task}`" in row[0]]
        assert f"mini: {n} texts" in row[4]


@pytest.mark.parametrize("task", mini_data.TEXT_TASKS)
def test_the_table_of_public_sets_is_the_registry(task):
    import yaml

    registry = yaml.safe_load((tasks_folder() / "culture_sets.yaml").read_text(encoding="utf-8"))
    said = [(row[0].strip("`"), row[1].lower(), row[2], int(row[3])) for row in table(readme(task))]
    assert said == [(e["path"], e["culture"], e["topic"], e["n"]) for e in registry[task]]
    assert len({e["topic"] for e in registry[task]}) == len(registry[task])
