"""`bias-inherit augment` as a user meets it: trials, labels, what is said."""

import json
import re

import pytest

from bias_inherit import bars
from bias_inherit.cli import app
from bias_inherit.errors import InputError


def run(words):
    app(words, standalone_mode=False)


@pytest.fixture
def d_o(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run(["original", "--per-cell", "2", "--out", "o.jsonl"])
    return ["augment", "--original", "o.jsonl", "--bias-type", "contextual-single-explicit"]


def test_a_trial_shows_rows_and_keeps_nothing(d_o, tmp_path, capsys):
    before = sorted(path.name for path in tmp_path.iterdir())
    capsys.readouterr()
    run([*d_o, "--out", "a.jsonl", "--try", "5"])
    told = capsys.readouterr().out
    assert "contextual-single-explicit: 5 of 5 replies usable, 100 % [57, 100]" in told
    assert len(re.findall(r"^  (?:fe)?male, ", told, re.M)) == 3
    assert "The whole: 24 rows" in told and "not counted" in told
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_the_run_uses_what_a_trial_paid_for_and_the_cost_is_told(d_o, lab_base, tmp_path, capsys):
    local = [*d_o, "--out", "a.jsonl", "--generator", "local", "--model", lab_base, "-n", "6"]
    local += ["--max-new-tokens", "40", "--label", "given"]
    run([*local, "--try", "3", "--price-in", "1000", "--price-out", "2000"])
    told = capsys.readouterr().out
    record = tmp_path / "a.jsonl.replies.jsonl"
    tried = [json.loads(line) for line in record.open()]
    read, written = (sum(row["tokens"][i] for row in tried) for i in (0, 1))
    cost = 2 * (read * 1000 + written * 2000) / 1e6
    assert f"about {2 * read:,} to read and {2 * written:,} to write" in told
    assert f"cost: about {cost:,.2f}" in told
    assert not (tmp_path / "a.jsonl").exists()

    run(local)
    whole = [json.loads(line) for line in record.open()]
    assert whole[: len(tried)] == tried, "what was tried is not asked again"
    assert len({row["key"] for row in whole}) == len(whole)


def test_the_manifest_and_the_card_count_what_came_out(d_o, tmp_path, capsys):
    (tmp_path / "s.yaml").write_text("female: {nurse: 1}\nmale: {dentist: 1, nurse: 1}\n")
    run([*d_o, "--out", "a.jsonl", "--label-share", "s.yaml"])
    manifest = json.loads((tmp_path / "a.manifest.json").read_text())
    found = {outcome["group"]: outcome for outcome in manifest["outcomes"]}
    assert found["female"]["follows_label"]["share"] == 1.0
    assert found["male"]["follows_label"]["count"] == 6 and found["male"]["usable"]["n"] == 12
    assert manifest["labels"] == {"female": {"nurse": 1.0}, "male": {"dentist": 1.0, "nurse": 1.0}}
    card = (tmp_path / "a.README.md").read_text()
    assert "## What came out" in card and "| 50 % [25, 75] of 12 |" in card

    capsys.readouterr()
    run(["audit", "a.jsonl", "--out", "audit"])
    report = (tmp_path / "audit" / "audit.md").read_text()
    assert "## What came out" in report and "50.0 % [25.4, 74.6] of 12" in report


def test_an_order_that_labels_follow_is_warned_of(d_o, tmp_path, capsys, monkeypatch):
    from bias_inherit.bias_augment.writing.generators.template import TemplateGenerator

    def first(self, request):
        return f"Occupation: {request.options[0]}\nBiography: {request.id} works. "

    run([*d_o, "--out", "a.jsonl"])
    assert "warning" not in capsys.readouterr().err
    monkeypatch.setattr(TemplateGenerator, "reply", first)
    run([*d_o, "--out", "b.jsonl"])
    assert "that at place 1 was chosen in 100 % of 24 (chance 17 %)" in capsys.readouterr().err


def test_texts_that_name_their_label_may_be_dropped(d_o, tmp_path, capsys, monkeypatch):
    from bias_inherit.bias_augment.writing.generators.template import TemplateGenerator

    def naming(self, request):
        label = request.source["label"]
        told = f"a {label}" if request.attempt == 0 else "somebody"
        return f"Occupation: {label}\nBiography: {request.id} is {told}."

    monkeypatch.setattr(TemplateGenerator, "reply", naming)
    run([*d_o, "--out", "a.jsonl", "--label-in-text", "drop"])
    assert "24 label-named" in capsys.readouterr().err
    rows = [json.loads(line) for line in (tmp_path / "a.jsonl").open()]
    assert len(rows) == 24 and all("somebody" in row["text"] for row in rows)


MISTAKES = {
    "a label share that is not there": (["--label-share", "no.yaml"], "no.yaml: no such file"),
    "an unknown way": (["--label", "gave"], "unknown label 'gave'"),
    "an unknown rule": (["--label-in-text", "cut"], "unknown label-in-text 'cut'"),
    "a trial of nothing": (["--try", "0"], "--try needs at least 1 row"),
    "the student without a model": (
        ["--bias-type", "self"],
        "'self' is what the student itself writes: --generator local --model BASE",
    ),
}


@pytest.mark.parametrize("case", MISTAKES)
def test_a_mistake_is_one_line_and_nothing_is_written(d_o, tmp_path, capsys, case):
    more, message = MISTAKES[case]
    capsys.readouterr()
    before = sorted(path.name for path in tmp_path.iterdir())
    with pytest.raises(InputError) as error:
        run([*d_o, "--out", "a.jsonl", *more])
    assert message in str(error.value) and "\n" not in str(error.value)
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_without_a_terminal_a_line_says_how_far_the_writing_is(d_o, capsys, monkeypatch):
    monkeypatch.setattr(bars, "EVERY", 0.0)
    run([*d_o, "--out", "a.jsonl"])
    told = capsys.readouterr().err
    what = "writing contextual-single-explicit with template"
    assert re.search(rf"^{what}: \d+ of 24, about \d+ s left$", told, re.M), told
