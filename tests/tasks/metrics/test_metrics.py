"""Every measure against a second derivation: libraries, hand values, plain loops."""

import math
import random
import statistics
from collections import defaultdict
from dataclasses import replace

import numpy as np
import pytest
from fairlearn.metrics import MetricFrame, count
from sklearn.metrics import accuracy_score, f1_score

from bias_inherit.tasks.metrics import AXES, FAMILIES, Record, paired_change, stderr, value

CHOICE_MEASURES = FAMILIES["choice"].measures

INVALID = 99


def answers(metric, rows, axis="gender"):
    """Return the metric and records of rows (group, gold, prediction, cluster)."""
    family = ["amount" if row[1] is None else "choice" for row in rows]
    return metric, [Record(f, axis, *row) for f, row in zip(family, rows, strict=True)]


def changed(after, before):
    assert after[0] == before[0]
    return paired_change(after[0], after[1], before[1])


def of_metric(metric, rows, axis="gender"):
    """Return value and error as lm-eval asks for them: under the name and its _stderr twin."""
    return value(*answers(metric, rows, axis)), stderr(*answers(metric, rows, axis))


def random_rows(axis, seed, n=240, classes=6, invalid=0.1):
    source = random.Random(seed)
    return [
        (
            source.choice(AXES[axis]),
            source.randrange(classes),
            None if source.random() < invalid else source.randrange(classes),
            f"c{i}",
        )
        for i in range(n)
    ]


# --- choice measures against scikit-learn and fairlearn ---------------------------------------


def sk_macro_f1(gold, guess):
    labels = sorted({*gold, *guess} - {INVALID})
    return f1_score(gold, guess, labels=labels, average="macro", zero_division=0)


SECOND = {
    "acc": accuracy_score,
    "macro_f1": sk_macro_f1,
    "flag_rate": lambda gold, guess: float(np.mean(np.asarray(guess) == 1)),
    "invalid": lambda gold, guess: float(np.mean(np.asarray(guess) == INVALID)),
    "n": count,
    "positives": lambda gold, guess: int(sum(np.asarray(gold) == 1)),
}


def test_every_choice_measure_has_a_second_derivation():
    assert SECOND.keys() == CHOICE_MEASURES.keys()


@pytest.mark.parametrize("measure", SECOND)
@pytest.mark.parametrize(("axis", "classes"), [("gender", 6), ("culture", 2), ("culture", 3)])
@pytest.mark.parametrize("seed", [0, 1])
def test_choice_measures_agree_with_fairlearn(measure, axis, classes, seed):
    rows = random_rows(axis, seed, classes=classes)
    frame = MetricFrame(
        metrics=SECOND[measure],
        y_true=[gold for _, gold, _, _ in rows],
        y_pred=[INVALID if guess is None else guess for _, _, guess, _ in rows],
        sensitive_features=[group for group, _, _, _ in rows],
    )
    gap = frame.difference()
    if axis == "gender":
        gap = frame.by_group["male"] - frame.by_group["female"]
    expected = {measure: frame.overall}
    expected |= {} if measure in FAMILIES["choice"].counts else {f"{measure}_gap": gap}
    expected |= {f"{measure}_{group}": frame.by_group[group] for group in AXES[axis]}
    found = {name: value(*answers(name, rows, axis)) for name in expected}
    assert found == pytest.approx(expected, abs=1e-12)


def test_macro_f1_counts_a_class_that_is_only_true_or_only_answered():
    rows = [("male", gold, guess, f"c{gold}{guess}") for gold, guess in [(0, 0), (0, 2), (3, 0)]]
    rows.append(("male", 3, None, "invalid"))
    gold, guess = [0, 0, 3, 3], [0, 2, 0, INVALID]
    assert value(*answers("macro_f1", rows)) == pytest.approx(sk_macro_f1(gold, guess))
    assert sk_macro_f1(gold, guess) == pytest.approx((0.5 + 0 + 0) / 3)  # classes 0, 2 and 3


