"""The READMEs say what the tasks do."""

import re

import pytest

from bias_inherit.harness.loading import tasks_folder
from bias_inherit.tasks.configs import documents_of, task_config, task_files, task_names
from bias_inherit.tasks.documents import biographies, offers, stories, survey, texts
from bias_inherit.tasks.documents import hiring as candidates
from bias_inherit.tasks.forms.ask import ask_all
from bias_inherit.tasks.forms.form import chosen_form
from bias_inherit.tasks.metrics import AXES

PROBE = "values_global_opinions"
PROBES = (PROBE, "race_hiring", "race_salary", "race_story")
DOCUMENTED = (*task_names(), *PROBES)
TWINS = sorted(name for name in task_files() if name.startswith("gen_"))

HEADINGS = (
    "What it measures",
    "Data",
    "Prompt",
    "Forms",
    "Metrics",
    "What the paper reports",
    "Limits",
)
FIRST = {
    "occupation": lambda: biographies.occupation_test()[0],
    "salary": lambda: biographies.salary_test()[0],
    "hiring": lambda: candidates.hiring_test()[0],
    "story": lambda: stories.story_test()[0],
    PROBE: lambda: survey.survey_test()[0],
    "race_hiring": lambda: candidates.hiring_test(axis="race")[0],
    "race_salary": lambda: offers.offers_test()[0],
    "race_story": lambda: stories.story_test(axis="race")[0],
}


def readme(name=""):
    return (tasks_folder() / name / "README.md").read_text(encoding="utf-8")


def table(text):
    """Return the cells of the first table's rows, without its head."""
    rows = re.search(r"(?:^\|.*\n)+", text, re.M)[0].splitlines()[2:]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]


@pytest.mark.parametrize("name", DOCUMENTED)
def test_headings(name):
    text = readme(name)
    title = name if name in PROBES else f"bias_inherit_{name}"
    assert text.startswith(f"# {title}\n")
    assert tuple(re.findall(r"^## (.*)$", text, re.M)) == HEADINGS


@pytest.mark.parametrize("name", DOCUMENTED)
def test_every_metric_is_explained_and_no_other(name):
    section = readme(name).split("## Metrics\n")[1].split("\n## ")[0]
    metrics = [entry["metric"] for entry in task_config(name)["metric_list"]]
    explained = [word for row in table(section) for word in re.findall(r"`(\w+)`", row[0])]
    assert sorted(explained) == sorted(m for m in metrics if not m.endswith("_stderr"))
    assert "`<metric>_stderr`" in section


@pytest.mark.parametrize("name", DOCUMENTED)
def test_the_prompt_is_the_first_mini_documents(name):
    section = readme(name).split("## Prompt\n")[1].split("\n## ")[0]
    first = FIRST[name]() if name in FIRST else texts.text_test(name)[0]
    rows = ask_all(documents_of(name), [first.to_row()], *chosen_form(documents_of(name), 1), True)
    prompt = rows[0]["prompt"]
    assert re.findall(r"```text\n(.*?)\n```", section, re.S) == [prompt]


def test_every_task_on_disk_is_documented():
    assert sorted(task_files()) == sorted(
        [*(f"bias_inherit_{name}" for name in task_names()), *TWINS, *PROBES]
    )


@pytest.mark.parametrize("twin", TWINS)
def test_a_twin_is_named_where_its_task_is_described(twin):
    name = twin.removeprefix("gen_bias_inherit_")
    section = readme(name).split("## Prompt\n")[1].split("\n## ")[0]
    assert f"`{twin}`" in section
    assert "`invalid`" in section


@pytest.mark.parametrize("name", DOCUMENTED)
def test_no_twin_is_named_that_is_not_there(name):
    assert set(re.findall(r"gen_bias_inherit_\w+", readme(name))) <= set(TWINS)


def test_the_overview_tells_of_the_probe_the_twins_and_the_commands():
    text = readme()
    assert f"[`{PROBE}`]({PROBE}/README.md)" in text
    (tag,) = {tag for twin in TWINS for tag in task_config(twin)["tag"]}
    written = {
        name for name in task_names() if task_config(name)["output_type"] == "generate_until"
    }
    tasks = ",".join(["gen_bias_inherit_*", *(f"bias_inherit_{name}" for name in sorted(written))])
    assert f"--tasks '{tasks}'" in text
    assert {twin.removeprefix("gen_bias_inherit_") for twin in TWINS} == set(task_names()) - written
    tokens = {task_config(twin)["generation_kwargs"]["max_gen_toks"] for twin in TWINS}
    assert tokens == {16}
    for said in (
        f"`{tag}`",
        "at most 16 tokens",
        "bias-inherit link",
        "`bias-inherit link --undo`",
    ):
        assert said in text
    assert "`bias-inherit validate [FOLDER]`" in text


