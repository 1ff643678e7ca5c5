"""The Python API: light to import, typed, and its guide runs as it stands."""

from __future__ import annotations

import inspect
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import bias_inherit

GUIDE = (Path(__file__).resolve().parents[1] / "docs" / "API.md").read_text()


def python(code, cwd):
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=cwd,
        capture_output=True,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )


def test_every_public_name_is_there_documented_and_in_the_guide():
    for name in bias_inherit.__all__:
        value = getattr(bias_inherit, name)
        if name != "__version__":
            assert (value.__doc__ or "").strip(), name
            first = value.__doc__.strip().splitlines()[0].rstrip(".").replace("|", "\\|")
            assert f"| `{name}` | {first} |" in GUIDE, name
        assert name in dir(bias_inherit)
    with pytest.raises(AttributeError, match="has no attribute 'scores'"):
        _ = bias_inherit.scores


def test_every_function_names_its_parameters_and_types():
    for name in bias_inherit.__all__:
        value = getattr(bias_inherit, name)
        if inspect.isfunction(value):
            for parameter in inspect.signature(value).parameters.values():
                assert parameter.annotation is not inspect.Parameter.empty
                assert re.search(rf"^ +{parameter.name}: ", value.__doc__, re.M), (name, parameter)


@pytest.mark.parametrize("heavy", ["torch", "transformers", "lm_eval", "pandas", "datasets"])
def test_importing_it_and_making_data_imports_nothing_heavy(heavy, tmp_path):
    code = (
        "import sys, bias_inherit as b\n"
        f"assert {heavy!r} not in sys.modules\n"
        "rows = b.draw_original(per_cell=2)\n"
        "more = b.augment(rows, 'neutral')\n"
        "assert len(b.mix(rows, more, 0.5)) == 48\n"
        f"assert {heavy!r} not in sys.modules\n"
    )
    done = python(code, tmp_path)
    assert done.returncode == 0, done.stderr


def test_a_mistake_is_an_input_error():
    with pytest.raises(bias_inherit.InputError, match="unknown axis"):
        bias_inherit.draw_original("gendre")
    rows = bias_inherit.draw_original(per_cell=1)
    with pytest.raises(bias_inherit.InputError, match="no option --warmth"):
        bias_inherit.augment(rows, "neutral", warmth=1)
    with pytest.raises(bias_inherit.InputError, match="outside"):
        bias_inherit.mix(rows, rows, 1.5)


@pytest.mark.slow
def test_the_guides_example_runs_as_it_stands(tmp_path):
    (code,) = re.findall(r"```python\n(.*?)```", GUIDE, re.S)
    done = python(code, tmp_path)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "| r50 " in done.stdout and "baseline" in done.stdout
    assert re.search(r"^\d+ +r50 +0\.5 ", done.stdout, re.M), done.stdout


@pytest.mark.slow
def test_a_grid_runs_from_python_and_goes_on(tmp_path):
    code = """
import bias_inherit
grid = {
    "grid": {"axes": "gender", "bias_types": "neutral", "ratios": [0, "50%"]},
    "data": {"per_cell": 1},
    "training": {"epochs": 1},
    "scoring": {"tasks": "bias_inherit_salary", "limit": 8},
}
if __name__ == "__main__":
    for ratios in ([0, "50%"], [0, "50%"], 0):
        grid["grid"]["ratios"] = ratios
        board = bias_inherit.sweep(grid, "run", workers=1, announce=print)
        print(board.to_markdown())
    grid["base"] = "nowhere/at-all"
    bias_inherit.sweep(grid, "other", workers=1)
"""
    (tmp_path / "own.py").write_text(code)
    done = python("import runpy; runpy.run_path('own.py', run_name='__main__')", tmp_path)
    lines = done.stdout.splitlines()
    counts = [line for line in lines if "models to score" in line]
    assert [re.findall(r"\d+", line) for line in counts] == [["3"], ["3", "3"], ["2", "2"]]
    assert any(re.match(r"base: \d+ s, .*\(1 of 3, ", line) for line in lines), done.stderr
    assert done.stdout.count("| gender.neutral.r50.none.s0 ") == 2, "the third grid has it not"
    assert done.returncode == 1 and "InputError: " in done.stderr.splitlines()[-1]
