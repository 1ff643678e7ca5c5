"""The command line as a user meets it: real processes, one line and exit code 2 for a mistake."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bias_inherit.manifests import Original
from bias_inherit.tasks.documents.hiring import hiring_test
from bias_inherit.tasks.documents.texts import TEXT_TASKS, text_document
from bias_inherit.tasks.metrics import AXES

BIN = Path(sys.executable).parent


def run(*words, cwd, **env):
    return subprocess.run(
        [BIN / "bias-inherit", *map(str, words)],
        cwd=cwd,
        capture_output=True,
        text=True,
        env=os.environ | env,
    )


@pytest.fixture
def inputs(tmp_path, original, augmented):
    """A working folder with D_o, a D_a and broken files."""
    from bias_inherit.bias_augment.data.files import write_examples

    work = tmp_path / "work"
    write_examples(work / "o.jsonl", original, Original())
    write_examples(work / "a.jsonl", augmented[:10], Original())
    (work / "broken.jsonl").write_text('{"id": "1"\n')
    (work / "column.jsonl").write_text('{"id": "1", "prompt": "p"}\n')
    (work / "empty").mkdir()
    names = {c: {"male": [f"{c} Man"], "female": [f"{c} Woman"]} for c in AXES["culture"]}
    names["spanish"]["female"] = []
    (work / "names.yaml").write_text(json.dumps(names))
    hiring = hiring_test()[0].to_row()
    good = text_document("stance", "1", "Texto", "spanish", 0, "1").to_row()
    for folder, second in {
        "unknown": good | {"id": "2", "gold": 7},
        "stranger": good | {"id": "2", "group": "male"},
        "hollow": good | {"id": "2", "text": " "},
        "twice": good,
        "jobless": hiring | {"id": "2", "pay": ""},
        "latin": good | {"id": "2", "text": "señal"},
    }.items():
        lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in (good, second)]
        coding = "latin-1" if folder == "latin" else "utf-8"
        for task in (*TEXT_TASKS, "occupation", "salary", "hiring"):
            (work / folder / task).mkdir(parents=True)
            content = lines[0].encode() + lines[1].encode(coding)
            (work / folder / task / "test.jsonl").write_bytes(content)
    cut = work / "cut" / "data" / "China" / "CDial-Bias"
    cut.mkdir(parents=True)
    (cut / "gender-2.jsonl").write_text('{"data": "文本", "label": 0}\n')
    one = {"word": "one", "plural": "ones", "names": ["Uno Un"]}
    two = {"word": "two", "plural": "twos", "names": ["Due Deux"]}
    second = {"explicit": "an old {word}", "plural": "old {plural}", "implicit": "born in 1946"}
    question = {"question": "When?", "options": ["Now", "Then"], "shares": [1, 1]}
    axis = {"axis": "own", "form": "opinion", "per_cell": 2, "second": [second, second]}
    axis |= {"questions": [question], "groups": {"one": one, "two": two}}
    for folder, changed in {
        "undefined": axis,
        "python": axis,
        "hollow-axis": axis | {"groups": {"one": one, "two": two | {"names": []}}},
        "shared-name": axis | {"groups": {"one": one, "two": two | {"names": ["Uno Un"]}}},
    }.items():
        (work / folder / "prompts").mkdir(parents=True)
        (work / folder / "axis.yaml").write_text(json.dumps(changed))
        prompt = "{{ ''.__class__ }}" if folder == "python" else "{{ persona }}"
        (work / folder / "prompts" / "neutral.jinja2").write_text(prompt)
    own = [row | {"axis": "own", "group": {"own": "one"}} for row in original[:3]]
    write_examples(work / "own.jsonl", own, Original())
    people = [("male", "cook"), ("female", "cook"), ("male", "smith")]
    rows = "".join(f"Works.,{sex},{job}\n" for sex, job in people)
    (work / "people.csv").write_text("bio,sex,job\n" + rows)
    (work / "bert").mkdir()
    (work / "bert" / "config.json").write_text(
        json.dumps({"model_type": "bert", "architectures": ["BertForMaskedLM"]})
    )
    return work


BAD = {
    "unknown bias type": (
        "augment --original o.jsonl --bias-type contextual-singel-explicit --out new",
        "unknown bias type 'contextual-singel-explicit': did you mean contextual-single-explicit",
    ),
    "ratio 1": ("mix --original o.jsonl --augmented a.jsonl --ratio 1 --out new", "outside [0, 1)"),
    "negative ratio": (
        "mix --original o.jsonl --augmented a.jsonl --ratio=-5% --out new",
        "outside [0, 1)",
    ),
    "no number": (
        "mix --original o.jsonl --augmented a.jsonl --ratio half --out new",
        "is no number",
    ),
    "too few augmented rows": (
        "mix --original o.jsonl --augmented a.jsonl --ratio 50% --out new",
        "needs 48 augmented rows, 38 more than the 10 there are",
    ),
    "ratio without augmented data": ("mix --original o.jsonl --ratio 5% --out new", "--augmented"),
    "broken line": (
        "mix --original broken.jsonl --ratio 0 --out new",
        "broken.jsonl:1: broken JSON line",
    ),
    "missing column": (
        "finetune --data column.jsonl --out new",
        "column.jsonl:1: column completion, label, group, origin is missing",
    ),
    "absent file": ("finetune --data absent.jsonl --out new", "absent.jsonl: no such file"),
    "no causal model": (
        "finetune --data o.jsonl --base bert --out new",
        "is not a causal language model (BertForMaskedLM)",
    ),
    "absent base": ("finetune --data o.jsonl --base ./absent --out new", "cannot be loaded"),
    "unknown mitigation": (
        "finetune --data o.jsonl --mitigation maks --out new",
        "did you mean mask",
    ),
    "someone's folder": ("finetune --data o.jsonl --out bert", "was not written by bias-inherit"),
    "unknown task": (
        "score --tasks bias_inherit_salery --out new",
        "did you mean bias_inherit_salary",
    ),
    "form that is not there": (
        "score --data mini --tasks bias_inherit_salary,bias_inherit_spam --forms 5 --out new",
        "there is no form 5 of the question 'spam': it has the forms 1, 2, 3, 4",
    ),
    "form that is no number": (
        "score --data mini --tasks bias_inherit_spam --forms second --out new",
        "forms 'second': write numbers, such as 2 or 1,3, or all",
    ),
    "no adapter": ("score empty --out new", "is not an adapter folder"),
    "empty results": ("leaderboard empty --out new", "holds no results_"),
    "unprepared data": ("original --data full --out new", "bias-inherit data prepare"),
    "unprepared tasks": ("score --data full --out new", "bias-inherit data prepare"),
    "nothing to prepare": ("data prepare --out new", "give --bias-in-bios"),
    "no such source": ("data prepare --bias-in-bios absent.csv --out new", "no such file"),
    "no survey": (
        "data prepare --global-opinions absent.csv --out new",
        "absent.csv: no such file",
    ),
    "a group without names": (
        "data prepare --names names.yaml --out new",
        "names.yaml: the group 'spanish, female' has no names",
    ),
    "no stories": (
        "score --data mini --stories 0 --out new",
        "stories a name: a whole number of at least 1",
    ),
    "no lexicon": (
        "score --tasks bias_inherit_story --traits names.yaml --out new",
        "names.yaml: a trait lexicon has the dimensions agency, beliefs, communion",
    ),
    "unknown label": ("score --data unknown --out new", "test.jsonl:2: unknown label 7 (0 to 1"),
    "unknown group": ("score --data stranger --out new", "test.jsonl:2: unknown group 'male'"),
    "empty document": ("score --data hollow --out new", "test.jsonl:2: the document '2' is empty"),
    "duplicate document": (
        "score --data twice --out new",
        "test.jsonl:2: the document '1' stands in line 1 already",
    ),
    "job without a type": (
        "score --data jobless --tasks bias_inherit_hiring --out new",
        "hiring/test.jsonl:2: the job 'hospital nurse' needs 'pay': low or middle or high",
    ),
    "mixed encodings": ("score --data latin --out new", "test.jsonl:2: is not UTF-8"),
    "truncated download": (
        "data prepare --culturellm cut --out new",
        "gender-2.jsonl: differs from the published file (sha256",
    ),
    "no tasks to validate": ("validate empty", "is not a folder with task YAMLs"),
    "metadata that is no JSON": ("validate empty --metadata {", "--metadata is not valid JSON"),
    "not the demo's data": ("demo --data empty --out new", "expected bias_in_bios/"),
    "undefined variable in a prompt": (
        "augment --axis ./undefined --original own.jsonl --bias-type neutral --out new",
        "prompts/neutral.jinja2: 'persona' is undefined",
    ),
    "Python in a prompt": (
        "augment --axis ./python --original own.jsonl --bias-type neutral --out new",
        "prompts/neutral.jinja2: access to attribute '__class__'",
    ),
    "an axis with an empty group": (
        "original --axis ./hollow-axis --out new",
        "axis.yaml: the group 'two' is empty",
    ),
    "a name in two groups": (
        "original --axis ./shared-name --out new",
        "axis.yaml: 'Uno Un' stands in two groups, one and two",
    ),
    "a label missing": (
        "original --source people.csv --columns text=bio,group=sex,label=job --out new",
        "people.csv: the label 'smith' is missing for the group 'female'",
    ),
    "no server": (
        "augment --original o.jsonl --bias-type neutral --generator openai --model m --out new "
        "--base-url http://127.0.0.1:9/v1 -n 1",
        "http://127.0.0.1:9/v1: cannot be reached",
    ),
    "source without columns": ("original --source people.csv --out new", "go together"),
    "unknown generator": (
        "augment --original o.jsonl --bias-type neutral --generator llm --out new",
        "unknown generator 'llm'",
    ),
    "generator without address": (
        "augment --original o.jsonl --bias-type neutral --generator openai --model m --out new",
        "the generator 'openai' needs --base-url",
    ),
    "generator without model": (
        "augment --original o.jsonl --bias-type neutral --generator local --out new",
        "needs --model",
    ),
}


@pytest.mark.parametrize("words, message", BAD.values(), ids=BAD.keys())
def test_a_mistake_is_one_line_and_leaves_nothing(inputs, words, message):
    before = sorted(p.relative_to(inputs) for p in inputs.rglob("*"))
    done = run(*words.split(), cwd=inputs, BIAS_INHERIT_DATA=str(inputs / "empty"))
    lines = [line for line in done.stderr.splitlines() if not line.startswith("[")]
    assert done.returncode == 2, done.stderr
    assert len(lines) == 1 and lines[0].startswith("error: "), done.stderr
    assert message in lines[0]
    assert sorted(p.relative_to(inputs) for p in inputs.rglob("*")) == before


def test_tasks_prints_one_path_and_nothing_else(tmp_path):
    from bias_inherit.tasks.configs import task_names

    folder = run("tasks", cwd=tmp_path).stdout
    assert folder.count("\n") == 1 and (Path(folder.strip()) / "metrics").is_dir()
    listed = run("tasks", "--list", cwd=tmp_path).stdout.split()
    assert listed == [f"bias_inherit_{name}" for name in task_names()] and len(listed) == 10


def test_version_and_help(tmp_path):
    from bias_inherit import __version__

    assert run("--version", cwd=tmp_path).stdout.strip() == __version__
    assert "leaderboard" in run("--help", cwd=tmp_path).stdout


@pytest.mark.parametrize(
    "module", ["bias_inherit", "bias_inherit.cli", "bias_inherit.reports.leaderboard"]
)
def test_light_paths_stay_light(module):
    heavy = ["torch", "transformers", "lm_eval", "datasets"]
    code = f"import sys, {module}; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_leaderboard_command_imports_no_torch(tmp_path):
    code = (
        "import sys\nfrom bias_inherit.cli import app\n"
        "try:\n    app(['leaderboard', 'absent'], standalone_mode=False)\n"
        "except Exception as error:\n    print(error)\n"
        "print('torch' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=True
    )
    assert done.stdout.splitlines() == ["absent: no such file or folder", "False"]
