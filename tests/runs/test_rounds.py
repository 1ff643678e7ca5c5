"""Rounds as a user runs them: real processes on the lab."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

BIN = Path(sys.executable).parent
SMALL = ["--per-cell", "3", "--limit", "8", "--tasks", "bias_inherit_occupation"]


def rounds(cwd, *words):
    command = [str(BIN / "bias-inherit"), "rounds", *SMALL, *words]
    return subprocess.run(
        command, cwd=cwd, capture_output=True, text=True, env=os.environ | {"OMP_NUM_THREADS": "1"}
    )


def manifests(run):
    return {
        path.parent.parent.name: json.loads(path.read_text())
        for path in run.glob("arms/*/adapter/bias_inherit.json")
    }


def lines(path):
    return [json.loads(line) for line in path.open(encoding="utf-8")]


@pytest.mark.slow
def test_each_rounds_adapter_writes_the_next_rounds_data(tmp_path):
    done = rounds(tmp_path, "--rounds", "2", "--out", "run")
    assert done.returncode == 0, done.stderr[-2000:]
    names = ["gender.original.r0.none.s0.round0"]
    names += [f"gender.neutral.r50.none.s0.round{k}" for k in (1, 2)]
    made = manifests(tmp_path / "run")
    assert sorted(made) == sorted(names)
    assert [made[name]["arm"]["round"] for name in names] == [0, 1, 2]
    assert [made[name]["rows_augmented"] for name in names] == [0, 36, 36]
    for k, author in enumerate(names[:2], start=1):
        written = lines(tmp_path / "run" / "arms" / names[k] / "data" / "augmented.jsonl")
        assert {row["generator"] for row in written} == {author}
        assert {row["bias_type"] for row in written} == {"neutral"} and len(written) == 36
    rows = [line for line in done.stdout.splitlines() if line.startswith(("| base", "| gender"))]
    assert [row.split("|")[1].strip() for row in rows] == ["base", *names]
    assert "baseline" in rows[1] and "baseline" not in rows[2]
    # a second call finds everything done, and says the same
    begin = time.perf_counter()
    again = rounds(tmp_path, "--rounds", "2", "--out", "run")
    assert again.stdout == done.stdout and "training" not in again.stderr
    assert time.perf_counter() - begin < 30
    # the run goes on where it was cut off
    hole = tmp_path / "run" / "arms" / names[2]
    before = made[names[2]]["adapter_sha256"]
    replies = (hole / "data" / "augmented.jsonl.replies.jsonl").read_text()
    for part in ("adapter", "eval"):
        for path in (hole / part).rglob("*"):
            path.unlink()
        (hole / part).rmdir()
    third = rounds(tmp_path, "--rounds", "2", "--out", "run")
    assert third.stdout == done.stdout
    assert (hole / "data" / "augmented.jsonl.replies.jsonl").read_text() == replies
    assert manifests(tmp_path / "run")[names[2]]["adapter_sha256"] == before
    other = rounds(tmp_path, "--rounds", "2", "--out", "run", "--per-cell", "4")
    assert other.returncode == 2 and "data.per_cell was 3, is 4" in other.stderr


@pytest.mark.slow
def test_fresh_originals_training_on_and_a_writer_that_is_not_the_student(tmp_path):
    words = ["--rounds", "2", "--original", "fresh", "--start", "previous", "--ratio", "20%"]
    words += ["--generator", "template", "--bias-type", "contrastive-single-explicit"]
    done = rounds(tmp_path, *words, "--mitigation", "mask", "--out", "run")
    assert done.returncode == 0, done.stderr[-2000:]
    made = {m["arm"]["round"]: m for m in manifests(tmp_path / "run").values()}
    assert made[0]["started_from"] is None
    assert made[1]["started_from"] == made[0]["adapter_sha256"]
    assert made[2]["started_from"] == made[1]["adapter_sha256"]
    assert [made[k]["rows_augmented"] for k in (0, 1, 2)] == [0, 9, 9]
    assert [made[k]["arm"]["mitigation"] for k in (0, 1, 2)] == ["none", "mask", "mask"]
    originals = [
        lines(tmp_path / "run" / "data" / "gender" / f"{name}.jsonl")
        for name in ("original", "original-1000", "original-2000")
    ]
    ids = [{row["id"] for row in rows} for rows in originals]
    assert not ids[0] & ids[1] and not ids[1] & ids[2] and len(ids[0]) == 36
    last = max(manifests(tmp_path / "run"), key=lambda name: name[-1])
    mix = lines(tmp_path / "run" / "arms" / last / "data" / "mix.jsonl")
    assert {row["generator"] for row in mix} == {"", "template"}


OWN = """
from bias_inherit.mitigations import Mitigation, Recipe


def make(options):
    return Mitigation("crop", "", transform=lambda rows, tools: rows)


RECIPE = Recipe("crop", "Change nothing.", make)
"""


@pytest.mark.slow
def test_a_mitigation_of_ones_own_is_named_by_itself_and_makes_no_folder(tmp_path):
    (tmp_path / "my").mkdir()
    (tmp_path / "my" / "file.py").write_text(OWN)
    words = ["--rounds", "1", "--generator", "template", "--mitigation", "./my/file.py"]
    done = rounds(tmp_path, *words, "--out", "run")
    assert done.returncode == 0, done.stderr[-2000:]
    names = {"gender.original.r0.none.s0.round0", "gender.neutral.r50.crop.s0.round1"}
    assert manifests(tmp_path / "run").keys() == names
    assert {path.name for path in (tmp_path / "run" / "arms").iterdir()} == names | {"base"}
    assert not (tmp_path / "run" / "arms" / "my").exists()


@pytest.mark.slow
def test_rounds_on_another_axis(tmp_path):
    words = ["--axis", "age", "--rounds", "1", "--ratio", "10%", "--out", "run"]
    done = rounds(tmp_path, *words, "--generator", "template")
    assert done.returncode == 0, done.stderr[-2000:]
    made = manifests(tmp_path / "run")
    assert made["age.neutral.r10.none.s0.round1"]["rows_augmented"] == 16


@pytest.mark.slow
def test_a_writer_that_never_learnt_this_cannot_miss_the_form(tmp_path):
    """The lab's model never read a survey: what it writes is poor, and yet rows of the form."""
    done = rounds(tmp_path, "--axis", "age", "--rounds", "1", "--ratio", "5%", "--out", "run")
    assert done.returncode == 0, done.stderr[-2000:]
    assert manifests(tmp_path / "run")["age.neutral.r5.none.s0.round1"]["rows_augmented"] == 8


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--ratio", "0"], "rounds need a ratio above 0"),
        (["--rounds", "0"], "rounds.after: Input should be greater than or equal to 1"),
        (["--original", "frsh"], "unknown original 'frsh': did you mean fresh"),
        (["--start", "prev"], "unknown start 'prev': did you mean previous"),
        (["--generator", "local"], "the generator 'local' needs --model"),
        (["--axis", "religion"], "unknown axis 'religion'"),
        (["--bias-type", "sox"], "unknown bias type 'sox'"),
        (["--mitigation", "maks"], "did you mean mask"),
    ],
)
def test_a_mistake_is_one_line_and_leaves_nothing(tmp_path, words, message):
    done = rounds(tmp_path, *words, "--out", "run")
    told = [line for line in done.stderr.splitlines() if not line.startswith("[")]
    assert done.returncode == 2 and len(told) == 1 and message in told[0], done.stderr
    assert not (tmp_path / "run").exists()
