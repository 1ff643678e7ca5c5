"""Measures in which opposite errors do not cancel: the reader that fooled the old ones, a fair
one, both ends of each scale, and a second derivation by a library."""

from __future__ import annotations

import math
import random
import statistics

import numpy as np
import pytest
from fairlearn.metrics import (
    MetricFrame,
    equalized_odds_difference,
    false_positive_rate,
    true_positive_rate,
)
from scipy.stats import linregress
from sklearn.metrics import f1_score, recall_score, roc_auc_score

from bias_inherit.errors import InputError
from bias_inherit.tasks.metrics import AXES, OCCUPATIONS, Record, paired_change, stderr, value
from bias_inherit.tasks.metrics.groups import HELD_BY, KINDS, PAY, snake
from bias_inherit.tasks.metrics.occupation import check_share, women_shares
from bias_inherit.tasks.metrics.selection import PLACES

CULTURES = AXES["culture"]
WOMENS = [name for name, share in zip(OCCUPATIONS, women_shares(), strict=True) if share > 0.5]
NURSE = OCCUPATIONS.index("nurse")


# --- occupation ----------------------------------------------------------------------------------


def told(answer, pairs=14, likelihoods=None):
    """Answer `pairs` biographies of each occupation, told of both genders."""
    return [
        Record(
            *("occupation", "gender", gender, gold, answer(gender, gold, i), f"bio-{gold}-{i}"),
            likelihoods=None if likelihoods is None else likelihoods(gender, gold, i),
            place=gold,
        )
        for gold in range(len(OCCUPATIONS))
        for i in range(pairs)
        for gender in AXES["gender"]
    ]


def sorts(gender, gold, i):
    """Read women in what women do and men in the rest; take the others for their opposite."""
    more = women_shares()[gold] > women_shares().mean()
    if more == (gender == "female"):
        return gold
    return OCCUPATIONS.index("architect") if more else NURSE


def fair(seed=0, right=0.8):
    source = random.Random(seed)
    known = {}

    def answer(gender, gold, i):
        if (gold, i) not in known:
            known[gold, i] = gold if source.random() < right else source.randrange(6)
        return known[gold, i]

    return answer


def lucky(seed=0, right=0.8):
    """Err as often for all, whoever is told of, but for each document anew."""
    source = random.Random(seed)
    return lambda gender, gold, i: gold if source.random() < right else (gold + 1) % 6


def test_a_reader_that_sorts_women_and_men_apart_is_at_the_end_of_the_scale():
    records = told(sorts)
    assert value("acc_gap", records) == 0.0, "this is what the old gap saw"
    assert value("tpr_gap_rms", records) == 1.0
    assert value("stereotype", records) == pytest.approx(1.0)
    assert [value(f"tpr_gap_{snake(name)}", records) for name in OCCUPATIONS] == [
        -1.0 if share > women_shares().mean() else 1.0 for share in women_shares()
    ]
    assert value("tpr_gap_rms_excess", records) > 0.7
    assert value("soft_tpr_gap_rms", records) == 1.0, "a written reply is wholly sure"
    assert value("shift", records) == pytest.approx(2 / 3) and value("pairs", records) == 84


def test_the_opposite_reader_is_at_the_other_end():
    turned = {"male": "female", "female": "male"}
    records = told(lambda gender, gold, i: sorts(turned[gender], gold, i))
    assert value("stereotype", records) == pytest.approx(-1.0)
    assert value("tpr_gap_rms", records) == 1.0 and value("shift", records) == pytest.approx(-2 / 3)


def test_a_fair_reader_scores_zero():
    records = told(fair())
    ranges = ("tpr_gap_rms", "tpr_gap_rms_null", "soft_tpr_gap_rms", "soft_tpr_gap_rms_excess")
    for metric in ("acc_gap", *ranges, "stereotype", "shift"):
        assert value(metric, records) == pytest.approx(0.0, abs=1e-12), metric
    assert value("tpr_gap_rms_excess", records) == pytest.approx(0.0, abs=1e-12)
    perfect = told(lambda gender, gold, i: gold)
    assert value("acc", perfect) == 1.0 and value("position_bias", perfect) == 0.0


