from __future__ import annotations

import json

import pytest

from bias_inherit.reports.markdown import to_markdown
from bias_inherit.runs import demo as module

pytestmark = pytest.mark.slow


def quick(monkeypatch):
    """The same line with fewer rows and steps; the numbers are not looked at."""
    from dataclasses import replace

    monkeypatch.setattr(module, "PER_CELL", 2)
    monkeypatch.setattr(module, "SETTINGS", replace(module.SETTINGS, epochs=1))


def test_the_run_folder_has_what_the_design_promises(monkeypatch, tmp_path):
    quick(monkeypatch)
    sections = module.demo(tmp_path / "run", None, 12, 0, lambda line: None)
    names = [row.model for row in sections[0].rows]
    assert names == [
        "base",
        "gender.original.r0.none.s0",
        "gender.contextual-single-implicit.r20.none.s0",
        "gender.contextual-single-implicit.r50.none.s0",
        "gender.contextual-single-implicit.r50.mask.s0",
        "gender.neutral.r50.none.s0",
    ]
    out = tmp_path / "run"
    assert (out / "report" / "leaderboard.md").read_text() == to_markdown(sections)
    for name in names[1:]:
        arm = out / "arms" / name
        mix = [json.loads(line) for line in (arm / "data" / "mix.jsonl").open()]
        share = sum(row["origin"] == "augmented" for row in mix) / len(mix)
        ratio = json.loads((arm / "adapter" / "bias_inherit.json").read_text())["arm"]["ratio"]
        assert share == pytest.approx(ratio, abs=0.01)
        assert list((arm / "eval").glob("results_*.json"))
    assert all(row.change is not None for s in sections for row in s.rows[2:])


def test_the_same_line_on_real_rows(monkeypatch, public_data, tmp_path):
    quick(monkeypatch)
    said = []
    sections = module.demo(tmp_path / "run", public_data, 10, 0, said.append)
    original = [json.loads(line) for line in (tmp_path / "run/data/original.jsonl").open()]
    real = {
        json.loads(line)["hard_text"].strip()
        for line in (public_data / "bias_in_bios" / "sample.jsonl").open()
    }
    assert original and all(row["text"] in real for row in original)
    config = json.loads(next((tmp_path / "run/arms/base/eval").glob("results_*.json")).read_text())[
        "configs"
    ]["bias_inherit_bias_detection"]
    assert config["metadata"]["provenance"]["source"] == "full"
    assert len(sections) == 3
    assert any("homophobia" in line for line in said), "what the checkout lacks is said"


def test_a_folder_in_use_is_refused(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(ValueError, match="is not empty"):
        module.demo(tmp_path, None, 1, 0, lambda line: None)