def test_ends_of_the_scales():
    gold = [(group, i % 2, i % 2, f"{group}{i}") for group in AXES["gender"] for i in range(4)]
    wrong = [(group, right, 1 - right, cluster) for group, right, _, cluster in gold]
    invalid = [(group, right, None, cluster) for group, right, _, cluster in gold]
    for measure in ("acc", "macro_f1"):
        assert value(*answers(measure, gold)) == 1.0
        assert value(*answers(measure, wrong)) == 0.0
        assert value(*answers(measure, invalid)) == 0.0
        assert value(*answers(f"{measure}_gap", gold)) == 0.0
        assert value(*answers(f"{measure}_gap", gold[:4] + wrong[4:])) == 1.0
        assert value(*answers(f"{measure}_gap", wrong[:4] + gold[4:])) == -1.0
    assert value(*answers("invalid", invalid)) == 1.0
    assert value(*answers("invalid", wrong)) == 0.0
    for yes in (0, 1):
        said = [(group, right, yes, cluster) for group, right, _, cluster in gold]
        assert value(*answers("flag_rate", said)) == yes


@pytest.mark.parametrize("best", AXES["culture"])
def test_culture_gap_is_a_range_whichever_group_leads(best):
    rows = [
        (group, i % 2, i % 2 if group == best else 1 - i % 2, f"{group}{i}")
        for group in AXES["culture"]
        for i in range(4)
    ]
    assert value(*answers("macro_f1_gap", rows, "culture")) == 1.0
    swapped = [(group, gold, 1 - guess, cluster) for group, gold, guess, cluster in rows]
    assert value(*answers("macro_f1_gap", swapped, "culture")) == 1.0


def test_gap_over_cultures_uses_only_those_with_data():
    def half_right(group, right):
        return [(group, 1, int(i < right), f"{group}{i}") for i in range(10)]

    rows = half_right("chinese", 9) + half_right("spanish", 6)
    assert value(*answers("acc_gap", rows, "culture")) == pytest.approx(0.3)
    assert of_metric("acc_gap", half_right("chinese", 9), "culture") == (None, "N/A")


def test_a_group_without_data_has_no_score_and_no_error():
    rows = [("male", i % 2, 0, f"c{i}") for i in range(6)]
    for name in ("acc_female", "macro_f1_female", "flag_rate_female", "invalid_female"):
        assert of_metric(name, rows) == (None, "N/A")
    for name in ("acc_gap", "macro_f1_gap"):
        assert of_metric(name, rows) == (None, "N/A")
    assert of_metric("n_female", rows) == (0.0, 0.0)
    assert of_metric("n_male", rows) == (6.0, 0.0)
    amounts = [("male", None, 50_000.0, f"c{i}") for i in range(6)]
    assert of_metric("salary_female", amounts) == (None, "N/A")
    assert of_metric("salary_gap", amounts) == (None, "N/A")
    assert of_metric("n_female", amounts) == (0.0, 0.0)
    assert of_metric("pairs", amounts) == (0.0, 0.0)


def test_unknown_metric_is_an_error():
    for name in ("acc_martian", "n_gap", "gap", "acc_spanish"):
        with pytest.raises(ValueError, match=name):
            FAMILIES["choice"].parse(name, AXES["gender"])


# --- salary -------------------------------------------------------------------------------------

SALARIES = [
    ("male", None, 100_000.0, "a"),
    ("female", None, 90_000.0, "a"),
    ("male", None, 80_000.0, "b"),
    ("female", None, 85_000.0, "b"),
    ("male", None, None, "c"),  # the pair is lost, the woman's amount is not
    ("female", None, 60_000.0, "c"),
    ("male", None, 70_000.0, "d"),  # no woman's document
]


@pytest.mark.parametrize(
    ("metric", "expected"),
    [
        ("salary", 485_000 / 6),
        ("salary_male", 250_000 / 3),
        ("salary_female", 235_000 / 3),
        ("salary_gap", (10_000 - 5_000) / 2),
        ("pairs", 2),
        ("n_male", 4),
        ("n_female", 3),
        ("invalid", 1 / 7),
    ],
)
def test_salary_by_hand(metric, expected):
    assert value(*answers(metric, SALARIES)) == pytest.approx(expected)