def test_a_reader_that_only_errs_at_random_is_above_zero_by_as_much_as_the_null_says():
    found = [
        [value(metric, told(lucky(seed))) for metric in ("tpr_gap_rms", "tpr_gap_rms_null")]
        for seed in range(60)
    ]
    range_, null = np.mean(found, axis=0)
    assert range_ > 0.1, "chance alone"
    assert null == pytest.approx(range_, abs=0.012)
    excess = [value("tpr_gap_rms_excess", told(lucky(seed))) for seed in range(10)]
    assert statistics.mean(excess) == pytest.approx(0.0, abs=0.04)


def biased(seed):
    source = random.Random(seed)

    def answer(gender, gold, i):
        pull = 0.25 if (gender == "female") == (women_shares()[gold] > 0.5) else 0.0
        return gold if source.random() < 0.6 + pull else source.randrange(6)

    return answer


@pytest.mark.parametrize("seed", [0, 1])
def test_rates_agree_with_sklearn_and_the_slope_with_scipy(seed):
    records = told(biased(seed))
    by_gender = {
        gender: recall_score(
            [r.gold for r in records if r.group == gender],
            [r.prediction for r in records if r.group == gender],
            labels=range(6),
            average=None,
        )
        for gender in AXES["gender"]
    }
    gaps = by_gender["male"] - by_gender["female"]
    assert [value(f"tpr_gap_{snake(name)}", records) for name in OCCUPATIONS] == pytest.approx(
        list(gaps)
    )
    assert value("tpr_gap_rms", records) == pytest.approx(math.sqrt((gaps**2).mean()))
    shares = women_shares()
    slope = linregress(shares, -gaps).slope
    centred = shares - shares.mean()
    scale = (centred**2).sum() / np.abs(centred).sum()
    assert value("stereotype", records) == pytest.approx(slope * scale)


def test_the_shift_sees_what_no_letter_shows():
    """The likeliest option is the same, the probability is not: a paired t test of 84 pairs."""
    source = random.Random(1)
    drawn = {}

    def scores(gender, gold, i):
        base = drawn.setdefault((gold, i), [source.gauss(0, 0.3) for _ in OCCUPATIONS])
        tilt = 0.2 if gender == "female" else 0.0
        return [s + 3 * (k == gold) + tilt * (k == NURSE) for k, s in enumerate(base)]

    records = told(lambda gender, gold, i: gold, likelihoods=scores)
    assert value("acc_gap", records) == value("stereotype", records) == 0.0
    differences = []
    for pair in zip(records[::2], records[1::2], strict=True):
        men, women = (np.exp(record.likelihoods) for record in pair)
        differences.append(women[NURSE] / women.sum() - men[NURSE] / men.sum())
    assert value("shift", records) == pytest.approx(statistics.mean(differences))
    error = statistics.pstdev(differences) / math.sqrt(len(differences))
    assert stderr("shift", records) == pytest.approx(error, rel=0.15)
    assert value("shift", records) > 4 * error

    by_occupation = [[] for _ in OCCUPATIONS]
    for pair in zip(records[::2], records[1::2], strict=True):
        men, women = (np.exp(record.likelihoods) for record in pair)
        gold = pair[0].gold
        by_occupation[gold].append(men[gold] / men.sum() - women[gold] / women.sum())
    gaps = [statistics.mean(found) for found in by_occupation]
    rms = math.sqrt(statistics.mean(gap**2 for gap in gaps))
    assert value("soft_tpr_gap_rms", records) == pytest.approx(rms)
    assert value("tpr_gap_rms", records) == 0.0


def test_without_a_pair_there_is_no_shift_and_without_an_occupation_no_gap():
    records = [r for r in told(sorts) if r.group == "male" and r.gold != NURSE]
    for metric in ("shift", "stereotype", "tpr_gap_rms", "tpr_gap_nurse", "tpr_gap_rms_null"):
        assert value(metric, records) is None, metric
    assert value("pairs", records) == 0.0


def test_an_occupation_without_a_share_is_one_line():
    for share in (None, "many", 1.2, -0.1):
        with pytest.raises(InputError, match=r"shares\.yaml: nurse: a share of women") as error:
            check_share("shares.yaml", "nurse", share)
        assert "\n" not in str(error.value)
    assert WOMENS == ["nurse"]


# --- texts ----------------------------------------------------------------------------------------


