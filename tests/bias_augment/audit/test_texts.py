from __future__ import annotations

import numpy as np
import pytest

from bias_inherit.bias_augment.audit.estimates import difference_of, mean_of
from bias_inherit.bias_augment.audit.texts import describe_texts
from bias_inherit.bias_augment.audit.traits import count_group_traits
from bias_inherit.bias_augment.audit.words import words

FILL = " and".join(f" filler{i}" for i in range(20))
"""More than twenty words that are no traits."""


def test_words_in_several_scripts():
    assert words("Don’t stop: the well-known “Ana”!") == [
        "don’t",
        "stop",
        "the",
        "well",
        "known",
        "ana",
    ]
    assert words("她是 nurse。") == ["她", "是", "nurse"]
    assert words("مهندسة، من القاهرة؟") == ["مهندسة", "من", "القاهرة"]
    assert words(" — ... ") == []


def test_lengths_by_group_and_their_difference_to_the_original(gender, row):
    rows = [row("male", text="a b c"), row("male", text="a b c d e"), row("female", text="a")]
    original = [row("male", text="a b"), row("male", text="a b"), row("female", text="a b c")]
    everything, male, female = describe_texts(gender, rows, original)
    assert (everything.group, male.group, female.group) == (None, "male", "female")
    assert (everything.words.value, male.words.value, female.words.value) == (3.0, 4.0, 1.0)
    assert male.difference.value == 2.0 and female.difference.value == -2.0
    assert (male.words.low, male.words.high) == (3.0, 5.0)
    assert (female.words.low, female.words.n) == (None, 1)  # one row tells of no spread
    alone = describe_texts(gender, rows[:2], None)
    assert alone[2].words.value is None and alone[2].words.n == 0
    assert alone[1].original_words is None and alone[1].difference is None


def test_intervals_are_those_of_the_normal_approximation_where_it_holds():
    generator = np.random.default_rng(1)
    x, y = generator.gamma(4.0, 10.0, 900), generator.gamma(4.0, 9.0, 700)
    found = mean_of(x, 0)
    half = 1.96 * x.std(ddof=1) / 30
    assert (found.low, found.high) == pytest.approx(
        (x.mean() - half, x.mean() + half), abs=half / 5
    )
    found = difference_of(x, y, 0)
    half = 1.96 * np.hypot(x.std(ddof=1) / 30, y.std(ddof=1) / 700**0.5)
    centre = x.mean() - y.mean()
    assert (found.low, found.high) == pytest.approx((centre - half, centre + half), abs=half / 5)


def test_refusals_count_where_a_text_begins_with_one(gender, row):
    rows = [
        row("male", text="I'm sorry, but I cannot write that."),
        row("male", text="He paints and " + "walks " * 20 + "and says: I can't stop."),
        row("female", text="As an AI, I have no biography."),
        row("female", text="She paints."),
    ]
    everything, male, female = describe_texts(gender, rows, None)
    assert [text.refusals.count for text in (everything, male, female)] == [2, 1, 1]
    assert everything.refusals.n == 4


def test_low_shares_by_hand(gender, row):
    rows = [
        row("male", text="Powerful, wealthy, powerless." + FILL),
        row("male", text="Powerful." + FILL),
        row("male", text="Nothing to see." + FILL),
        row("female", text="Powerless, poor, and not powerful." + FILL),
        row("female", text="A poor woman."),  # too short to be read
        row("female", text="I'm sorry, I cannot." + FILL),  # a refusal
    ]
    traits, gaps = count_group_traits(gender, rows)
    found = {(t.dimension, t.group): t for t in traits}
    male, female = found["agency", "male"], found["agency", "female"]
    assert (male.low.value, male.hits, male.low.n, male.too_short) == (0.25, 4, 3, 0)
    assert (male.coverage.count, male.coverage.n) == (2, 3)
    # the negated word counts for the other end
    assert (female.low.value, female.hits, female.low.n, female.too_short) == (1.0, 3, 1, 2)
    assert found["communion", "female"].low.value is None
    assert found["communion", "female"].hits == 0
    (gap,) = gaps
    assert (gap.dimension, gap.groups) == ("agency", ("male", "female"))
    assert gap.difference.value == -0.75
    assert gap.difference.low is None  # one woman's text tells of no spread


def test_the_other_end_and_parity(gender, row):
    rows = [
        row(group, text=f"{word}." + FILL)
        for group in ("male", "female")
        for word in ("friendly", "affectionate", "unfriendly")
    ]
    traits, gaps = count_group_traits(gender, rows)
    shares = [t.low.value for t in traits if t.dimension == "communion"]
    assert shares == pytest.approx([1 / 3, 1 / 3])
    (gap,) = gaps
    assert gap.difference.value == pytest.approx(0.0)
    assert gap.difference.low < 0 < gap.difference.high
    only_high, _ = count_group_traits(gender, [row("male", text="friendly." + FILL)] * 3)
    assert [t.low.value for t in only_high if t.group == "male"] == [None, None, 0.0]


def test_of_more_groups_the_largest_and_the_smallest_share_are_set_against_each_other(culture, row):
    words_ = {
        "arabic": "unfriendly friendly",
        "chinese": "friendly",
        "portuguese": "unfriendly",
    }
    rows = [row(group, text=f"{text}." + FILL, axis="culture") for group, text in words_.items()]
    (gap,) = count_group_traits(culture, rows)[1]
    assert gap.groups == ("portuguese", "chinese") and gap.difference.value == 1.0


def test_the_interval_of_a_low_share_is_that_of_a_proportion_where_every_text_has_one_hit(
    gender, row
):
    rows = [
        row("male", text=f"{'unfriendly' if i % 4 == 0 else 'friendly'}." + FILL)
        for i in range(400)
    ]
    found = next(t for t in count_group_traits(gender, rows)[0] if t.hits)
    half = 1.96 * (0.25 * 0.75 / 400) ** 0.5
    assert found.low.value == 0.25
    assert (found.low.low, found.low.high) == pytest.approx(
        (0.25 - half, 0.25 + half), abs=half / 5
    )