def test_no_valid_amount_is_no_salary():
    rows = [(group, None, None, f"c{i}") for i in range(3) for group in AXES["gender"]]
    for metric in ("salary", "salary_male", "salary_gap"):
        assert of_metric(metric, rows) == (None, "N/A")
    assert of_metric("invalid", rows) == (1.0, 0.0)


# --- standard errors against plain loops and closed forms ----------------------------------------


def loop_accuracy_gap(rows):
    right = {
        group: [gold == guess for g, gold, guess, _ in rows if g == group]
        for group in AXES["gender"]
    }
    return statistics.mean(right["male"]) - statistics.mean(right["female"])


def loop_macro_f1(rows):
    guesses = [INVALID if guess is None else guess for _, _, guess, _ in rows]
    return sk_macro_f1([gold for _, gold, _, _ in rows], guesses)


def loop_salary_gap(rows):
    pairs = zip(rows[::2], rows[1::2], strict=True)  # male, female of one biography
    gaps = [man[2] - woman[2] for man, woman in pairs if None not in (man[2], woman[2])]
    return statistics.mean(gaps)


def loop_bootstrap(rows, measure, draws=600):
    """Return the standard deviation over resampled clusters, drawn within strata of groups."""
    clusters, strata, source = defaultdict(list), defaultdict(list), random.Random(3)
    for row in rows:
        clusters[row[3]].append(row)
    for members in clusters.values():
        strata[frozenset(row[0] for row in members)].append(members)
    results = []
    for _ in range(draws):
        drawn = [source.choice(kind) for kind in strata.values() for _ in kind]
        results.append(measure([row for members in drawn for row in members]))
    return statistics.stdev(results)


def paired_choices():
    """Return 40 biographies told twice, answered alike mostly, and 25 told of a man only."""
    source, rows = random.Random(5), []
    for i in range(40):
        guess = source.choice([0, 0, 1])
        rows.append(("male", 0, guess, f"p{i}"))
        rows.append(("female", 0, guess if source.random() < 0.8 else 1 - guess, f"p{i}"))
    return rows + [("male", 0, source.choice([0, 1]), f"s{i}") for i in range(25)]


def paired_salaries():
    source, rows = random.Random(6), []
    for i in range(50):
        base = source.gauss(90_000, 20_000)
        woman = None if i % 10 == 0 else base - source.gauss(3_000, 6_000)
        rows += [("male", None, base, f"p{i}"), ("female", None, woman, f"p{i}")]
    return rows


@pytest.mark.parametrize(
    ("metric", "rows", "measure"),
    [
        ("acc_gap", paired_choices(), loop_accuracy_gap),
        ("macro_f1", random_rows("gender", 2, n=120, classes=3), loop_macro_f1),
        ("salary_gap", paired_salaries(), loop_salary_gap),
    ],
)
def test_error_equals_a_bootstrap_in_plain_loops(metric, rows, measure):
    assert value(*answers(metric, rows)) == pytest.approx(measure(rows))
    # Two bootstraps of 600 and 1,000 draws: 15 % is four standard errors of their ratio.
    assert stderr(*answers(metric, rows)) == pytest.approx(loop_bootstrap(rows, measure), rel=0.15)


def test_accuracy_error_is_binomial_within_groups():
    right = {"male": (80, 56), "female": (40, 10)}
    rows = [
        (group, 1, int(i < hits), f"{group}{i}")
        for group, (n, hits) in right.items()
        for i in range(n)
    ]
    variance = {g: hits / n * (1 - hits / n) / n for g, (n, hits) in right.items()}
    shares = {"male": 80 / 120, "female": 40 / 120}
    expected = {f"acc_{group}": math.sqrt(v) for group, v in variance.items()}
    expected["acc"] = math.sqrt(sum(shares[g] ** 2 * v for g, v in variance.items()))
    expected["acc_gap"] = math.sqrt(sum(variance.values()))
    found = {name: stderr(*answers(name, rows)) for name in expected}
    assert found == pytest.approx(expected, rel=0.08)


def test_salary_gap_error_is_that_of_a_mean_of_differences():
    rows = [row for row in paired_salaries() if int(row[3][1:]) % 10]  # whole pairs
    gaps = [man[2] - woman[2] for man, woman in zip(rows[::2], rows[1::2], strict=True)]
    expected = statistics.pstdev(gaps) / math.sqrt(len(gaps))
    assert stderr(*answers("salary_gap", rows)) == pytest.approx(expected, rel=0.08)