def texts(seed, tilt=None, n=60, skill=1.5):
    """Answer n texts of each culture and label; `tilt` maps a culture to a liking for yes."""
    source = random.Random(seed)
    records = []
    for culture in CULTURES:
        for i in range(2 * n):
            margin = source.gauss(skill * (2 * (i % 2) - 1) / 2, 1.0) + (tilt or {}).get(culture, 0)
            records.append(
                Record(
                    *("text", "culture", culture, i % 2, float(margin > 0), f"{culture}-{i}"),
                    likelihoods=[0.0, margin],
                )
            )
    return records


@pytest.mark.parametrize("seed", [0, 1])
def test_rates_agree_with_fairlearn_and_ranks_with_sklearn(seed):
    records = texts(seed, {"arabic": 0.7})
    gold, said = [r.gold for r in records], [r.prediction for r in records]
    groups = [r.group for r in records]
    frame = MetricFrame(
        metrics={"tpr": true_positive_rate, "fpr": false_positive_rate},
        y_true=gold,
        y_pred=said,
        sensitive_features=groups,
    )
    for rate in ("tpr", "fpr"):
        for culture in CULTURES:
            expected = frame.by_group[rate][culture]
            assert value(f"{rate}_{culture}", records) == pytest.approx(expected)
        assert value(f"{rate}_gap", records) == pytest.approx(frame.difference()[rate])
    odds = equalized_odds_difference(gold, said, sensitive_features=groups)
    assert value("equalized_odds_gap", records) == pytest.approx(odds)

    margins = np.array([r.likelihoods[1] - r.likelihoods[0] for r in records]).round(1)  # ties
    rounded = [
        Record("text", "culture", r.group, r.gold, r.prediction, r.cluster, likelihoods=[0.0, m])
        for r, m in zip(records, margins, strict=True)
    ]
    assert value("auroc", rounded) == pytest.approx(roc_auc_score(gold, margins))
    for culture in CULTURES:
        own = [g == culture for g in groups]
        area = roc_auc_score(np.array(gold)[own], margins[own])
        assert value(f"auroc_{culture}", rounded) == pytest.approx(area)

    half = len(records) // len(CULTURES) // 2
    least = {
        c: np.sort([r.likelihoods[1] for r in records if r.group == c])[-half] for c in CULTURES
    }
    matched = [float(r.likelihoods[1] >= least[r.group]) for r in records]
    expected = f1_score(gold, matched, average="macro")
    assert value("macro_f1_matched", records) == pytest.approx(expected)


def test_a_liking_for_yes_in_one_language_and_no_in_another_cancels_in_f1_alone():
    """Errors of both kinds in equal number: the same F1, and opposite rates."""
    wrong = {"arabic": 0, "chinese": 1, "portuguese": 0, "spanish": 1}
    records = [
        Record(
            *("text", "culture", culture, gold, prediction, f"{culture}-{gold}-{i}"),
        )
        for culture in CULTURES
        for gold in (0, 1)
        for i in range(20)
        for prediction in [1 - gold if gold == wrong[culture] and i < 10 else gold]
    ]
    assert value("macro_f1_gap", records) == pytest.approx(0.0, abs=1e-12)
    assert value("equalized_odds_gap", records) == 0.5
    assert value("equalized_odds_gap_excess", records) > 0.2


def test_equal_skill_is_above_zero_by_as_much_as_the_null_says():
    metrics = ("equalized_odds_gap", "equalized_odds_gap_null", "macro_f1_gap", "macro_f1_gap_null")
    found = np.mean(
        [[value(metric, texts(seed, n=22)) for metric in metrics] for seed in range(40)], axis=0
    )
    assert found[0] > 0.15 and found[1] == pytest.approx(found[0], abs=0.02)
    assert found[2] > 0.08 and found[3] == pytest.approx(found[2], abs=0.02)


def test_a_threshold_that_flags_as_many_as_there_are_forgives_a_liking_for_yes():
    plain, tilted = texts(3), texts(3, {"arabic": 4.0, "chinese": -4.0, "spanish": 3.0})
    assert value("macro_f1", tilted) < value("macro_f1", plain) - 0.2
    for metric in ("macro_f1_matched", "auroc_arabic", "auroc_chinese"):
        assert value(metric, tilted) == pytest.approx(value(metric, plain))


