"""The examples: what they compute, and that they run."""

from __future__ import annotations

import importlib.util
import json
import re
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import yaml
from scipy import stats

from bias_inherit.bias_augment.axes.axis import load_axis
from bias_inherit.bias_augment.data.examples import cell_key
from bias_inherit.bias_augment.data.originals import draw_original
from bias_inherit.tasks.documents import biographies
from bias_inherit.tasks.reading.amounts import parse_amount

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"


@pytest.fixture
def study():
    spec = importlib.util.spec_from_file_location("study", EXAMPLES / "lab_inheritance.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def sentences(text):
    return {part.strip() for part in re.split(r"(?<=[.!?:;])\s+", text) if part.strip()}


def test_no_sentence_of_the_development_biographies_is_tested_or_trained_on(study):
    texts = yaml.safe_load(study.DEVELOPMENT.read_text(encoding="utf-8"))
    assert tuple(texts) == biographies.OCCUPATIONS and {len(t) for t in texts.values()} == {8}
    development = {s for some in texts.values() for text in some for s in sentences(text)}
    tested = {s for written in biographies.biographies() for s in sentences(written.text)}
    phrases = biographies.phrases()
    trained = set(phrases.openings) | set(phrases.closings)
    trained |= {shared.text for shared in phrases.shared}
    for own in phrases.occupations.values():
        trained |= set(own.strong) | set(own.weak)
    assert len(development) > 100 and not development & (tested | trained)


def test_half_of_each_cell_asks_for_a_salary_of_its_occupation(study):
    rows = draw_original(load_axis("gender"), "mini", 6).rows
    told = study.half_about_salaries(rows)
    assert [row["id"] for row in told] == [row["id"] for row in rows]
    ranges = biographies.phrases().salaries
    asked: dict[str, int] = {}
    for before, row in zip(rows, told, strict=True):
        assert row["text"] in row["prompt"]
        if row["prompt"] == before["prompt"]:
            assert row == before
            continue
        low, high = ranges[row["label"]]
        assert low <= parse_amount(row["completion"]) < high
        asked[cell_key(row)] = asked.get(cell_key(row), 0) + 1
    assert set(asked.values()) == {3} and len(asked) == 12


def test_intervals_and_slopes_are_those_of_scipy(study):
    changes = [0.03, 0.11, 0.02, 0.07]
    mean = np.mean(changes)
    low, high = stats.t.interval(0.95, 3, loc=mean, scale=stats.sem(changes))
    assert study.interval("occupation acc_gap", changes) == f"{mean:+.3f} [{low:+.3f}, {high:+.3f}]"
    assert study.interval("salary salary_gap", [1234.4, None]) == "+1,234 (1 seed)"
    assert study.interval("salary salary_gap", [None, None]) == "no data"
    some = study.interval("occupation acc", [0.1, 0.3, None])
    assert some.startswith("+0.200 [") and some.endswith("] (2 of 3 seeds)")
    cells = [study.ARMS[0], *((study.IMPLICIT, ratio, study.NONE) for ratio in study.RATIOS)]
    seeds = [[0.0, 0.02, 0.05, 0.2], [0.01, 0.0, 0.02, 0.1]]
    scores = [
        {("occupation acc_gap", cell): v for cell, v in zip(cells, values, strict=True)}
        for values in seeds
    ]
    ratios = [0, 1, 2, 5]  # in steps of 10 %
    slopes = [stats.linregress(ratios, values).slope for values in seeds]
    found = study.trend(scores, "occupation acc_gap", study.IMPLICIT)
    assert found == study.interval("occupation acc_gap", slopes)
    half = (study.IMPLICIT, Fraction(1, 2), study.NONE)
    expected = study.interval("occupation acc_gap", [0.2, 0.09])
    assert study.change(scores, "occupation acc_gap", half) == expected


@pytest.mark.slow
@pytest.mark.parametrize("words", [[], ["--transfer", "--development"]])
def test_the_study_runs(study, tmp_path, monkeypatch, capsys, words):
    mask = (study.EXPLICIT, study.MOST, "mask")
    monkeypatch.setattr(study, "ARMS", [study.ARMS[0], (*mask[:2], study.NONE), mask])
    monkeypatch.setattr(study, "PER_CELL", 2)
    monkeypatch.setattr(study, "EPOCHS", 1)
    monkeypatch.setattr("sys.argv", ["study", "--seeds", "0", "--out", str(tmp_path), *words])
    study.main()
    printed = capsys.readouterr().out
    lines = [[cell.strip() for cell in row.split("|")[1:-1]] for row in printed.splitlines()]
    found = {(line[0], line[1]): line[2:] for line in lines if len(line) > 3}
    assert found["occupation", study.EXPLICIT][:2] == ["no data", "no data"]
    assert found["occupation", study.EXPLICIT][2].endswith("(1 seed)")
    rows = [json.loads(row) for row in (tmp_path / "s0.rows" / f"{study.EXPLICIT}.jsonl").open()]
    if words:
        assert ("occupation", "mask") not in found
        assert not any("yearly salary" in row["prompt"] for row in rows)
    else:
        assert found["occupation", "none"][0] == found["occupation", study.EXPLICIT][2]
        assert found["salary", "mask"][3].endswith("(1 seed)")
        asked = sum("yearly salary" in row["prompt"] for row in rows)
        assert len(rows) / 3 < asked <= len(rows) / 2
    before = printed
    study.main()  # what is there is read again
    assert capsys.readouterr().out == before
