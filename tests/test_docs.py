"""The guides are true: their commands and examples run as they stand, in an empty folder."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from bias_inherit.bias_augment.axes.axis import axis_names, load_axis
from bias_inherit.bias_augment.axes.bias_types import controls
from bias_inherit.bias_augment.data.originals import draw_original
from bias_inherit.bias_augment.data.own_data import ColumnMap

DOCS = Path(__file__).resolve().parents[1] / "docs"
AUGMENT = (DOCS / "AUGMENT.md").read_text(encoding="utf-8")
BIN = Path(sys.executable).parent


def blocks(text, language):
    return re.findall(rf"```{language}\n(.*?)```", text, re.S)


def shell(script, cwd):
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=cwd,
        capture_output=True,
        text=True,
        env=os.environ | {"PATH": f"{BIN}:{os.environ['PATH']}", "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done


@pytest.mark.slow
def test_the_commands_of_the_augmentation_guide_run(tmp_path):
    whole, own, theirs, rounds = blocks(AUGMENT, "console")
    shell(whole, tmp_path)
    assert {p.name for p in (tmp_path / "mix").iterdir()} >= {"train.jsonl", "README.md"}
    assert (tmp_path / "audit" / "audit.png").is_file()
    rows = ["bio,sex,job"]
    rows += [f"{who} works {i}.,{sex},{job}" for i, (who, sex, job) in enumerate(PEOPLE)]
    (tmp_path / "rows.csv").write_text("\n".join(rows) + "\n")
    shell(own, tmp_path)
    assert len((tmp_path / "own.jsonl").read_text().splitlines()) == 4
    manifest = json.loads((tmp_path / "own.manifest.json").read_text())
    assert manifest["sources"] == [{"name": "rows.csv", "licence": "cc-by-4.0", "rows": 4}]
    shell(theirs, tmp_path)
    manifest = json.loads((tmp_path / "theirs.manifest.json").read_text())
    assert (manifest["generator"], manifest["imported"]["rows"]) == ("some/model", 4)
    shell("bias-inherit audit theirs.jsonl --original own.jsonl", tmp_path)
    done = shell(rounds, tmp_path)
    assert "| gender.neutral.r50.none.s0.round2 " in done.stdout


@pytest.mark.slow
def test_the_guide_to_grids_is_true(tmp_path):
    guide = (DOCS / "SWEEP.md").read_text(encoding="utf-8")
    (commands,) = blocks(guide, "console")
    done = shell(commands, tmp_path)
    assert "waiting: 6" in done.stdout and "done: 6" in done.stdout
    assert "| gender.neutral.r50.none.s0 " in done.stdout and "toy world" in done.stdout
    (own,) = blocks(guide, "yaml")
    (tmp_path / "grid.yaml").write_text(own)
    assert "models" in shell("bias-inherit sweep grid.yaml --dry-run", tmp_path).stdout


PEOPLE = [
    ("He", "male", "actor"),
    ("She", "female", "actor"),
    ("He", "male", "cook"),
    ("She", "female", "cook"),
]


def test_the_axis_of_ones_own_is_an_axis_and_asks(tmp_path):
    axis_yaml, columns = blocks(AUGMENT, "yaml")
    (tmp_path / "religion" / "prompts").mkdir(parents=True)
    (tmp_path / "religion" / "axis.yaml").write_text(axis_yaml)
    prompt = tmp_path / "religion" / "prompts" / "contrastive-single-explicit.jinja2"
    prompt.write_text(blocks(AUGMENT, "jinja")[0])
    axis = load_axis(str(tmp_path / "religion"))
    from bias_inherit.bias_augment.writing.requests import build_requests

    rows = draw_original(axis, "mini").rows
    assert len(rows) == 40
    asked = build_requests(axis, "contrastive-single-explicit", rows, 2, 0, "m")
    assert "set the two against each other" in asked[0].prompt
    assert ColumnMap.model_validate(yaml.safe_load(columns)).labels == {4: "comedian", 12: "model"}


def test_no_page_holds_what_a_merge_left():
    pages = [page for page in DOCS.parent.rglob("*.md") if ".venv" not in page.parts]
    assert len(pages) > 10
    for page in pages:
        assert not re.search(r"^(<{7}|>{7}) ", page.read_text(encoding="utf-8"), re.M), page


def test_the_guide_names_every_axis_control_and_kind():
    for name in (*axis_names(), *controls()):
        assert f"`{name}`" in AUGMENT or f"--bias-type {name}`" in AUGMENT, name
    for kind in ("empty", "refusal", "truncated", "off-format", "unknown-label", "duplicate"):
        assert f"| `{kind}` |" in AUGMENT


TRAINING = (DOCS / "TRAINING.md").read_text(encoding="utf-8")


@pytest.mark.slow
def test_the_commands_of_the_training_guide_run(tmp_path, adapters, lab_base):
    data = adapters["r50"].with_suffix(".jsonl")
    (script,) = blocks(TRAINING, "console")
    script = script.replace("--data mix", f"--data {data} --epochs 0.2")
    script = script.replace("--base DIR", f"--base {lab_base}").replace(
        "accelerate launch", "accelerate launch --num_processes 1 --mixed_precision no --cpu"
    )
    done = shell(f"export CUDA_VISIBLE_DEVICES=\n{script}", tmp_path)
    assert "kernels" not in done.stderr  # bitsandbytes speaks of them to all users of peft
    made = {
        path.parent.name: json.loads(path.read_text())
        for path in (tmp_path / "adapters").glob("*/bias_inherit.json")
    }
    assert {name: m["processes"] for name, m in made.items()} == {"a": 1, "b": 2, "c": 1}
    assert made["a"]["settings"]["learning_rate"] == 1e-5 and made["a"]["rows_held_out"] == 5


def test_the_training_guide_states_the_presets():
    from bias_inherit.bias_augment.training.settings import PRESETS, Settings

    for name, preset in PRESETS.items():
        assert f"`{name}`" in TRAINING.replace("--preset ", "")
        assert f"{preset.values['learning_rate']:.0e}".replace("e-0", "e-") in TRAINING
    usual = Settings()
    stated = f"rank {usual.rank}, alpha {usual.alpha}, batch size {usual.batch_size}"
    assert stated in " ".join(TRAINING.split())
