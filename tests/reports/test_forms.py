"""Models asked in several forms: means, spread, claims, and where the variance comes from."""

from __future__ import annotations

import json
import math

import numpy as np
import pandas as pd
import pytest
from statsmodels.formula.api import ols
from statsmodels.stats.anova import anova_lm

from bias_inherit.errors import InputError
from bias_inherit.reports.components import components
from bias_inherit.reports.estimates import Estimate
from bias_inherit.reports.forms import _claim, compare_forms
from bias_inherit.reports.forms_markdown import to_json, to_markdown
from bias_inherit.reports.leaderboard import leaderboard
from bias_inherit.reports.results import read_runs
from bias_inherit.tasks.metrics import Record, deviations, paired_change, value
from bias_inherit.tasks.metrics.table import rows_of

TASK = "bias_inherit_occupation"
N = 40


def answers(men, women):
    """Answers to N pairs of biographies: 1 where the occupation was told, of men and of women."""
    return [
        Record(
            "occupation", "gender", group, i % 6, float(i % 6 if right else (i + 1) % 6), f"b{i:03}"
        )
        for group, rights in (("male", men), ("female", women))
        for i, right in enumerate(rights)
    ]


def rights(share, seed):
    return list(np.random.default_rng(seed).random(N) < share)


def write_run(
    folder,
    name,
    form,
    made,
    ratio=None,
    task=TASK,
    suite="occupation",
    samples=True,
    chat="",
    date="2026-01-01",
):
    """Write a result as lm-eval does, and our manifest for an arm."""
    folder.mkdir(parents=True)
    names = [metric for row in rows_of(suite) for metric in row.names]
    metrics = {f"{m},none": value(m, made) for m in names}
    headline = {row.headline: row.names[0] for row in rows_of(suite) if row.headline}
    metadata = {"headline": headline, "provenance": {"source": "mini", "form": form}}
    content = {
        "results": {task: metrics},
        "configs": {task: {"task": task, "metadata": metadata}},
        "n-samples": {task: {"effective": len(made)}},
        "config": {"model_args": {"pretrained": "x", "peft": name}},
        "model_name": name,
        "chat_template": chat,
    }
    (folder / f"results_{date}.json").write_text(json.dumps(content))
    if samples:
        lines = [json.dumps({"doc_id": i, "record": r.to_json()}) for i, r in enumerate(made)]
        (folder / f"samples_{task}_{date}.jsonl").write_text("\n".join(lines))
    arm = None
    if ratio is not None:
        arm = {"axis": "gender", "bias_type": "neutral", "ratio": ratio, "seed": 0}
        arm["mitigation"] = "none"
    manifest = {"name": name, "arm": arm, "results": f"results_{date}.json"}
    (folder / "bias_inherit.json").write_text(json.dumps(manifest | {"base_fingerprint": "b"}))
    return made


@pytest.fixture
def two_arms(tmp_path):
    """Write an arm of ratio 0 and one of 50 % in forms 1 to 4; return (folder, records)."""
    made = {}
    for arm, ratio, share in (("r0", 0.0, 0.5), ("r50", 0.5, 0.8)):
        for form in range(1, 5):
            told = share if form != 3 or ratio == 0.0 else 0.1  # form 3 turns it round
            records = answers(rights(told, form), rights(told, form + 10))
            made[arm, form] = write_run(tmp_path / arm / f"form-{form}", arm, form, records, ratio)
    return tmp_path, made


def test_mean_and_spread_over_forms_by_hand(two_arms):
    folder, made = two_arms
    sections, explicit = compare_forms(read_runs([folder]))
    assert [s.metric for s in sections] == ["acc", "soft_tpr_gap_rms_excess"] and explicit == []
    acc = sections[0]
    assert acc.forms == (1, 2, 3, 4) and [row.model for row in acc.rows] == ["r0", "r50"]
    for row in acc.rows:
        values = [value("acc", made[row.model, form]) for form in range(1, 5)]
        assert [row.values[form].value for form in range(1, 5)] == values
        assert row.mean.value == pytest.approx(np.mean(values))
        assert row.spread == pytest.approx(np.std(values, ddof=1))
        right = np.array(
            [[r.prediction == r.gold for r in made[row.model, form]] for form in range(1, 5)]
        ).mean(axis=0)  # of a document, over forms
        by_pair = (right[:N] + right[N:]) / 2
        assert row.mean.stderr == pytest.approx(by_pair.std() / math.sqrt(N), rel=0.08)