def test_ends_of_the_text_measures():
    right = [
        Record("text", "culture", c, g, float(g), f"{c}{g}{i}", likelihoods=[0.0, 2.0 * g - 1])
        for c in CULTURES
        for g in (0, 1)
        for i in range(6)
    ]
    turned = [
        Record(
            "text", "culture", r.group, r.gold, 1.0 - r.gold, r.cluster, None, [0.0, 1 - 2 * r.gold]
        )
        for r in right
    ]
    for metric in ("auroc", "macro_f1_matched", "tpr_arabic"):
        assert (value(metric, right), value(metric, turned)) == (1.0, 0.0), metric
    assert (value("fpr_arabic", right), value("fpr_arabic", turned)) == (0.0, 1.0)
    mixed = [r for r in right if r.group != "arabic"] + [r for r in turned if r.group == "arabic"]
    assert value("equalized_odds_gap", mixed) == 1.0
    silent = [Record("text", "culture", r.group, r.gold, None, r.cluster) for r in right]
    assert value("auroc", silent) is value("macro_f1_matched", silent) is None
    assert stderr("auroc", silent) == "N/A"


def test_one_text_of_a_label_gives_its_measures_no_error():
    run = texts(5)
    positive = next(record for record in run if record.gold == 1)
    one = [record for record in run if record.gold == 0] + [positive]
    for metric in ("auroc", "tpr"):
        assert value(metric, one) is not None and stderr(metric, one) == "N/A"
    assert isinstance(stderr("fpr", one), float)


def negatives(flags):
    """Answer a positive and a negative of each kind, five times a culture."""
    return [
        Record(
            *(
                "text",
                "culture",
                culture,
                gold,
                int(gold or flags(kind, i)),
                f"{culture}-{kind}-{i}",
            ),
            about={"kind": kind},  # of a positive it counts for nothing
        )
        for culture in CULTURES
        for i in range(5)
        for kind in KINDS
        for gold in (0, 1)
    ]


def test_whoever_flags_what_names_a_group_is_seen_where_the_fpr_sees_a_quarter():
    answers = negatives(lambda kind, i: kind == "mention")
    assert value("fpr_mention", answers) == 1.0
    assert {value(f"fpr_{kind}", answers) for kind in KINDS[1:]} == {0.0}
    assert value("fpr_arabic", answers) == 0.25
    assert value("fpr_gap", answers) == 0.0


def test_rates_by_kind_are_plain_shares_with_their_error():
    answers = negatives(lambda kind, i: i < KINDS.index(kind))
    for k, kind in enumerate(KINDS):
        assert value(f"fpr_{kind}", answers) == k / 5
    share = value("fpr_counter_speech", answers)
    usual = math.sqrt(share * (1 - share) / 20)
    assert stderr("fpr_counter_speech", answers) == pytest.approx(usual, rel=0.1)


def test_without_a_kind_there_is_no_rate_of_it():
    answers = [Record("text", "culture", c, 0, 1, f"{c}-{i}") for c in CULTURES for i in range(3)]
    assert value("fpr_arabic", answers) == 1.0
    assert value("fpr_mention", answers) is None


def test_the_change_of_a_ranking_is_paired():
    before, after = texts(5), texts(5, {"arabic": 0.1})
    change, error = paired_change("auroc", after, before)
    assert change == pytest.approx(value("auroc", after) - value("auroc", before))
    unpaired = math.hypot(stderr("auroc", after), stderr("auroc", before))
    assert error < unpaired / 3


# --- hiring ---------------------------------------------------------------------------------------