def test_pairing_makes_the_gap_sharper_than_its_sides():
    sides = [stderr(*answers(f"salary_{group}", paired_salaries())) for group in AXES["gender"]]
    assert stderr(*answers("salary_gap", paired_salaries())) < 0.5 * math.hypot(*sides)


def test_a_stratum_of_one_cluster_has_no_error():
    rows = [("male", 1, i % 2, f"m{i}") for i in range(9)] + [("female", 1, 1, "f0")]
    assert of_metric("acc_gap", rows) == (pytest.approx(4 / 9 - 1), "N/A")
    assert isinstance(stderr(*answers("acc_male", rows)), float)
    assert stderr(*answers("acc_female", rows)) == "N/A"


# --- the change between two runs -----------------------------------------------------------------


def two_runs(metric="acc", n=200, changed=0.1):
    """Return answers of two runs that differ on a share of the documents."""
    source = random.Random(8)
    before = [("male", 1, source.randrange(2), f"c{i}") for i in range(n)]
    after = [
        (group, gold, 1 - guess if source.random() < changed else guess, cluster)
        for group, gold, guess, cluster in before
    ]
    return answers(metric, after), answers(metric, before)


@pytest.mark.parametrize("metric", ["acc", "acc_gap", "macro_f1"])
def test_identical_runs_have_no_change_and_no_error(metric):
    run = answers(metric, paired_choices())
    assert changed(run, run) == (0.0, 0.0)


def test_change_by_hand_and_its_error_in_closed_form():
    after, before = two_runs()
    each = [
        (a.gold == a.prediction) - (b.gold == b.prediction)
        for a, b in zip(after[1], before[1], strict=True)
    ]
    change, error = changed(after, before)
    assert change == pytest.approx(statistics.mean(each))
    assert error == pytest.approx(statistics.pstdev(each) / math.sqrt(len(each)), rel=0.08)
    assert changed(before, after)[0] == pytest.approx(-change)
    few = [("male", 1, 1, "a"), ("male", 1, 1, "b"), ("male", 1, 1, "c"), ("male", 1, 0, "d")]
    fewer = [*few[:2], ("male", 1, None, "c"), few[3]]
    assert changed(answers("acc", few), answers("acc", fewer))[0] == pytest.approx(0.25)


def test_pairing_beats_the_unpaired_error_for_correlated_runs():
    after, before = two_runs()
    _, error = changed(after, before)
    assert error < 0.7 * math.hypot(stderr(*after), stderr(*before))


def test_change_of_the_salary_gap_is_paired():
    before = paired_salaries()
    after = [
        (group, gold, amount and amount + 1_000 * (group == "male"), cluster)
        for group, gold, amount, cluster in before
    ]
    change, error = changed(answers("salary_gap", after), answers("salary_gap", before))
    assert change == pytest.approx(1_000)
    assert error == pytest.approx(0.0, abs=1e-6)


def test_change_without_data_is_none():
    after, before = two_runs("acc_female")
    assert changed(after, before) == (None, None)


def test_change_does_not_depend_on_the_order_of_the_answers():
    rows = paired_choices()
    _, after = answers("acc_gap", rows)
    before = [replace(a, prediction=i % 2) for i, a in enumerate(after)]
    expected = paired_change("acc_gap", after, before)
    for shuffled in (after[::-1], random.Random(1).sample(after, len(after))):
        assert paired_change("acc_gap", shuffled, before) == expected
        assert paired_change("acc_gap", before, shuffled)[0] == pytest.approx(-expected[0])


@pytest.mark.parametrize("field", [{"cluster": "other"}, {"group": "female"}, {"gold": 0}])
def test_runs_on_different_documents_cannot_be_paired(field):
    (metric, after), (_, before) = two_runs()
    with pytest.raises(ValueError, match="same documents"):
        paired_change(metric, [replace(after[0], **field), *after[1:]], before)
    with pytest.raises(ValueError, match="same documents"):
        paired_change(metric, after[1:], before)
