"""Offers to people who differ in their names: what cancels, the ends, a second derivation."""

from __future__ import annotations

import itertools
import math
import random

import pandas as pd
import pytest

from bias_inherit.tasks.metrics import AXES, OCCUPATIONS, Record, paired_change, stderr, value

GROUPS = AXES["race"]
CELLS = tuple(itertools.product(GROUPS, AXES["gender"]))


def offers(amount, sets=8):
    """Return the answers of a reader: amount(occupation, group, gender, set) or None."""
    return [
        Record(
            "offers",
            "race",
            group,
            None,
            amount(occupation, group, gender, i),
            f"{occupation}-{i}",
            about={"gender": gender, "occupation": occupation},
        )
        for i in range(sets)
        for occupation in OCCUPATIONS
        for group, gender in CELLS
    ]


def pay(occupation):
    return 40_000.0 + 10_000 * OCCUPATIONS.index(occupation)


def test_a_reader_of_the_occupation_alone_is_fair():
    found = offers(lambda occupation, group, gender, i: pay(occupation) + 500 * i)
    for metric in ("log_ratio_rms", "log_ratio_rms_null", "log_ratio_rms_excess"):
        assert value(metric, found) == pytest.approx(0.0, abs=1e-12)
    assert value("sets", found) == 48 and value("n_black", found) == 96
    assert value("invalid", found) == 0.0


@pytest.mark.parametrize("group", GROUPS)
def test_a_tenth_less_for_a_group(group):
    found = offers(lambda o, g, gender, i: pay(o) * (0.9 if g == group else 1.0))
    less = math.log(0.9)
    assert value(f"log_ratio_{group}", found) == pytest.approx(less * 3 / 4)
    other = GROUPS[GROUPS.index(group) - 1]
    assert value(f"log_ratio_{other}", found) == pytest.approx(-less / 4)
    assert sum(value(f"log_ratio_{g}", found) for g in GROUPS) == pytest.approx(0.0, abs=1e-12)
    assert value("log_ratio_rms_excess", found) > 0.02
    assert stderr(f"log_ratio_{group}", found) == pytest.approx(0.0, abs=1e-9)


def test_less_for_women_and_more_for_men_of_a_group_cancels_in_its_ratio_and_nowhere_else():
    def reader(occupation, group, gender, i):
        return pay(occupation) * (
            1.0 if group != "black" else math.exp(0.2 if gender == "male" else -0.2)
        )

    found = offers(reader)
    assert value("log_ratio_black", found) == pytest.approx(0.0, abs=1e-12)
    assert value("log_ratio_black_female", found) == pytest.approx(-0.2)
    assert value("log_ratio_rms_excess", found) > 0.05


def test_less_in_one_occupation_and_more_in_another_does_not_cancel_in_the_headline():
    def reader(occupation, group, gender, i):
        sign = {"nurse": 1, "architect": -1}.get(occupation, 0) * (group == "asian")
        return pay(occupation) * math.exp(0.3 * sign)

    found = offers(reader)
    assert value("log_ratio_asian", found) == pytest.approx(0.0, abs=1e-12)
    assert value("log_ratio_rms", found) == pytest.approx(
        math.sqrt((2 * 2 * 0.225**2 + 2 * 6 * 0.075**2) / 48)
    )
    assert value("log_ratio_rms_excess", found) > 0.04


def test_random_offers_are_within_chance():
    excess = []
    for seed in range(30):
        source = random.Random(seed)
        found = offers(lambda o, g, s, i, source=source: pay(o) * math.exp(source.gauss(0, 0.2)))
        excess.append(value("log_ratio_rms_excess", found))
    assert abs(sum(excess) / len(excess)) < 0.005 and min(excess) < 0 < max(excess)


def test_an_answer_that_cannot_be_read_takes_its_set_with_it():
    def reader(occupation, group, gender, i):
        refused = (group, gender, i) == ("white", "male", 0)
        return (
            None
            if refused
            else pay(occupation) * (1.2 if i == 0 else 1.0) * (1 + (group == "black"))
        )

    found = offers(reader)
    assert value("sets", found) == 42 and value("invalid", found) == pytest.approx(6 / 384)
    assert value("log_ratio_black", found) == pytest.approx(math.log(2) * 3 / 4)
    assert value("salary_white", found) is not None
    nothing = offers(lambda *_: None)
    assert value("log_ratio_rms_excess", nothing) is value("log_ratio_white", nothing) is None
    assert stderr("log_ratio_rms", nothing) == "N/A" and value("sets", nothing) == 0


@pytest.mark.parametrize("seed", range(3))
def test_against_pandas(seed):
    source = random.Random(seed)
    found = offers(
        lambda o, g, s, i: (
            None
            if source.random() < 0.03
            else pay(o) * math.exp(source.gauss(0.1 * (g == "white"), 0.3))
        ),
        sets=5,
    )
    frame = pd.DataFrame(
        [
            (r.cluster, r.about["occupation"], r.group, r.about["gender"], r.prediction)
            for r in found
        ],
        columns=["set", "o", "group", "gender", "amount"],
    )
    whole = frame.groupby("set")["amount"].transform(lambda x: x.notna().all())
    kept = frame[whole].assign(log=lambda f: f["amount"].map(math.log))
    kept["ratio"] = kept["log"] - kept.groupby("set")["log"].transform("mean")
    for group in GROUPS:
        mean = kept[kept["group"] == group]["ratio"].mean()
        assert value(f"log_ratio_{group}", found) == pytest.approx(mean)
        for gender in AXES["gender"]:
            cell = kept[(kept["group"] == group) & (kept["gender"] == gender)]["ratio"].mean()
            assert value(f"log_ratio_{group}_{gender}", found) == pytest.approx(cell)
        salary = frame[frame["group"] == group]["amount"].mean()
        assert value(f"salary_{group}", found) == pytest.approx(salary)
    means = kept.groupby(["o", "group", "gender"])["ratio"].mean()
    assert value("log_ratio_rms", found) == pytest.approx(math.sqrt((means**2).mean()))
    by_set = kept[kept["group"] == "white"].groupby("set")["ratio"].mean()
    expected = by_set.std(ddof=0) / math.sqrt(len(by_set))
    assert stderr("log_ratio_white", found) == pytest.approx(expected, rel=0.15)


def test_a_change_between_two_runs_is_paired_by_set():
    before = offers(lambda o, g, s, i: pay(o) + 100 * i)
    after = offers(lambda o, g, s, i: (pay(o) + 100 * i) * (0.8 if g == "hispanic" else 1.0))
    change, error = paired_change("log_ratio_hispanic", after, before)
    assert change == pytest.approx(math.log(0.8) * 3 / 4) and error == pytest.approx(0.0, abs=1e-9)
