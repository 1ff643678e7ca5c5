"""The README is true: its commands run as they stand, in an empty folder."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from bias_inherit.tasks.configs import task_names

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text()
SCORE = (ROOT / "docs" / "SCORE.md").read_text()
AUGMENT = (ROOT / "docs" / "AUGMENT.md").read_text()
BIN = Path(sys.executable).parent


def block(after, text=README):
    """Return the lines of the first console block after a heading."""
    part = text.split(after, 1)[1]
    return re.search(r"```console\n(.*?)```", part, re.S)[1]


def shell(script, cwd):
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=cwd,
        capture_output=True,
        text=True,
        env=os.environ | {"PATH": f"{BIN}:{os.environ['PATH']}", "HF_HUB_OFFLINE": "1"},
    )


@pytest.mark.slow
def test_the_walk_through_runs_as_it_stands(tmp_path):
    script = block("## Make an adapter that inherits") + block("## Compare")
    script = script.replace("--per-cell 60", "--per-cell 3").replace("score ", "score --limit 8 ")
    done = shell(script, tmp_path)
    assert done.returncode == 0, done.stderr[-2000:]
    for name in ("base", "r0", "r20", "r20-mask"):
        assert f"| {name} " in done.stdout
    assert "baseline" in done.stdout


@pytest.mark.slow
def test_the_lm_eval_line_runs(tmp_path, lab_base, adapters):
    line = block("## Score a model").split("\n", 1)[1]
    line = line.replace("DIR", lab_base).replace("ADAPTER", str(adapters["r50"]))
    done = shell(f"{line.strip()} --limit 4", tmp_path)
    assert done.returncode == 0, done.stderr[-2000:]
    for task in task_names():
        assert f"|bias_inherit_{task}" in done.stdout


@pytest.mark.slow
def test_the_real_data_lines_run(tmp_path, lab_base, public_data):
    script = block("## Real data", SCORE).replace("DIR", lab_base)
    sample = public_data / "bias_in_bios" / "sample.jsonl"
    script = script.replace("LabHC/bias_in_bios", str(sample))
    script = script.replace("--culturellm CultureLLM", f"--culturellm {public_data}/CultureLLM")
    # the sample has no man among its nurses to train on
    script = script.replace(
        "--data full --out d_o.jsonl", "--data full --unbalanced --out d_o.jsonl"
    )
    script = script.replace("'bias_inherit_*'", "'bias_inherit_*' --limit 4 --output_path out")
    done = shell(f"export XDG_DATA_HOME={tmp_path}\n{script}", tmp_path)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "chinese" in done.stdout and (tmp_path / "d_o.jsonl").is_file()
    assert len((tmp_path / "d_o_culture.jsonl").read_text().splitlines()) == 31 * 4 * 20


def test_it_is_short_and_its_links_and_picture_are_there():
    assert len(README.split()) <= 800
    for link in re.findall(r"\]\(([\w./-]+)(?:#[\w-]+)?\)", README):
        assert (ROOT / link).is_file(), link
    assert "docs/demo.svg" in README


@pytest.mark.slow
def test_the_guide_to_scoring_gives_the_readmes_line_and_a_leaderboard(
    tmp_path, lab_base, adapters
):
    assert block("## Score a model").split("\n", 1)[1] == block("## A model\n", SCORE)
    script = block("## Many adapters", SCORE).replace("DIR", lab_base)
    script = script.replace("adapters/*", str(adapters["r50"])).replace(
        "score ", "score --limit 4 "
    )
    done = shell(script, tmp_path)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "| r50 " in done.stdout


def test_make_targets_and_files_that_it_names_exist():
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"^make (\w+)", README, re.M):
        assert f"\n{target}:" in makefile
    for name in ("CONTRIBUTING.md", "docs/LOG.md", "constraints.txt"):
        assert name in README and (ROOT / name).is_file()


def test_no_list_of_bias_types_or_tasks_is_stale():
    from bias_inherit.bias_augment.axes.bias_types import bias_types, controls

    for name in (*bias_types(), *controls()):
        assert f"`{name}`" in AUGMENT or f"--bias-type {name}`" in " ".join(AUGMENT.split())
    listed = README.split("The ten tasks: ")[1].split("([all")[0]
    for name in task_names():
        assert name.split("_")[0].removesuffix("y") in listed, name
