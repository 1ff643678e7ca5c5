"""`bias-inherit validate`: green on our tasks, and every kind of broken task is found."""

from __future__ import annotations

import pytest

from bias_inherit.errors import InputError
from bias_inherit.harness.loading import tasks_folder
from bias_inherit.harness.validate import validate
from bias_inherit.tasks.configs import documents_of, task_files, task_names
from bias_inherit.tasks.forms.form import forms_of

GOOD = """\
task: mine
custom_dataset: !function mine.load
output_type: multiple_choice
test_split: test
doc_to_text: "{{ text }} Answer:"
doc_to_target: gold
doc_to_choice: ["no", "yes"]
process_results: !function mine.score
metric_list:
  - {metric: right, aggregation: mean, higher_is_better: true}
metadata: {version: 1.0}
"""
CODE = """\
from datasets import Dataset

def load(**_):
    return {"test": Dataset.from_list([{"text": "Is it so?", "gold": 1}])}

def score(doc, results):
    return {"right": float(results[doc["gold"]][1])}
"""


@pytest.fixture
def folder(tmp_path):
    """A user's own task folder, in order."""
    (tmp_path / "mine.yaml").write_text(GOOD)
    (tmp_path / "mine.py").write_text(CODE)
    (tmp_path / "README.md").write_text("# mine\n")
    return tmp_path


def found(folder):
    return [str(finding) for finding in validate(folder)[1]]


def test_every_form_of_ours_is_checked():
    told = []
    validate(tasks_folder(), announce=told.append)
    for task in (*task_names(), "salary"):
        for form in forms_of(documents_of(task)):
            assert form == 1 or f"bias_inherit_{task}, form {form}" in told
    assert "gen_bias_inherit_hiring, form 5" in told and "values_global_opinions, form 4" in told


def test_a_form_that_breaks_is_named(monkeypatch):
    from bias_inherit.tasks.forms import form as forms

    known = forms.forms_of("spam")
    broken = known[3].model_copy(update={"prompt": "{{ nothing }}"})
    monkeypatch.setattr(forms, "_forms", lambda name: {**known, 3: broken})
    _, findings = validate(tasks_folder() / "spam")
    assert findings and {finding.path.parent.name for finding in findings} == {"spam"}
    for finding in findings:
        assert finding.what.startswith("form 3 cannot be built (InputError: form 3 of 'spam', ")
        assert finding.what.endswith("'nothing' is undefined)")


def test_ours_are_in_order():
    names, findings = validate(tasks_folder())
    assert findings == []
    assert sorted(names) == sorted([*task_files(), "bias_inherit"])


def test_a_users_folder_in_order(folder):
    assert validate(folder) == (["mine"], [])


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("task: mine", "task: [mine", "is not valid YAML in line"),
        ("task: mine", "task: mine\ntask: mine", "duplicate key 'task'"),
        ("test_split", "tset_split", "unknown key 'tset_split'"),
        ("version: 1.0", "author: me", "metadata.version is missing"),
        ("mine.load", "mine.laod", "cannot be built"),
        ("mine.score", "mine.scroe", "cannot be built"),
        ("mine.load", "absent.load", "cannot be built"),
        ("{{ text }} Answer:", "{{ text | nofilter }}", "cannot be built"),
        ('"{{ text }} Answer:"', '" "', "the prompt is empty"),
        ('["no", "yes"]', '["no"]', "cannot be built"),
        ("metric: right", "metric: wrong", "returns no 'wrong', which metric_list names"),
        ("task: mine", "include: absent.yaml\ntask: mine", "includes absent.yaml, which"),
        ("task: mine", "task: ours", "does not name the task 'ours'"),
    ],
)
def test_what_is_wrong_is_said(folder, old, new, message):
    (folder / "mine.yaml").write_text(GOOD.replace(old, new))
    lines = found(folder)
    assert any(message in line for line in lines), lines
    assert all(line.startswith(str(folder / "mine.yaml")) for line in lines)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('{"right":', '{"more": 1.0, "right":', "returns 'more', which metric_list does not name"),
        ('doc["gold"]', 'doc["glod"]', "cannot score a made-up answer (KeyError"),
        ("Is it so?", "", ""),
    ],
)
def test_what_is_wrong_with_the_functions_is_said(folder, old, new, message):
    (folder / "mine.py").write_text(CODE.replace(old, new))
    lines = found(folder)
    assert any(message in line for line in lines) if message else lines == []


def test_a_task_twice_a_lost_member_and_no_readme(folder):
    (folder / "again.yaml").write_text(GOOD)
    (folder / "group.yaml").write_text("group: all\ntask: [mine, yours]\n")
    (folder / "README.md").unlink()
    lines = found(folder)
    assert any("duplicate task 'mine', also in" in line for line in lines)
    assert any("'yours', which is not a task" in line for line in lines)
    assert any("no README.md" in line for line in lines)


def test_no_folder_and_no_task_is_a_mistake(tmp_path):
    for content in (None, "a: 1\n"):
        if content:
            (tmp_path / "x.yaml").write_text(content)
        with pytest.raises(
            InputError, match=r"not a folder with task YAMLs|names a task or a group"
        ):
            validate(tmp_path)
    with pytest.raises(InputError, match="is not a folder"):
        validate(tmp_path / "absent")


# --- what options cost ----------------------------------------------------------------------------


def test_options_that_differ_in_tokens_are_told_by_mode(lab_base):
    from bias_inherit.harness.loading import tasks_folder
    from bias_inherit.harness.option_cost import unequal_options
    from bias_inherit.models import load_tokenizer

    tokenizer = load_tokenizer(lab_base)
    told = list(unequal_options(tasks_folder(), {}, tokenizer))
    assert not [line for line in told if "hiring" in line], "letters"
    assert [line for line in told if "'software engineer' 2" in line], "words"
    with_pmi = list(unequal_options(tasks_folder() / "occupation", {"form": 4}, tokenizer))
    assert with_pmi == [], "the baseline has the same tokens"
    for line in told:
        name, _, rest = line.partition(": ")
        assert name.startswith("bias_inherit_") and rest.startswith(("in plain", "in chat"))
        costs = [int(part.rpartition(" ")[2]) for part in rest.partition(": ")[2].split(", ")]
        assert len(set(costs)) > 1


def test_a_tokenizer_that_is_none_is_one_line(tmp_path):
    from bias_inherit.errors import InputError
    from bias_inherit.models import load_tokenizer

    with pytest.raises(InputError, match=f"tokenizer '{tmp_path}' cannot be loaded") as error:
        load_tokenizer(str(tmp_path))
    assert "\n" not in str(error.value)
