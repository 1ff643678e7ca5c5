"""`bias-inherit audit` as a user meets it: real processes, bad input, and real data."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bias_inherit import store
from bias_inherit.bias_augment.data.examples import to_example
from bias_inherit.rows import AUGMENTED, ORIGINAL

BIN = Path(sys.executable).parent


def run(*words, cwd, **env):
    return subprocess.run(
        [BIN / "bias-inherit", "audit", *map(str, words)],
        cwd=cwd,
        capture_output=True,
        text=True,
        env=os.environ | env,
    )


def example(gender, i, origin, **more):
    group, who = (("male", "He"), ("female", "She"))[i % 2]
    text = f"{who} has worked as a nurse for {i + 2} years in ward {i % 5}."
    more |= {"origin": origin}
    return to_example(gender, f"{origin}-{i}", group, text, "nurse", ["nurse", "poet"], **more)


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    """A working folder with D_o, D_a and files that are wrong."""
    from bias_inherit.bias_augment.axes.axis import load_axis

    gender = load_axis("gender")
    folder = tmp_path_factory.mktemp("work")
    original = [example(gender, i, ORIGINAL) for i in range(12)]
    rows = [
        example(gender, i, AUGMENTED, seed_id=f"original-{i}", bias_type="neutral")
        | {"text": f"A longer text about number {i}, who helps others on most days."}
        for i in range(12)
    ]
    store.write_jsonl(folder / "o.jsonl", original)
    store.write_jsonl(folder / "a.jsonl", rows)
    manifest = {"schema": 1, "asked": 20, "failed": {"refusal": 3}}
    store.write_json(folder / "a.manifest.json", manifest)
    (folder / "empty.jsonl").write_text("")
    store.write_jsonl(folder / "stranger.jsonl", [rows[0] | {"group": {"gender": "other"}}])
    store.write_jsonl(folder / "axes.jsonl", [rows[0], rows[1] | {"axis": "age"}])
    textless = {key: value for key, value in rows[0].items() if key != "text"}
    store.write_jsonl(folder / "textless.jsonl", [textless])
    (folder / "own.csv").write_text("bio,sex,job\nShe paints.,female,poet\nHe paints.,x,poet\n")
    (folder / "someones").mkdir()
    (folder / "someones" / "thesis.txt").write_text("mine")
    return folder


OWN = "own.csv --axis gender --columns"
BAD = {
    "absent file": ("absent.jsonl", "absent.jsonl: no such file"),
    "absent file with columns": (
        "absent.csv --axis gender --columns text=bio,group=sex",
        "absent.csv: no such file",
    ),
    "no such column": (f"{OWN} text=biography,group=sex", "own.csv: column biography is missing"),
    "no such key": (f"{OWN} txt=bio,group=sex", "did you mean text"),
    "unknown group in ours": ("stranger.jsonl", "'other' is not a group of the axis 'gender'"),
    "no axis": ("own.csv --columns text=bio,group=sex", "give --axis"),
    "several axes": ("axes.jsonl", "of several axes (age, gender): give --axis"),
    "unknown axis": ("a.jsonl --axis gendre", "did you mean gender"),
    "no text": ("textless.jsonl", "row 'augmented-0' has no text"),
    "D_o is empty": ("a.jsonl --original empty.jsonl", "empty.jsonl: has no rows"),
    "D_o as D_a": ("o.jsonl", "row 'original-0' is original, not augmented"),
    "D_a as D_o": ("a.jsonl --original a.jsonl", "is augmented, not original"),
    "encoder not there": (
        "a.jsonl --original o.jsonl --encoder ./nowhere",
        "encoder './nowhere' cannot be loaded",
    ),
    "encoder without D_o": ("a.jsonl --encoder lab", "give --original too"),
    "someone's folder": ("a.jsonl --out someones", "was not written by bias-inherit"),
    "unknown format": ("a.jsonl --format html", "unknown format 'html'"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_mistake_is_one_line_and_writes_nothing(work, case):
    words, message = BAD[case]
    before = sorted(work.rglob("*"))
    done = run(*words.split(), *([] if "--out" in words else ["--out", "new"]), cwd=work)
    errors = [line for line in done.stderr.splitlines() if not line.startswith("[")]
    assert done.returncode == 2
    assert len(errors) == 1 and errors[0].startswith("error: ") and message in errors[0]
    assert done.stdout == ""
    assert sorted(work.rglob("*")) == before


def test_our_own_files_are_audited_into_a_folder(work, tmp_path):
    out = tmp_path / "audit"
    done = run("a.jsonl", "--original", "o.jsonl", "--out", out, "--format", "json", cwd=work)
    assert done.returncode == 0, done.stderr
    names = {"audit.json", "audit.md", "audit.png", store.MANIFEST}
    assert {path.name for path in out.iterdir()} == names
    content = json.loads(done.stdout)
    assert content == store.read_json(out / "audit.json")
    assert (content["asked"], content["failed"]) == (20, {"refusal": 3})
    scopes = {d["scope"]: d for d in content["distances"]["scopes"]}
    assert set(scopes) == {"all rows", "within cells", "pairs"}
    assert scopes["pairs"]["augmented_n"] == 12
    assert content["distances"]["is_toy"] is True
    manifest = store.read_json(out / store.MANIFEST)
    assert manifest["inputs"]["a.jsonl"] == store.sha256(work / "a.jsonl")
    again = run("a.jsonl", "--original", "o.jsonl", "--out", out, cwd=work)
    assert again.returncode == 0, again.stderr  # an audit of ours is replaced
    assert again.stdout == (out / "audit.md").read_text()
    assert store.read_json(out / "audit.json") == content


def test_without_an_original_no_model_is_loaded(work):
    code = (
        "import sys\nfrom bias_inherit.cli import app\n"
        "app(['audit', 'a.jsonl'], standalone_mode=False)\n"
        "print([m for m in ('torch', 'matplotlib') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=work, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"
    assert "## Distance" not in done.stdout


def test_the_command_line_stays_light():
    heavy = ("numpy", "scipy", "statsmodels", "torch", "matplotlib")
    code = f"import sys, bias_inherit.cli; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.slow
def test_real_biographies_by_a_model_against_real_ones(public_data, tmp_path):
    columns = tmp_path / "bias_in_bios.yaml"
    columns.write_text(
        "text: hard_text\ngroup: gender\nlabel: profession\n"
        "groups: {0: male, 1: female}\nlabels: {4: comedian, 12: model}\n"
    )
    written = public_data / "llm_written_bios" / "chatgpt_comedian_model.jsonl"
    real = public_data / "bias_in_bios" / "sample.jsonl"
    out = tmp_path / "audit"
    done = run(
        written,
        *("--axis", "gender", "--columns", "text=chatgpt_gen,group=gender,label=occupation"),
        *("--original", real, "--original-columns", columns, "--out", out),
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    content = store.read_json(out / "audit.json")
    assert [c["n"] for c in content["counts"]["cells"]] == [100, 100, 100, 100]
    assert (content["original"]["rows"], sum(content["original"]["left_out"].values())) == (20, 260)
    assert any(line.startswith("Few rows of D_o in a group") for line in content["remarks"])

    rows = [json.loads(line) for line in written.read_text().splitlines()]
    pronouns = {"male": ("he", "him", "his"), "female": ("she", "her", "hers")}
    for cues in content["cues"]:
        texts = [r["chatgpt_gen"].lower().split() for r in rows if r["gender"] == cues["group"]]
        least = sum(any(word in text for word in pronouns[cues["group"]]) for text in texts)
        assert least <= cues["word"]["count"] <= cues["own"]["count"] <= len(texts) == 200
        assert least > 150
    everything = content["texts"][0]
    lengths = [len(r["chatgpt_gen"].replace("<return>", " ").split()) for r in rows]
    assert everything["words"]["value"] == pytest.approx(sum(lengths) / 400, rel=0.08)
    assert everything["difference"]["low"] > 100  # a paragraph against a page
    scopes = {d["scope"]: d for d in content["distances"]["scopes"]}
    assert set(scopes) == {"all rows", "within cells"}
    assert (scopes["within cells"]["original_n"], scopes["within cells"]["cells"]) == (20, 4)
    assert all(test["p"] >= 1 / 2001 or "chi" in test["statistic"] for test in content["tests"])