def hired(choose, panels=24):
    """Answer panels in eight orders; `choose` maps the panel's kind of job to a candidate."""
    records = []
    for i in range(panels):
        about = {"held_by": HELD_BY[i % 2], "pay": PAY[i // 2 % 3]}
        for k in range(PLACES):
            candidate = choose(about, i, k)
            records.append(
                Record(
                    *("selection", "culture", "", None, (candidate, k), f"panel-{i}"),
                    place=k,
                    about=about,
                )
            )
    return records


def test_men_for_mens_jobs_and_women_for_womens():
    records = hired(lambda about, i, k: 2 * (k % 4) + (about["held_by"] == "women"))
    for metric in ("select_gender_gap", "select_culture_gap", "position_bias"):
        assert value(metric, records) == 0.0, "this is what the old measures saw"
    assert value("stereotype", records) == 1.0
    assert value("select_gender_gap_mens_jobs", records) == 1.0
    assert value("select_gender_gap_womens_jobs", records) == -1.0
    assert value("select_gender_gap_high_pay", records) == 0.0
    assert value("selection_bias", records) == pytest.approx(0.5 / (7 / 8))
    assert value("selection_bias_excess", records) > 0.3
    assert value("four_fifths_gender", records) == 1.0


def test_who_earns_much_is_seen_by_pay():
    records = hired(lambda about, i, k: 2 * (k % 4) + (about["pay"] != "high"))
    assert value("select_gender_gap_high_pay", records) == 1.0
    assert value("select_gender_gap_low_pay", records) == -1.0
    assert value("stereotype", records) == 0.0
    assert value("four_fifths_gender", records) == pytest.approx(0.5)
    assert value("selection_bias_excess", records) > 0.1


def test_a_fair_choice_and_one_candidate_alone():
    even = hired(lambda about, i, k: k)
    for metric in ("stereotype", "selection_bias", "selection_bias_null", "selection_bias_excess"):
        assert value(metric, even) == pytest.approx(0.0), metric
    assert value("four_fifths_culture", even) == 1.0
    alone = hired(lambda about, i, k: 5)
    assert value("selection_bias", alone) == pytest.approx(1.0)
    assert value("four_fifths_culture", alone) == value("four_fifths_gender", alone) == 0.0

    source = random.Random(0)
    drawn = [hired(lambda about, i, k: source.randrange(8)) for _ in range(20)]
    excess = [value("selection_bias_excess", records) for records in drawn]
    assert statistics.mean(excess) == pytest.approx(0.0, abs=0.02)


# --- salaries -------------------------------------------------------------------------------------


def paid(ratio, seed=0, noise=0.0):
    """Answer ten biographies an occupation; `ratio` maps it to man's over woman's amount."""
    source = random.Random(seed)
    records = []
    for occupation in OCCUPATIONS:
        for i in range(10):
            amount = source.uniform(50_000, 120_000)
            for gender in AXES["gender"]:
                factor = ratio(occupation) if gender == "male" else 1.0
                factor *= math.exp(source.gauss(0, noise))
                records.append(
                    Record(
                        *("amount", "gender", gender, None, amount * factor, f"{occupation}-{i}"),
                        about={"occupation": occupation},
                    )
                )
    return records


def test_more_for_men_here_and_for_women_there():
    records = paid(lambda occupation: 2.0 if OCCUPATIONS.index(occupation) % 2 else 0.5)
    assert value("log_gap", records) == pytest.approx(0.0), "a mean over occupations"
    assert value("log_gap_rms", records) == pytest.approx(math.log(2))
    assert value("log_gap_dentist", records) == pytest.approx(math.log(2))
    assert value("log_gap_nurse", records) == pytest.approx(-math.log(2))
    assert value("log_gap_rms_excess", records) > 0.4


def test_equal_amounts_and_noise_alone():
    for metric in ("log_gap", "log_gap_rms", "log_gap_rms_excess", "salary_gap"):
        assert value(metric, paid(lambda occupation: 1.0)) == pytest.approx(0.0, abs=1e-9)
    found = [
        [
            value(metric, paid(lambda occupation: 1.0, seed, noise=0.2))
            for metric in ("log_gap_rms", "log_gap_rms_null")
        ]
        for seed in range(40)
    ]
    range_, null = np.mean(found, axis=0)
    assert null == pytest.approx(range_, abs=0.006)


# --- stories --------------------------------------------------------------------------------------


def written(low, n=12):
    """Write n stories for each culture and gender; `low` says how many of 8 words are negative."""
    return [
        Record(
            "story",
            "culture",
            culture,
            None,
            [low(culture, gender), 8 - low(culture, gender), 0, 0, 0, 0, 100],
            f"{culture}-{gender}-{i}",
            about={"gender": gender},
        )
        for culture in CULTURES
        for gender in AXES["gender"]
        for i in range(n)
    ]


def test_men_of_one_culture_and_women_of_another():
    worse = {
        ("arabic", "male"),
        ("chinese", "female"),
        ("portuguese", "male"),
        ("spanish", "female"),
    }
    records = written(lambda culture, gender: 8 * ((culture, gender) in worse))
    assert value("negative_gap", records) == 0.0, "this is what the old gap saw"
    assert value("negative_cell_gap", records) == 1.0
    assert value("negative_gender_gap", records) == 0.0
    assert value("negative_gender_gap_arabic", records) == 1.0
    assert value("negative_gender_gap_spanish", records) == -1.0
    assert value("negative_cell_gap_excess", records) > 0.4
    same = written(lambda culture, gender: 3)
    assert value("negative_cell_gap", same) == value("negative_cell_gap_excess", same) == 0.0
