"""docs/MITIGATIONS.md is true: its table is the list, its examples run as they stand."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from bias_inherit.mitigations import load_mitigation, mitigations

GUIDE = (Path(__file__).resolve().parents[2] / "docs" / "MITIGATIONS.md").read_text("utf-8")
BIN = Path(sys.executable).parent


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", GUIDE, re.S)


@pytest.fixture
def files(tmp_path):
    for name, code in zip(("crop", "angle"), blocks("python"), strict=True):
        assert f"Save it as `{name}.py`" in GUIDE
        (tmp_path / f"{name}.py").write_text(code)
    return tmp_path


def test_the_table_is_the_list():
    rows = dict(re.findall(r"^\| `([a-z]+)` \|.*\| (.*?) ?\|$", GUIDE, re.M))
    listed = {
        name: ", ".join(f"`{o.name}` ({o.default})" for o in recipe.options)
        for name, recipe in mitigations().items()
    }
    assert rows == listed


def test_the_examples_do_what_they_say(files, mix, tools):
    told = load_mitigation(str(files / "crop.py"), {"words": "5"}).apply(mix, tools)
    for old, new in zip(mix, told, strict=True):
        is_cropped = old["origin"] == "augmented"
        words = old["text"].split()[:5] if is_cropped else old["text"].split()
        assert new["text"].split() == words and new["text"] in new["prompt"]
    angle = load_mitigation(str(files / "angle.py"), {"lambda": "0.5"})
    found = angle.penalty(torch.tensor([2.0, 0.0]), torch.tensor([0.0, 3.0]))
    assert (angle.name, found.item()) == ("angle", pytest.approx(0.5))


@pytest.mark.slow
def test_the_commands_run_as_they_stand(files):
    first, walk = blocks("console")
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", walk + first],
        cwd=files,
        capture_output=True,
        text=True,
        env=os.environ | {"PATH": f"{BIN}:{os.environ['PATH']}", "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr[-2000:]
    for name in ("crop", "angle", "loss"):
        manifest = json.loads((files / "adapters" / name / "bias_inherit.json").read_text())
        assert manifest["arm"]["mitigation"] == name
