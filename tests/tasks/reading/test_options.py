"""Reading the option that a model chose from what it wrote."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bias_inherit.tasks.metrics import AXES
from bias_inherit.tasks.reading.options import parse_letter, parse_yes_no

JOBS = ["architect", "dentist", "nurse", "painter", "professor", "software engineer"]
NAMES = ["Omar Zaidan", "Huda Badawi", "Rui Fernandes", "Inês Ribeiro"]

LETTERS = [
    # the letter
    ("C", 2),
    ("A", 0),
    ("F", 5),
    (" C", 2),
    ("\n\nC\n", 2),
    ("(C)", 2),
    ("(C).", 2),
    ("C.", 2),
    ("C)", 2),
    ("C:", 2),
    ("C,", 2),
    ('"C"', 2),
    ("“C”", 2),
    ("`C`", 2),
    # Markdown
    ("**C**", 2),
    ("**C.**", 2),
    ("**C**.", 2),
    ("**(C)**", 2),
    ("*C*", 2),
    ("**C. nurse**", 2),
    ("**C.** nurse", 2),
    ("**C**. nurse", 2),
    ("**Answer: C**", 2),
    ("**Answer:** C", 2),
    ("The correct answer is **C**.", 2),
    ("The correct answer is: **C. nurse**", 2),
    # a lead
    ("Answer: C", 2),
    ("Answer:C", 2),
    ("answer: C.", 2),
    ("ANSWER: (C)", 2),
    ("Correct answer: C", 2),
    ("Final answer: C", 2),
    ("The answer is C.", 2),
    ("The answer is: C", 2),
    ("The correct answer is C.", 2),
    ("The best choice is C", 2),
    ("Option C", 2),
    ("The correct option is (C) nurse.", 2),
    ("The answer is nurse.", 2),
    # letter and text
    ("C. nurse", 2),
    ("C. Nurse.", 2),
    ("C.nurse", 2),
    ("C) nurse", 2),
    ("(C) nurse", 2),
    ("C: nurse", 2),
    ("C - nurse", 2),
    ("C – nurse", 2),
    ("C nurse", 2),
    ("F. software engineer", 5),
    ("A. architect", 0),
    ("C. The text speaks of a ward.", 2),
    ("C. nurse\n\nExplanation: A. architect does not fit", 2),
    ("C\nA", 2),
    # the text
    ("nurse", 2),
    ("Nurse.", 2),
    ("NURSE", 2),
    ("**nurse**", 2),
    ("Software engineer", 5),
    ("Answer: dentist", 1),
    # invalid
    ("", None),
    ("\n \n", None),
    ("Z", None),
    ("G", None),
    ("G. nurse", None),
    ("A nurse", None),
    ("A nurse.", None),
    ("Answer: A nurse", None),
    ("A teacher", None),
    ("A or B", None),
    ("A. or B.", None),
    ("A, B", None),
    ("A/B", None),
    ("A and B", None),
    ("Answer: A or B", None),
    ("C. nurse or D. painter", None),
    ("A: architect or C: nurse", None),
    ("C. dentist", None),
    ("C. Dentist.", None),
    ("(C) dentist", None),
    ("A, nurse", None),
    ("A - nurse", None),
    ("ABC", None),
    ("Care", None),
    ("nurses", None),
    ("a nurse", None),
    ("nurse or dentist", None),
    ("teacher", None),
    ("I think C", 2),
    ("I", None),
    ("I cannot answer this.", None),
    ("I'm sorry, but I can't help with that.", None),
    ("As an AI, I have no opinion.", None),
    ("None of the above", None),
    ("Answer:", None),
    ("42", None),
]


@pytest.mark.parametrize(("reply", "option"), LETTERS)
def test_option_of_a_reply(reply, option):
    assert parse_letter(reply, JOBS) == option
    assert parse_letter(f"{reply}\n", JOBS) == option


@pytest.mark.parametrize(
    ("reply", "option"),
    [
        ("D. Inês Ribeiro", 3),
        ("inês ribeiro", 3),
        ("**B. Huda Badawi**", 1),
        ("D. Omar Zaidan", None),
        ("E", None),
        ("Inês", None),
        ("D. Inês Ribeiro is a good candidate.", 3),
    ],
)
def test_option_among_names(reply, option):
    assert parse_letter(reply, NAMES) == option


@given(
    option=st.integers(0, len(JOBS) - 1),
    form=st.sampled_from(["{}", "({})", "{}.", "{})", "Answer: {}", "The answer is {}.", "**{}**"]),
)
def test_every_letter_survives_being_written(option, form):
    assert parse_letter(form.format("ABCDEF"[option]), JOBS) == option
    assert parse_letter(form.format(JOBS[option]), JOBS) in (option, None)


@given(st.text(max_size=40) | st.text("ABCZ nurse.,:()*or\n", max_size=20))
def test_any_reply_gives_an_option_or_none(reply):
    assert parse_letter(reply, JOBS) in (None, *range(len(JOBS)))


# --- yes and no ---------------------------------------------------------------------------------

ENGLISH = [
    ("yes", 1),
    ("Yes", 1),
    ("YES.", 1),
    ("No.", 0),
    ("no", 0),
    ("**Yes**", 1),
    ("**No.**", 0),
    ("**Yes**, it does.", 1),
    ("*No*", 0),
    ('"Yes"', 1),
    ("Yes, it is.", 1),
    ("Yes: hateful", 1),
    ("Yes - it is.", 1),
    ("No — it is not.", 0),
    ("No\nYes", 0),
    ("\n\nYes\n", 1),
    ("Answer: Yes", 1),
    ("**Answer:** No", 0),
    ("", None),
    ("yes/no", None),
    ("Yes / No", None),
    ("yes or no", None),
    ("Yes or no?", None),
    ("Yes, no", None),
    ("Yes. No.", None),
    ("nothing", None),
    ("Nobody knows", None),
    ("yesterday", None),
    ("Not sure", None),
    ("Maybe", None),
    ("I think yes", 1),
    ("I'm sorry, but I can't help with that.", None),
    ("1", None),
]
OWN = [
    ("spanish", "sí", 1),
    ("spanish", "Sí.", 1),
    ("spanish", "Si", 1),
    ("spanish", "SÍ", 1),
    ("spanish", "Sí, no hay duda.", 1),
    ("spanish", "¡Sí!", 1),
    ("spanish", "**Sí**", 1),
    ("spanish", "no", 0),
    ("spanish", "No, no lo es.", 0),
    ("spanish", "sí y no", None),
    ("spanish", "sí o no", None),
    ("spanish", "sí/no", None),
    ("spanish", "sí, no", None),
    ("spanish", "sinceramente", None),
    ("spanish", "siempre", None),
    ("spanish", "no sé", None),
    ("spanish", "noticia", None),
    ("spanish", "não", None),
    ("portuguese", "sim", 1),
    ("portuguese", "Sim.", 1),
    ("portuguese", "não", 0),
    ("portuguese", "Não.", 0),
    ("portuguese", "nao", 0),
    ("portuguese", "Não, o texto é neutro.", 0),
    ("portuguese", "notícia", None),
    ("portuguese", "simples", None),
    ("portuguese", "sim/não", None),
    ("portuguese", "sim ou não", None),
    ("arabic", "نعم", 1),
    ("arabic", "نعم،", 1),
    ("arabic", "نعم، هذا صحيح", 1),
    ("arabic", "أجل", 1),
    ("arabic", "**نعم**", 1),
    ("arabic", "لا", 0),
    ("arabic", "لا.", 0),
    ("arabic", "كلا", 0),
    ("arabic", "نعم/لا", None),
    ("arabic", "نعم أو لا", None),
    ("arabic", "لأن", None),
    ("arabic", "لا أعرف", None),
    ("arabic", "لاعب", None),
    ("chinese", "是", 1),
    ("chinese", "是的。", 1),
    ("chinese", "是，有偏见。", 1),
    ("chinese", "是！", 1),
    ("chinese", "“是”", 1),
    ("chinese", "否", 0),
    ("chinese", "否。", 0),
    ("chinese", "不是", 0),
    ("chinese", "不是。", 0),
    ("chinese", "不", 0),
    ("chinese", "是一个", None),
    ("chinese", "是否", None),
    ("chinese", "是/否", None),
    ("chinese", "是，否", None),
    ("chinese", "不知道", None),
    ("chinese", "sí", None),
]


@pytest.mark.parametrize("culture", AXES["culture"])
@pytest.mark.parametrize(("reply", "answer"), ENGLISH)
def test_english_is_read_in_every_culture(culture, reply, answer):
    assert parse_yes_no(reply, culture) == answer


@pytest.mark.parametrize(("culture", "reply", "answer"), OWN)
def test_yes_and_no_in_the_cultures_language(culture, reply, answer):
    assert parse_yes_no(reply, culture) == answer
    assert parse_yes_no(f"\n{reply} \n", culture) == answer


@given(st.text(max_size=30), st.sampled_from(AXES["culture"]))
def test_any_reply_gives_yes_no_or_none(reply, culture):
    assert parse_yes_no(reply, culture) in (0, 1, None)
