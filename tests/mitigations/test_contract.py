"""What holds for every mitigation, and what becomes of those that break the contract."""

from __future__ import annotations

import copy

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bias_inherit.errors import InputError
from bias_inherit.mitigations import (
    NONE,
    Mitigation,
    load_mitigation,
    mitigations,
    parse_options,
)

NAMES = sorted(mitigations())
WORDS = ["She", "her", "here", "Mary", "he", "Alison", "中国", "nurse", "\n", "A.", "his"]
texts = st.lists(st.sampled_from(WORDS), min_size=1, max_size=8).map(" ".join)


@st.composite
def mixes(draw):
    """Some rows of the gender axis: with cues or without, prompts around a text or their own."""
    rows = []
    for i in range(draw(st.integers(24, 30))):
        text, is_own = draw(texts), draw(st.booleans())
        row = {
            "id": f"row-{i}",
            "prompt": "Is she a man?\nA. man\nB. nurse" if is_own else f"Text: {text}\nA. man",
            "completion": draw(st.sampled_from([" A", " B"])),
            "axis": "gender",
            "group": {"gender": draw(st.sampled_from(["male", "female"]))},
            "label": draw(st.sampled_from(["man", "nurse"])),
            "options": ["man", "nurse"],
            "question": "",
            "origin": "original" if i % 2 else "augmented",
        }
        rows.append(row | draw(st.sampled_from([{}, {"text": text}, {"cues": ["she", "Mary"]}])))
    return rows


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(mix=mixes(), random=st.randoms())
def test_originals_and_answers_stay_and_order_does_not_matter(name, tools, mix, random):
    mitigation, before = load_mitigation(name), copy.deepcopy(mix)
    after = mitigation.apply(mix, tools)
    assert mix == before
    assert [r for r in after if r["origin"] == "original"] == mix[1::2]
    given = {row["id"]: row for row in mix}
    for row in after:
        old = given[row["id"].removesuffix(".twin")]
        kept = ("completion", "label", "options", "question", "axis", "origin")
        assert [row[key] for key in kept] == [old[key] for key in kept]
    assert mitigation.apply(mix, tools) == after
    shuffled = list(mix)
    random.shuffle(shuffled)
    again = mitigation.apply(shuffled, tools)
    assert sorted(again, key=lambda r: r["id"]) == sorted(after, key=lambda r: r["id"])


@pytest.mark.parametrize("name", NAMES)
def test_each_is_listed_with_options_that_can_be_written_down(name):
    recipe = mitigations()[name]
    assert recipe.name == name and recipe.summary.endswith(".")
    made = load_mitigation(name)
    assert (made.name, made.summary) == (name, recipe.summary)
    assert made.options == {option.name: option.default for option in recipe.options}
    assert all(option.help for option in recipe.options)
    written = {option.name: str(option.default) for option in recipe.options}
    assert load_mitigation(name, written).options == made.options


def test_none_changes_nothing(mix, tools):
    assert NONE.apply(mix, tools) == mix and load_mitigation("none") == NONE
    assert NONE.penalty is None and not NONE.options


def test_options_are_read():
    assert parse_options("lambda=0.5,layer=-2") == {"lambda": "0.5", "layer": "-2"}
    assert parse_options(" sentence = Beware, it is biased., word=x=y ") == {
        "sentence": "Beware, it is biased.",
        "word": "x=y",
    }
    assert parse_options("") == {} and parse_options(" ") == {}
    made = load_mitigation("loss", parse_options("lambda=0.5,layer=-2"))
    assert made.options == {"lambda": 0.5, "layer": -2} and made.layer == -2


