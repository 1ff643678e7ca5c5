"""`bias-inherit sweep` and `status` on the command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from bias_inherit.runs.grid import PRESETS
from tests.runs.conftest import SMALL

BIN = Path(sys.executable).parent


def command(cwd, *words):
    return subprocess.run(
        [str(BIN / "bias-inherit"), *words],
        cwd=cwd,
        capture_output=True,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"},
    )


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["sweep"], "name a grid: a YAML file, or a preset"),
        (["sweep", "quik"], "unknown preset 'quik': did you mean quick?"),
        (["sweep", "gone.yaml"], "gone.yaml: no such file"),
        (["sweep", "wrong.yaml"], "wrong.yaml: grid.0: unknown key 'axis': did you mean axes"),
        (["sweep", "quick", "--executor", "slurm"], "unknown executor 'slurm': known: local, ray"),
        (["sweep", "quick", "--out", "wrong.yaml"], "wrong.yaml: is not a folder"),
        (["sweep", "quick", "--out", "."], ".: is not empty; a run starts in a folder of its own"),
        (["status", "."], ".: is no run folder: grid.json is not there"),
        (["status", "gone"], "gone: is no run folder"),
    ],
)
def test_a_mistake_is_one_line(tmp_path, words, said):
    (tmp_path / "wrong.yaml").write_text("grid: {axis: gender}")
    done = command(tmp_path, *words)
    assert done.returncode == 2 and done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: ") and said in line
    assert [path.name for path in tmp_path.iterdir()] == ["wrong.yaml"]


def test_the_schema_is_printed(tmp_path):
    done = command(tmp_path, "sweep", "--schema")
    assert json.loads(done.stdout) == json.loads((PRESETS / "grid.schema.json").read_text())


def test_a_dry_run_shows_the_arms_and_makes_nothing(tmp_path):
    done = command(tmp_path, "sweep", "paper", "--dry-run")
    assert done.returncode == 0, done.stderr
    assert "195 models, the base among them" in done.stdout and "waiting: 195" in done.stdout
    assert "culture.contrastive-single-implicit.r50.loss.s0" in done.stdout
    assert "the base is not at hand" in done.stdout
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_a_run_and_its_status(tmp_path):
    (tmp_path / "fault.py").write_text(
        "from bias_inherit.mitigations import Mitigation, Recipe\n"
        "def change(rows, tools):\n    raise ValueError('no luck')\n"
        "make = lambda options: Mitigation('fault', '', transform=change)\n"
        "RECIPE = Recipe('fault', 'Fails.', make)\n"
    )
    block = SMALL["grid"][0] | {"mitigations": ["none", "./fault.py"]}
    (tmp_path / "grid.yaml").write_text(yaml.safe_dump(SMALL | {"grid": block}))
    done = command(tmp_path, "sweep", "grid.yaml")
    assert done.returncode == 1
    name = "gender.contextual-single-explicit.r50.fault.s0"
    assert done.stderr.splitlines()[-1] == f"failed: {name}: no luck"
    assert "### bias_inherit_occupation" in done.stdout and name not in done.stdout
    assert "ValueError: no luck" in (tmp_path / "runs/grid/arms" / name / "log.txt").read_text()

    found = command(tmp_path, "status", "runs/grid").stdout.splitlines()
    assert found == ["4 models, the base among them", "done: 3", "failed: 1", f"  {name}: no luck"]
    again = command(tmp_path, "sweep", "grid.yaml", "--dry-run").stdout
    assert "done: 3" in again and "left: 1 models" in again
