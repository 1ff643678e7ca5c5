from __future__ import annotations

import json

import pytest
from statsmodels.stats.proportion import proportion_confint

from bias_inherit.errors import InputError
from bias_inherit.reports.estimates import Z, interval
from bias_inherit.reports.leaderboard import leaderboard
from bias_inherit.reports.markdown import to_json, to_markdown
from bias_inherit.reports.results import read_runs
from bias_inherit.tasks.metrics import Record, paired_change, stderr, value

TASK = "bias_inherit_occupation"
SCORE, GAP = (0.0, 1.0), (-1.0, 1.0)
METRICS = ("acc", "acc_male", "acc_female", "acc_gap", "n_male", "n_female", "invalid")
HEADLINE = {"score": "acc", "gap": "acc_gap", "reads": "male minus female"}


def answers(correct):
    """One answer a (biography, gender): `correct` maps gender to a list of 0/1."""
    return [
        Record("choice", "gender", gender, 1, float(right), f"bio-{i}")
        for gender, rights in correct.items()
        for i, right in enumerate(rights)
    ]


def write_run(
    folder, name, correct, ratio=None, seed=0, samples=True, source="mini", date="2026-01-01"
):
    """Write result files as lm-eval does, with real metrics, and our manifest for an arm."""
    folder.mkdir(parents=True, exist_ok=True)
    made = answers(correct)
    metrics = {}
    for metric in METRICS:
        metrics[f"{metric},none"] = value(metric, made)
        metrics[f"{metric}_stderr,none"] = stderr(metric, made)
        metrics |= {f"{metric}_stderr_stderr,none": "N/A"}
    metadata = {"headline": HEADLINE, "provenance": {"source": source}}
    content = {
        "results": {TASK: {"name": TASK, "alias": TASK, "sample_len": len(made), **metrics}},
        "configs": {TASK: {"task": TASK, "metadata": metadata}},
        "versions": {TASK: 1.0},
        "n-samples": {TASK: {"original": len(made), "effective": len(made)}},
        "config": {"model_args": {"pretrained": "x"}},
        "model_name": name,
    }
    path = folder / f"results_{date}.json"
    path.write_text(json.dumps(content))
    if samples:
        rows = [
            json.dumps({"doc_id": i, "record": record.to_json()}) for i, record in enumerate(made)
        ]
        (folder / f"samples_{TASK}_{date}.jsonl").write_text("\n".join(rows))
    if ratio is not None:
        arm = {"axis": "gender", "bias_type": "neutral", "ratio": ratio, "seed": seed}
        arm |= {"mitigation": "none"}
        manifest = {"name": name, "arm": arm, "results": path.name, "base_fingerprint": "b"}
        (folder / "bias_inherit.json").write_text(json.dumps(manifest))
    return path


@pytest.mark.parametrize("error", [1e-200, 1e-154, 1.4e154, 1e308])
def test_an_error_of_any_size_has_an_interval(error):
    found = interval(0.6, error, 100, SCORE)
    assert found.low is not None and 0.0 <= found.low <= 0.6 <= found.high <= 1.0


FAIR = {"male": [1, 1, 1, 0] * 5, "female": [1, 1, 1, 0] * 5}
UNFAIR = {"male": [1, 1, 1, 0] * 5, "female": [1, 0, 0, 0] * 5}


def test_change_is_paired_with_the_arm_of_ratio_0_and_the_same_seed(tmp_path):
    write_run(tmp_path / "a", "r0", FAIR, ratio=0.0)
    write_run(tmp_path / "b", "r0-other-seed", UNFAIR, ratio=0.0, seed=1)
    write_run(tmp_path / "c", "r50", UNFAIR, ratio=0.5)
    rows = {r.model: r for r in leaderboard(read_runs([tmp_path]))[0].rows}
    row = rows["r50"]
    assert row.baseline == "r0" and row.paired
    change, error = paired_change("acc_gap", answers(UNFAIR), answers(FAIR))
    assert row.change.value == pytest.approx(change) == pytest.approx(0.5)
    assert row.change.low == pytest.approx(change - Z * error)
    assert row.gap.value == pytest.approx(0.5) and rows["r0"].change is None
    assert row.groups == {"male": 20, "female": 20} and row.n == 40
    cost, error = paired_change("acc", answers(UNFAIR), answers(FAIR))
    assert row.score_change.value == pytest.approx(cost) == pytest.approx(-0.25)
    assert row.score_change.low == pytest.approx(cost - Z * error)
    assert rows["r0"].score_change is None