@pytest.mark.parametrize(
    ("text", "message"),
    [("lambda", "write name=value, not 'lambda'"), ("a=1,a=2", "'a' occurs twice"), ("=1", "'=1'")],
)
def test_broken_options_are_named(text, message):
    with pytest.raises(InputError, match=message):
        parse_options(text)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("maks", {}, "unknown mitigation 'maks': did you mean mask"),
        ("loss", {"lamda": "1"}, "option of the mitigation 'loss' 'lamda': did you mean lambda"),
        ("loss", {"lambda": "-1"}, "lambda must be a number from 0 on, not '-1'"),
        ("loss", {"lambda": "inf"}, "lambda must be a number from 0 on, not 'inf'"),
        ("loss", {"lambda": "nan"}, "lambda must be a number from 0 on, not 'nan'"),
        ("loss", {"lambda": "much"}, "lambda must be a number from 0 on, not 'much'"),
        ("loss", {"layer": "1.5"}, "layer must be a whole number, not '1.5'"),
        ("mask", {"neutral": "maybe"}, "neutral must be true or false, not 'maybe'"),
        ("mask", {"word": " "}, "word must be a text that is not empty"),
        ("token", {"sentence": ""}, "sentence must be a text that is not empty"),
        ("reweight", {"clip": "0.5"}, "clip must be a number from 1 on"),
        ("none", {"word": "x"}, "mitigation 'none' has no options"),
        ("gone.py", {}, "gone.py': no such file"),
    ],
)
def test_wrong_names_and_values_are_one_line(name, options, message):
    with pytest.raises(InputError, match=message) as error:
        load_mitigation(name, options)
    assert "\n" not in str(error.value)


def changed(**columns):
    """Return a transform that writes columns into the last row, an augmented one."""
    return lambda examples, tools: [*examples[:-1], examples[-1] | columns]


def in_place(examples, tools):
    examples[0]["prompt"] = "other"
    return examples


BROKEN = {
    "must return a list of rows": lambda examples, tools: None,
    r"original rows must come out .* \(row 'o-0'\)": in_place,
    r"original rows must come out .* \(2 became 1\)": lambda examples, tools: examples[1:],
    "the id 'o-0' occurs twice": changed(id="o-0"),
    "has no text as 'prompt'": changed(prompt=None),
    "the weight 'much' is no number": changed(weight="much"),
    "the weight True is no number": changed(weight=True),
    "the weight 0 is not above 0": changed(weight=0),
    "the weight nan is not above 0": changed(weight=float("nan")),
    "origin must be original or augmented, not 'made'": changed(origin="made"),
    r"original rows must come out .* \(2 became 3\)": changed(origin="original"),
}


@pytest.mark.parametrize("message", BROKEN)
def test_a_broken_mitigation_is_named(message, tools, row):
    rows = [row("Ann", id=f"o-{i}", origin="original") for i in range(2)] + [row("Bea")]
    with pytest.raises(InputError, match=rf"^mitigation 'mine'.*{message}") as error:
        Mitigation("mine", "", BROKEN[message]).apply(rows, tools)
    assert "\n" not in str(error.value) and rows[0]["prompt"] != "other"


def test_a_transform_may_drop_add_and_weigh_augmented_rows(tools, row):
    original, old = row("Ann", id="o", origin="original"), row("Bea")
    new = row("Cleo", id="a-2", weight=np.float32(0.5))
    made = Mitigation("mine", "", lambda examples, tools: [examples[0], new])
    assert made.apply([original, old], tools) == [original, new]


HEAD = "from bias_inherit.mitigations import Mitigation, Recipe\n"


def test_a_file_of_ones_own_is_loaded(tmp_path):
    own = tmp_path / "mine.py"
    own.write_text(
        f"from __future__ import annotations\n{HEAD}from dataclasses import dataclass\n"
        "@dataclass\nclass Place:\n    at: int\n"
        "RECIPE = Recipe('mine', 'Nothing.', lambda _: Mitigation('x', 'y'))\n"
    )
    assert load_mitigation(str(own)) == Mitigation("mine", "Nothing.")


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("import nothing_of_the_kind", r"cannot be imported \(ModuleNotFoundError: No module"),
        ("def", r"cannot be imported \(SyntaxError"),
        ("raise ValueError('one\\ntwo')", r"cannot be imported \(ValueError: one\)"),
        ("x = 1", "has no RECIPE of the type Recipe"),
        (HEAD + "RECIPE = Recipe('mask', '', None)", "the name 'mask' must be"),
        (HEAD + "RECIPE = Recipe('My own', '', None)", "the name 'My own' must be"),
        (HEAD + "RECIPE = Recipe('mine', '', lambda _: None)", "make must return a Mitigation"),
    ],
)
def test_a_broken_file_of_ones_own_is_one_line(tmp_path, code, message):
    (tmp_path / "mine.py").write_text(code)
    with pytest.raises(InputError, match=message) as error:
        load_mitigation(str(tmp_path / "mine.py"))
    assert "\n" not in str(error.value)
