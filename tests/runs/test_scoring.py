"""Adapters scored side by side have the numbers of adapters scored alone."""

from __future__ import annotations

import json

import pytest

from bias_inherit.errors import InputError
from bias_inherit.harness.score import Options
from bias_inherit.runs import scoring
from bias_inherit.runs.scoring import eval_folder, score_arms

OPTIONS = Options(
    tasks=("bias_inherit_occupation", "bias_inherit_story"), limit=8, batch_size=8, progress=False
)


def numbers(folder):
    (file,) = folder.glob("results_*.json")
    results = json.loads(file.read_text())["results"]
    samples = sorted(folder.glob("samples_*.jsonl"))
    rows = [json.loads(line)["record"] for path in samples for line in path.open()]
    return results, rows


@pytest.mark.slow
def test_side_by_side_as_alone(adapters, lab_base, tmp_path, monkeypatch):
    told = []
    together = score_arms(lab_base, adapters, tmp_path / "two", OPTIONS, told.append)
    assert told[0] == f"scoring {len(adapters) + 1} models, 2 at a time"
    monkeypatch.setattr(scoring, "side_by_side", lambda base, models: 1)
    alone = score_arms(lab_base, adapters, tmp_path / "one", OPTIONS, lambda line: None)
    assert [f.parent.name for f in together] == [f.parent.name for f in alone]
    assert together[0] == eval_folder(tmp_path / "two", "base")
    for here, there in zip(together, alone, strict=True):
        (results, rows), (expected, others) = numbers(here), numbers(there)
        for task, values in results.items():
            assert values == near(expected[task])
        for row, other in zip(rows, others, strict=True):
            assert row.pop("likelihoods", None) == near(other.pop("likelihoods", None))
            assert row == other


def near(values):
    """The same to 1e-4: in company log-likelihoods round otherwise."""
    if isinstance(values, dict):
        return {key: near(value) for key, value in values.items()}
    return pytest.approx(values, abs=1e-4) if isinstance(values, (float, list)) else values


@pytest.mark.slow
def test_a_mistake_in_one_process_is_that_mistake(adapters, lab_base, tmp_path):
    wrong = adapters | {"none": tmp_path / "none"}
    with pytest.raises(InputError, match="none: no such adapter folder"):
        score_arms(lab_base, wrong, tmp_path / "out", OPTIONS, lambda line: None)
