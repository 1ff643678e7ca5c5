from __future__ import annotations

from collections import Counter
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bias_inherit.bias_augment.mix import mix, mix_counts, nested_order, parse_ratio
from bias_inherit.errors import InputError


def rows(n, origin, labels=3):
    return [
        {
            "id": f"{origin}-{i}",
            "label": f"l{i % labels}",
            "group": {"gender": "male" if i % 2 else "female"},
            "origin": origin,
        }
        for i in range(n)
    ]


@pytest.mark.parametrize(
    ("n", "ratio", "augmented"),
    [(3420, "5%", 180), (3600, "10%", 400), (3600, "0.2", 900), (3600, "1/2", 3600), (7, "0", 0)],
)
def test_original_fixed_counts_are_exact(n, ratio, augmented):
    counts = mix_counts(n, parse_ratio(ratio), "original-fixed")
    assert (counts.original, counts.augmented) == (n, augmented)


@pytest.mark.parametrize("ratio", ["5%", "10%", "20%", "50%"])
def test_total_fixed_keeps_the_total(ratio):
    counts = mix_counts(3600, parse_ratio(ratio), "total-fixed")
    assert counts.original + counts.augmented == 3600
    assert counts.ratio == float(parse_ratio(ratio))


@pytest.mark.parametrize("text", ["1", "1.0", "-0.1", "100%", "1.5", "two", "1/0", ""])
def test_a_ratio_outside_its_range_is_refused(text):
    with pytest.raises(InputError, match="bias ratio"):
        parse_ratio(text)


@settings(max_examples=40, deadline=None)
@given(
    st.integers(1, 60),
    st.sampled_from(["original-fixed", "total-fixed"]),
    st.fractions(0, Fraction(9, 10), max_denominator=40),
    st.integers(0, 5),
    st.randoms(use_true_random=False),
)
def test_mix_holds_its_promises(n, size, ratio, seed, random):
    original, augmented = rows(n, "original"), rows(20 * n + 20, "augmented")
    mixed = mix(original, augmented, ratio, size, seed)
    counts = mix_counts(n, ratio, size)
    assert Counter(r["origin"] for r in mixed) == +Counter(
        original=counts.original, augmented=counts.augmented
    )
    assert len({r["id"] for r in mixed}) == len(mixed)
    random.shuffle(original)
    random.shuffle(augmented)
    assert mix(original, augmented, ratio, size, seed) == mixed
    smaller = mix(original, augmented, ratio / 2, size, seed)
    inside = {r["id"] for r in mixed if r["origin"] == "augmented"}
    assert {r["id"] for r in smaller if r["origin"] == "augmented"} <= inside


def test_every_prefix_is_stratified():
    order = nested_order(rows(60, "augmented"), seed=3)
    for n in range(6, 61, 6):
        cells = Counter((r["label"], r["group"]["gender"]) for r in order[:n])
        assert max(cells.values()) - min(cells.values()) <= 1, n


def test_another_seed_takes_other_rows():
    augmented = rows(600, "augmented")
    taken = [
        {r["id"] for r in mix(rows(60, "original"), augmented, Fraction(1, 2), seed=seed)}
        for seed in (0, 1)
    ]
    assert taken[0] != taken[1]


def test_a_shortfall_is_named():
    with pytest.raises(InputError, match="needs 100 augmented rows, 40 more than the 60 there are"):
        mix(rows(100, "original"), rows(60, "augmented"), Fraction(1, 2))


def test_parts_must_be_what_they_are_called():
    with pytest.raises(InputError, match="of the augmented data has the origin 'original'"):
        mix(rows(4, "original"), rows(4, "original"), Fraction(1, 2))
    clash = [r | {"origin": "augmented"} for r in rows(4, "original")]
    with pytest.raises(InputError, match="is in the original and in the augmented data"):
        mix(rows(4, "original"), clash, Fraction(1, 2))
