"""`bias-inherit augment --from` as a user meets it: what goes together, and one line if not."""

from __future__ import annotations

import json

import pytest

from bias_inherit.cli import app
from bias_inherit.errors import InputError

COLUMNS = "--columns text=bio,group=sex,label=job"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    who = [("He", "male"), ("She", "female")] * 3
    rows = [
        f"{name} runs {i}.;{sex};{'cook' if i % 4 else 'poet'}" for i, (name, sex) in enumerate(who)
    ]
    (tmp_path / "theirs.csv").write_text("\n".join(["bio;sex;job", *rows]))
    return tmp_path


def run(words):
    app(words.split(), standalone_mode=False)


def test_a_file_becomes_d_a(folder, capsys):
    run(f"augment --from theirs.csv {COLUMNS} --generator-name m --bias-type unknown --out a.jsonl")
    assert capsys.readouterr().err == "6 augmented rows in a.jsonl\n"
    rows = [json.loads(line) for line in (folder / "a.jsonl").read_text().splitlines()]
    assert {(r["origin"], r["generator"], r["bias_type"]) for r in rows} == {
        ("augmented", "m", "unknown")
    }


WRONG = {
    "no columns": ("augment --from theirs.csv --out new", "--from needs --columns"),
    "columns alone": (f"augment {COLUMNS} --out new", "are about a set: give --from"),
    "a number": (f"augment --from theirs.csv {COLUMNS} -n 3 --out new", "-n is about writing"),
    "a model": (
        f"augment --from theirs.csv {COLUMNS} --model m --out new",
        "--model is about writing",
    ),
    "a generator": (
        f"augment --from theirs.csv {COLUMNS} --generator local --out new",
        "(who wrote it: --generator-name)",
    ),
    "a set of types": (
        f"augment --from theirs.csv {COLUMNS} --bias-type six --out new",
        "unknown bias type 'six'",
    ),
    "nothing to write from": ("augment --bias-type neutral --out new", "--original is missing"),
    "no type": ("augment --original o.jsonl --out new", "--bias-type is missing"),
    "the set itself": (
        f"augment --from theirs.csv {COLUMNS} --out theirs.csv",
        "is what is read; choose another path",
    ),
    "the rows themselves": (
        f"original --source theirs.csv {COLUMNS} --out theirs.csv",
        "is what is read; choose another path",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_mistake_is_one_line_and_writes_nothing(folder, case):
    words, message = WRONG[case]
    before = (folder / "theirs.csv").read_bytes()
    with pytest.raises(InputError) as error:
        run(words)
    assert message in str(error.value) and "\n" not in str(error.value)
    assert [path.name for path in folder.iterdir()] == ["theirs.csv"]
    assert (folder / "theirs.csv").read_bytes() == before