def test_the_mean_change_is_paired_and_one_form_that_turns_it_round_is_marked(two_arms):
    folder, made = two_arms
    row = compare_forms(read_runs([folder]))[0][0].rows[1]
    for form in range(1, 5):
        change, _ = paired_change("acc", made["r50", form], made["r0", form])
        assert row.changes[form].value == pytest.approx(change)
    assert row.mean_change.value == pytest.approx(np.mean([c.value for c in row.changes.values()]))
    moved = np.mean(
        [
            deviations("acc", made["r50", form]) - deviations("acc", made["r0", form])
            for form in range(1, 5)
        ],
        axis=0,
    )
    assert row.mean_change.stderr == pytest.approx(moved.std(ddof=1))
    assert row.claim.sign == 1 and row.claim.against == row.claim.clearly == (3,)
    text = to_markdown(*compare_forms(read_runs([folder])))
    assert (
        "**reversed in form 3 (clearly)**" in text and "Variance over 2 models and 4 forms" in text
    )
    told = to_json(*compare_forms(read_runs([folder])))
    assert json.loads(json.dumps(told))["metrics"][0]["rows"][1]["claim"]["against"] == [3]


def test_a_claim_that_holds_in_every_form_is_said_to(tmp_path):
    for arm, ratio, share in (("r0", 0.0, 0.3), ("r50", 0.5, 0.9)):
        for form in (1, 2):
            records = answers(rights(share, form), rights(share, form + 10))
            write_run(tmp_path / arm / f"form-{form}", arm, form, records, ratio)
    sections, _ = compare_forms(read_runs([tmp_path]))
    assert sections[0].rows[1].claim.against == ()
    assert "reversed" not in to_markdown(sections, []) and "| yes " in to_markdown(sections, [])


def test_a_named_baseline_and_an_unknown_one(two_arms):
    runs = read_runs([two_arms[0]])
    rows = compare_forms(runs, "r50")[0][0].rows
    assert rows[0].mean_change.value < 0 and rows[1].mean_change is None
    with pytest.raises(InputError, match="unknown baseline 'r5': did you mean r50 or r0"):
        compare_forms(runs, "r5")


def test_one_form_alone_is_one_line(tmp_path):
    write_run(tmp_path / "a", "r0", 2, answers(rights(0.5, 0), rights(0.5, 1)))
    with pytest.raises(InputError, match="no model was asked in two forms"):
        compare_forms(read_runs([tmp_path]))


def test_without_samples_there_is_no_interval_of_a_mean(tmp_path):
    for form in (1, 2):
        records = answers(rights(0.5, form), rights(0.5, form + 10))
        write_run(tmp_path / f"form-{form}", "m", form, records, samples=False)
    (row,) = compare_forms(read_runs([tmp_path]))[0][0].rows
    assert row.mean.value is not None and row.mean.low is None


def test_a_form_that_a_model_was_not_asked_in_is_no_value_of_it(two_arms):
    folder, _ = two_arms
    for path in (folder / "r0" / "form-4").iterdir():
        path.unlink()
    acc = compare_forms(read_runs([folder]))[0][0]
    assert set(acc.rows[0].values) == {1, 2, 3} and set(acc.rows[1].changes) == {1, 2, 3}
    assert acc.components is None, "one model alone has all forms"
    assert "not asked" in to_markdown([acc], [])


