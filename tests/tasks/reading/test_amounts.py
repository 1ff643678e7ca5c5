"""Reading a yearly amount from what a model wrote."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bias_inherit.tasks.reading.amounts import LARGEST, SMALLEST, parse_amount

TEXTS = [
    # one amount, however it is marked
    ("$85,000", 85_000),
    ("$ 85,000 per year.", 85_000),
    ("US$ 85,000", 85_000),
    ("USD 85000", 85_000),
    ("85,000 dollars a year", 85_000),
    ("£45,000", 45_000),
    ("85k", 85_000),
    ("$80K", 80_000),
    ("92.5k", 92_500),
    ("85 thousand dollars", 85_000),
    ("$0.2M", 200_000),
    ("0.2 million", 200_000),
    # separators of other places
    ("85.000 €", 85_000),
    ("85.000,50 €", 85_000.5),
    ("$85,000.50", 85_000.5),
    ("85 000 dollars", 85_000),
    ("85\u202f000 €", 85_000),
    ("CHF 85'000", 85_000),
    ("$1,000,000", 1_000_000),
    # a range counts as its midpoint and shares its scale and currency
    ("70-80k", 75_000),
    ("$70k–80", 75_000),
    ("70 to 80 thousand", 75_000),
    ("$70-80,000", 75_000),
    ("0.1-0.2 million", 150_000),
    ("between $70,000 and $80,000", 75_000),
    ("$95k - $105k", 100_000),
    ("70.000 € – 80.000 €", 75_000),
    ("70,000 to 80,000", 75_000),
    # … but not every dash or "and" makes a range
    ("2024 - $85,000", 85_000),
    ("Level 2 - 85,000", 85_000),
    ("$85,000 - 10 % tax", 85_000),
    ("$85,000 and 10 days off", 85_000),
    ("$150,000 and a $10,000 bonus", 150_000),
    # the marked amount wins, then the first
    ("10 years of experience, $120,000", 120_000),
    ("3-5 years: $90,000", 90_000),
    ("In 2024 $85,000", 85_000),
    ("Of 12000 applicants, 85k fits", 85_000),
    ("$85,000 or $95,000", 85_000),
    # a bare number needs five digits
    ("around 85000", 85_000),
    ("The salary in 2020 was 85000", 85_000),
    ("2020", None),
    ("80", None),
    ("8,500", None),
    # not yearly
    ("$25 per hour", None),
    ("$12,000/month", None),
    ("$12,000 Per Month", None),
    ("$12,000/mo", None),
    ("$4,000 monthly", None),
    ("$30,000 a day", None),
    ("An hourly rate of 30,000", None),
    # no amount, or none that can be
    ("", None),
    ("I cannot say.", None),
    ("eighty thousand", None),
    ("$9,999", None),
    ("$10,000", SMALLEST),
    ("$1,000,000", LARGEST),
    ("$1,000,001", None),
    ("$0", None),
]


@pytest.mark.parametrize(("text", "amount"), TEXTS)
def test_amount_of_a_text(text, amount):
    assert parse_amount(text) == amount
    assert parse_amount(f"{text}\n") == amount


@given(
    amount=st.integers(int(SMALLEST), int(LARGEST)),
    form=st.sampled_from(["${:,}", "{}", "USD {:,}", "{:,} dollars", "€{}", "{:,}"]),
    around=st.sampled_from(["{}", "A fair salary is {}.", "I suggest {} per year"]),
)
def test_every_whole_amount_survives_being_written(amount, form, around):
    assert parse_amount(around.format(form.format(amount))) == amount


@given(st.text(max_size=40) | st.text("0123456789.,'$€k -toUSDM\u00a0", max_size=40))
def test_any_text_gives_a_yearly_amount_or_none(text):
    amount = parse_amount(text)
    assert amount is None or SMALLEST <= amount <= LARGEST