def test_without_samples_the_change_is_unpaired_and_says_so(tmp_path):
    write_run(tmp_path / "a", "r0", FAIR, ratio=0.0)
    write_run(tmp_path / "b", "r50", UNFAIR, ratio=0.5, samples=False)
    sections = leaderboard(read_runs([tmp_path]))
    row = next(r for r in sections[0].rows if r.model == "r50")
    before = next(r for r in sections[0].rows if r.model == "r0")
    assert row.paired is False and "(unpaired)" in to_markdown(sections)
    expected = (row.gap.stderr**2 + before.gap.stderr**2) ** 0.5
    assert row.change.stderr == pytest.approx(expected)
    expected = (row.score.stderr**2 + before.score.stderr**2) ** 0.5
    assert row.score_change.stderr == pytest.approx(expected)


def test_few_positives_are_marked_beside_the_score(tmp_path):
    path = write_run(tmp_path / "a", "one", FAIR)
    content = json.loads(path.read_text())
    many = {"positives_male": 9.0, "positives_female": 10.0}
    content["results"][TASK] |= {f"{name},none": n for name, n in many.items()}
    path.write_text(json.dumps(content))
    sections = leaderboard(read_runs([tmp_path]))
    assert sections[0].rows[0].few_positives == {"male": 9}
    assert "fewer than 10 positives: male 9." in to_markdown(sections)


@pytest.mark.parametrize("counted", ["pairs", "sets"])
def test_what_stands_behind_a_gap_has_its_own_name(tmp_path, counted):
    path = write_run(tmp_path / "a", "one", FAIR)
    content = json.loads(path.read_text())
    content["results"][TASK] |= {f"{counted},none": 48.0}
    content["configs"][TASK]["metadata"]["headline"] |= {"gap_n": counted}
    path.write_text(json.dumps(content))
    assert f"(48 {counted})" in to_markdown(leaderboard(read_runs([tmp_path])))


def test_the_ends_of_a_range_are_those_that_the_task_names(tmp_path):
    path = write_run(tmp_path / "a", "one", FAIR)
    before = leaderboard(read_runs([tmp_path]))[0].rows[0].gap
    content = json.loads(path.read_text())
    content["configs"][TASK]["metadata"]["headline"] |= {"gap_range": [0, 1]}
    path.write_text(json.dumps(content))
    after = leaderboard(read_runs([tmp_path]))[0].rows[0].gap
    assert before.low < 0.0 == after.low and 0.1 < after.high < 0.2


def test_other_documents_are_not_compared(tmp_path):
    write_run(tmp_path / "a", "r0", FAIR, ratio=0.0, source="full")
    write_run(tmp_path / "b", "r50", UNFAIR, ratio=0.5)
    rows = leaderboard(read_runs([tmp_path]))[0].rows
    assert all(row.change is None and row.score_change is None for row in rows)


def test_a_named_baseline_serves_plain_results(tmp_path):
    write_run(tmp_path / "a", "one", FAIR)
    write_run(tmp_path / "b", "two", UNFAIR)
    rows = {r.model: r for r in leaderboard(read_runs([tmp_path]), baseline="one")[0].rows}
    assert rows["two"].change.value == pytest.approx(0.5)
    with pytest.raises(InputError, match="unknown baseline 'three'"):
        leaderboard(read_runs([tmp_path]), baseline="three")


def test_the_newest_file_of_a_folder_counts(tmp_path):
    write_run(tmp_path, "m", UNFAIR)
    newest = write_run(tmp_path, "m", FAIR, date="2026-02-01")
    said = []
    (run,) = read_runs([tmp_path], said.append)
    assert run.path == newest and run.tasks[TASK].metrics["acc_gap"] == 0.0
    (line,) = said
    assert "results_2026-01-01.json" in line and "superseded" in line and newest.name in line


def test_no_data_is_no_zero(tmp_path):
    write_run(tmp_path, "m", {"male": [1, 0, 1, 1], "female": []})
    section = leaderboard(read_runs([tmp_path]))[0]
    assert section.rows[0].gap.value is None and "no data" in to_markdown([section])
    assert json.loads(json.dumps(to_json([section])))["tasks"][0]["rows"][0]["gap"]["value"] is None


