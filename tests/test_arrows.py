"""Rooms know only the rooms below them, as CONTRIBUTING shows."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LINT = Path(sys.executable).parent / "lint-imports"


def lint(root):
    return subprocess.run(
        [sys.executable, LINT, "--no-cache"],
        cwd=root,
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(root), "COLUMNS": "200", "PATH": "/usr/bin:/bin"},
    )


def test_no_import_goes_upward():
    done = lint(ROOT)
    assert done.returncode == 0, done.stdout[-3000:]
    assert "0 broken" in done.stdout


def test_a_wrong_arrow_fails_with_the_file_and_the_name(tmp_path):
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    shutil.copytree(
        ROOT / "bias_inherit", tmp_path / "bias_inherit", ignore=shutil.ignore_patterns("*.jsonl")
    )
    wrong = tmp_path / "bias_inherit" / "tasks" / "packaged.py"
    lines = wrong.read_text().splitlines()
    at = lines.index("from __future__ import annotations") + 1
    lines.insert(at, "from bias_inherit.reports.results import read_runs")
    wrong.write_text("\n".join(lines))

    done = lint(tmp_path)
    assert done.returncode == 1
    found = re.search(r"bias_inherit\.tasks\.packaged -> (\S+)\s+\(l\.(\d+)\)", done.stdout)
    assert found and found[1] == "bias_inherit.reports.results" and int(found[2]) == at + 1


def test_contributing_shows_the_rooms_in_their_order():
    import tomllib

    config = tomllib.loads((ROOT / "pyproject.toml").read_text())
    contracts = {c["id"]: c["layers"] for c in config["tool"]["importlinter"]["contracts"]}
    text = (ROOT / "CONTRIBUTING.md").read_text()
    shown = re.search(r"```\n(cli\n.*?)```", text, re.S)[1].splitlines()
    assert shown == contracts["rooms"]
    within = ", over ".join(f"`{layer}`" for layer in contracts["bias_augment"])
    assert f"Within `bias_augment`: {within}." in text