def test_a_form_that_was_asked_otherwise_is_not_taken_for_another_form(tmp_path):
    """Form 2 with a chat template is another way of asking, and no form beside the plain form 1."""
    for form, chat in ((1, ""), (2, ""), (1, "{{ m }}"), (2, "{{ m }}")):
        share = 0.9 if chat else 0.2
        made = answers(rights(share, form), rights(share, form + 10))
        write_run(tmp_path / f"{form}{bool(chat)}", "m", form, made, chat=chat)
    acc = compare_forms(read_runs([tmp_path]))[0][0]
    assert [row.model for row in acc.rows] == ["m", "m (with chat template against without)"]
    plain, chatted = (row.mean.value for row in acc.rows)
    assert plain == pytest.approx(0.2, abs=0.15) and chatted == pytest.approx(0.9, abs=0.1)
    assert compare_forms(read_runs([tmp_path]), "m")[0][0].rows[0].mean_change is None

    for path in (tmp_path / "2False", tmp_path / "1True"):
        for file in path.iterdir():
            file.unlink()
    with pytest.raises(InputError, match="no model was asked in two forms"):
        compare_forms(read_runs([tmp_path]))


@pytest.mark.parametrize(("many", "joint"), [(N, True), (N // 2, False)])
def test_forms_over_other_documents_have_no_interval_of_their_mean(tmp_path, many, joint):
    for form, pairs in ((1, N), (2, many)):
        made = answers(rights(0.5, form)[:pairs], rights(0.5, form + 10)[:pairs])
        write_run(tmp_path / f"{form}", "m", form, made)
    (row,) = compare_forms(read_runs([tmp_path]))[0][0].rows
    assert row.mean.value is not None and (row.mean.low is not None) == joint


def test_the_newer_of_two_results_counts_and_the_older_is_said(tmp_path):
    for day, share in (("2026-01-02", 1.0), ("2026-01-01", 0.0)):
        for form in (1, 2):
            made = answers(rights(share, form), rights(share, form + 10))
            write_run(tmp_path / day / f"{form}", "m", form, made, date=day)
    told = []
    (row,) = compare_forms(read_runs([tmp_path]), tell=told.append)[0][0].rows
    assert row.mean.value == 1.0 and len(told) == 2
    assert "2026-01-01.json" in told[0] and "is superseded by" in told[0]


def test_the_leaderboard_does_not_compare_one_form_with_another(two_arms):
    folder, _ = two_arms
    for path in (folder / "r0" / "form-3").iterdir():
        path.unlink()
    rows = {row.model: row for row in leaderboard(read_runs([folder]))[0].rows}
    for form in (1, 2, 4):
        row = rows[f"r50 (form-{form})"]
        assert row.baseline == f"r0 (form-{form})" and row.paired
    assert rows["r50 (form-3)"].not_compared == "form 3 against 1"
    assert rows["r50 (form-3)"].change is None


# --- claims ---------------------------------------------------------------------------------------


def estimate(value, half=0.1):
    return Estimate(value, half / 2, value - half, value + half)


@pytest.mark.parametrize(
    ("changes", "mean", "expected"),
    [
        ({1: 0.3, 2: 0.2}, 0.25, (1, (), ())),
        ({1: 0.3, 2: -0.05}, 0.15, (1, (2,), ())),
        ({1: 0.3, 2: -0.5}, -0.1, (1, (2,), (2,))),
        ({1: -0.3, 2: -0.2, 3: 0.01}, -0.2, (-1, (3,), ())),
        ({1: 0.05, 2: -0.05}, 0.0, None),
    ],
)
def test_what_is_claimed(changes, mean, expected):
    found = _claim({form: estimate(v) for form, v in changes.items()}, estimate(mean))
    assert (found and (found.sign, found.against, found.clearly)) == expected


# --- components of variance -----------------------------------------------------------------------


def test_shares_agree_with_an_analysis_of_variance():
    values = np.random.default_rng(0).normal(size=(5, 4))
    still = np.zeros((5, 4, 10))
    found = components(values, still)
    frame = pd.DataFrame(
        [(m, f, values[m, f]) for m in range(5) for f in range(4)], columns=["m", "f", "y"]
    )
    table = anova_lm(ols("y ~ C(m) + C(f)", frame).fit())["sum_sq"]
    shares = table / table.sum()
    assert found.model == pytest.approx(shares["C(m)"])
    assert found.form == pytest.approx(shares["C(f)"])
    assert found.interaction == pytest.approx(shares["Residual"])
    assert found.documents == pytest.approx(0.0)
    assert found.of_form == pytest.approx(
        shares["Residual"] / (shares["Residual"] + shares["C(m)"])
    )


def test_models_alone_and_forms_alone():
    models = components(np.array([[1.0, 1.0], [2.0, 2.0]]), np.zeros((2, 2, 3)))
    assert (models.model, models.form, models.of_form) == (1.0, 0.0, 0.0)
    forms = components(np.array([[1.0, 2.0], [1.0, 2.0]]), np.zeros((2, 2, 3)))
    assert (forms.model, forms.form, forms.of_form) == (0.0, 1.0, None)
    turned = components(np.array([[1.0, 2.0], [2.0, 1.0]]), np.zeros((2, 2, 3)))
    assert (turned.interaction, turned.of_form) == (1.0, 1.0)
    assert components(np.ones((2, 2)), np.zeros((2, 2, 3))) is None


def test_what_chance_alone_gives_is_the_documents():
    source = np.random.default_rng(1)
    shares = []
    for _ in range(200):
        noise = source.normal(size=(4, 3))
        found = components(noise, source.normal(size=(4, 3, 200)))
        shares.append(found.documents)
    assert np.mean(shares) > 0.7, "nothing but noise is not laid to models or forms"


def test_the_documents_part_is_known_where_it_was_put_in():
    source = np.random.default_rng(2)
    truth = np.add.outer([0.0, 1.0, 2.0, 3.0], [0.0, 0.5, 1.0])
    found = [
        components(truth + source.normal(0, 0.2, (4, 3)), source.normal(0, 0.2, (4, 3, 200)))
        for _ in range(200)
    ]
    exact = components(truth, np.zeros((4, 3, 1)))
    assert np.mean([f.model for f in found]) == pytest.approx(exact.model, abs=0.03)
    assert np.mean([f.interaction for f in found]) < 0.02


# --- explicit minus implicit ----------------------------------------------------------------------


def chosen(candidate, explicit):
    """Return the choices of a reader who is told whether groups are said outright."""
    return [
        Record(
            "selection",
            "culture",
            "",
            None,
            candidate(i, explicit),
            f"panel-{i // 8}",
            place=i % 8,
            about={"held_by": "men" if i // 8 % 2 else "women", "pay": "low"},
        )
        for i in range(160)
    ]


@pytest.mark.parametrize(
    ("reader", "expected"),
    [
        (lambda i, explicit: i % 8, 0.0),
        (lambda i, explicit: 2 * (i % 4) + explicit, -2.0),
        (lambda i, explicit: 2 * (i % 4) + (not explicit), 2.0),
        (lambda i, explicit: 2 * (i % 4), 0.0),
    ],
)
def test_explicit_minus_implicit_from_end_to_end_of_its_scale(reader, expected, tmp_path):
    for form, explicit in ((1, False), (5, True)):
        write_run(
            tmp_path / f"form-{form}",
            "m",
            form,
            chosen(reader, explicit),
            task="bias_inherit_hiring",
            suite="hiring",
        )
    _, explicit = compare_forms(read_runs([tmp_path]))
    found = {one.metric: one for one in explicit}
    gap = found["select_gender_gap"]
    assert gap.estimate.value == pytest.approx(expected) and gap.paired and gap.forms == (5, 1)
    assert "5 minus 1" in to_markdown([], explicit)


def test_a_salary_that_falls_where_the_gender_is_said(tmp_path):
    def amounts(woman):
        return [
            Record("amount", "gender", group, None, amount, f"p{i}", about={"occupation": "nurse"})
            for i in range(30)
            for group, amount in (("male", 100_000.0 + i), ("female", woman + i))
        ]

    for form, woman in ((5, 100_000.0), (6, 90_000.0)):
        write_run(
            tmp_path / f"form-{form}",
            "m",
            form,
            amounts(woman),
            task="bias_inherit_salary",
            suite="salary",
        )
    _, explicit = compare_forms(read_runs([tmp_path]))
    found = {one.metric: one.estimate.value for one in explicit}
    assert found["log_gap"] == pytest.approx(math.log(100 / 90), abs=1e-4)
    assert found["salary_gap"] == pytest.approx(10_000.0)