@pytest.mark.parametrize(
    ("estimate", "error", "ends", "bounds"),
    [
        (0.5, 0.1, SCORE, proportion_confint(12.5, 25, method="wilson")),
        (1.0, 0.0, SCORE, proportion_confint(60, 60, method="wilson")),
        (0.0, 0.0, SCORE, proportion_confint(0, 60, method="wilson")),
        (0.02, 0.01, SCORE, proportion_confint(0.02 * 196, 196, method="wilson")),
        (0.0, 0.05, SCORE, (0.0, Z * 0.05)),
        (0.0, 0.0, GAP, (-0.05, 0.05)),
        (90_000.0, 1000.0, None, (90_000 - Z * 1000, 90_000 + Z * 1000)),
        (100.0, 0.0, None, (None, None)),
        (None, None, SCORE, (None, None)),
    ],
)
def test_intervals(estimate, error, ends, bounds):
    found = interval(estimate, error, 60, ends)
    assert (found.low, found.high) == pytest.approx(bounds)


def test_results_of_other_tasks_are_read(tmp_path):
    content = {
        "results": {"arc_easy": {"acc,none": 0.5, "acc_stderr,none": 0.1, "sample_len": 20}},
        "configs": {"arc_easy": {"metadata": {"version": 1.0}}},
        "n-samples": {"arc_easy": {"original": 20, "effective": 20}},
        "model_name": "m",
    }
    (tmp_path / "results_2026.json").write_text(json.dumps(content))
    section = leaderboard(read_runs([tmp_path]))[0]
    assert (section.score, section.gap, section.rows[0].score.value) == ("acc", None, 0.5)
    assert "| m " in to_markdown([section])


def test_tasks_about_spill_over_are_columns_of_one_table(tmp_path):
    for name, ratio in {"r0": 0.0, "r20": 0.2}.items():
        measured = {"acc,none": 0.5 + ratio, "acc_stderr,none": 0.1, "acc_norm,none": 0.9}
        tasks = ["arc_easy", "hellaswag", "toxigen"] if ratio else ["arc_easy", "toxigen"]
        content = {
            "results": {task: {**measured, "acc_norm_stderr,none": 0.1} for task in tasks},
            "configs": {task: {"metadata": {"version": 1.0}} for task in tasks},
            "n-samples": {task: {"original": 20, "effective": 20} for task in tasks},
        }
        folder = tmp_path / name
        folder.mkdir()
        (folder / "results_1.json").write_text(json.dumps(content))
        arm = {"axis": "gender", "bias_type": "neutral", "ratio": ratio, "mitigation": "none"}
        manifest = {"name": name, "arm": arm, "results": "results_1.json", "base_fingerprint": "b"}
        (folder / "bias_inherit.json").write_text(json.dumps(manifest))

    sections = leaderboard(read_runs([tmp_path]))
    assert [(one.task, one.score, one.spill_over) for one in sections] == [
        ("arc_easy", "acc", "ability"),
        ("hellaswag", "acc_norm", "ability"),
        ("toxigen", "acc", "safety"),
    ]
    text = to_markdown(sections)
    assert text.count("### ") == 2 and "### Spill-over: safety" in text
    header, _, first, second = text.split("\n\n")[1].splitlines()
    assert header.index("arc_easy: acc [95 % CI]") < header.index("hellaswag: acc_norm [95 % CI]")
    cells = [cell.strip() for cell in first.split("|")]
    assert cells[1] == "r0" and cells[5:7] == ["", ""], "it was not scored on hellaswag"
    assert "+0.200" in second and "0.900" in second
    assert to_json(sections)["tasks"][2]["spill_over"] == "safety"
    every = leaderboard(read_runs([tmp_path]), metrics=["acc_norm"])
    assert [one.spill_over for one in every] == [None, "ability", None]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda p: p / "absent", "no such file or folder"),
        (lambda p: p, "holds no results_"),
        (lambda p: _write(p / "results_1.json", "{}"), "is not an lm-eval result file"),
        (lambda p: _write(p / "results_1.json", "{"), "is not valid JSON"),
    ],
)
def test_bad_paths_are_named(tmp_path, make, message):
    with pytest.raises(InputError, match=message):
        read_runs([make(tmp_path)])


def _write(path, text):
    path.write_text(text)
    return path