def test_the_overview_names_every_file_beside_the_tasks():
    section = readme().split("## Files beside the tasks\n")[1]
    named = set(re.findall(r"`([\w./]+)`", section))
    tasks = {path.parent for path in task_files().values()}
    entries = {path.name + "/" * path.is_dir() for path in set(tasks_folder().iterdir()) - tasks}
    assert named == entries - {"README.md", "__init__.py", "__pycache__/"}


def test_replies_that_the_overview_calls_accepted_or_invalid_are():
    from bias_inherit.tasks.reading.options import parse_letter, parse_yes_no

    options = ["architect", "dentist", "nurse"]
    letters, yes_no = re.findall(r"^- (?:Letters|Yes or no) .*\n(?:  .*\n)+", readme(), re.M)
    accepted, invalid = (re.findall(r'"([^"]+)"', part) for part in letters.split("Invalid"))
    assert [parse_letter(reply, options) for reply in accepted] == [2] * 6
    assert [parse_letter(reply, options) for reply in invalid] == [None] * 3
    accepted, invalid = (re.findall(r'"([^"]+)"', part) for part in yes_no.split("Invalid"))
    assert [parse_yes_no(reply, "spanish") for reply in accepted] == [1, 0]
    assert [parse_yes_no(reply, "spanish") for reply in invalid] == [None] * 3


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


@pytest.mark.parametrize("name", ["", *DOCUMENTED])
def test_links_between_files_lead_somewhere(name):
    folder = tasks_folder() / name
    for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", readme(name)):
        assert (folder / target).is_file(), target


def test_numbers_of_documents_are_those_of_the_mini_data():
    occupation, salary = biographies.occupation_test(), biographies.salary_test()
    assert f"{len(occupation)} documents in {len(occupation) // 2} clusters" in readme("occupation")
    assert f"{len(salary)} documents in {len(salary) // 2} clusters" in readme("salary")
    for said in (f"{len(occupation) // 2} bio", f"{len(salary) // 2} bio"):
        assert f"mini: {said}" in readme()
    hiring, story = candidates.hiring_test(), stories.story_test()
    panels, each = len({doc.cluster for doc in hiring}), task_config("story")["metadata"]
    assert f"{panels} panels of eight candidates" in readme("hiring")
    assert f"{len(hiring)} documents in {panels} clusters" in readme("hiring")
    assert f"mini: {panels} panels of eight names, each in eight orders" in readme()
    assert f"{len(story)} names, {len(story) // 8} of each culture and gender" in readme("story")
    documents = each["stories"] * len(story)
    assert f"{documents} documents in {len(story)} clusters" in " ".join(readme("story").split())
    assert each["stories"] == 2 and "Two stories a name" in readme("story")
    assert f"mini: {len(story)} names, two stories each" in readme()
    asked = survey.survey_test()
    questions, countries = ({getattr(doc, key) for doc in asked} for key in ("cluster", "group"))
    said = f"{len(questions)} questions in {len(countries)} countries, {len(asked)} documents"
    assert said in readme(PROBE)
    known = len(AXES["country"])
    assert f"{known} countries: {known - 3} where" in readme(PROBE)
    assert f"those are {known - len(countries)} of the {known}" in readme(PROBE)
    for task in texts.TEXT_TASKS:
        n = len(texts.text_test(task))
        assert f"{n} short texts" in readme(task)
        (row,) = [row for row in table(readme()) if f"`bias_inherit_{task}`" in row[0]]
        assert f"mini: {n} texts" in row[4]


@pytest.mark.parametrize("task", texts.TEXT_TASKS)
def test_the_table_of_public_sets_is_the_registry(task):
    import yaml

    registry = yaml.safe_load(
        (tasks_folder() / "public" / "culture_sets.yaml").read_text(encoding="utf-8")
    )
    said = [(row[0].strip("`"), row[1].lower(), row[2], int(row[3])) for row in table(readme(task))]
    assert said == [(e["path"], e["culture"], e["topic"], e["n"]) for e in registry[task]]
    assert len({e["topic"] for e in registry[task]}) == len(registry[task])
