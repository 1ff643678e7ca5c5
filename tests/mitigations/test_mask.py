from __future__ import annotations

import re

import pytest

from bias_inherit.bias_augment.axes.axis import load_axis
from bias_inherit.errors import InputError
from bias_inherit.mitigations import load_mitigation


@pytest.fixture
def masked(row, tools):
    """Mask a text, as a row of an axis, and return it; nothing but the text may change."""

    def mask(text, cues=None, axis="gender", **options):
        group = next(iter(load_axis(axis).groups))
        old = row(text, axis, group, **({} if cues is None else {"cues": cues}))
        (new,) = load_mitigation("mask", options).apply([old], tools)
        assert new["prompt"] == old["prompt"].replace(text, new["text"], 1)
        assert new["completion"] == old["completion"] and new["label"] == old["label"]
        return new["text"]

    return mask


@pytest.mark.parametrize(
    ("text", "cues", "expected"),
    [
        ("She and her sister Ann live here. Hershey, HER", ["she", "her", "Ann"],
         "[MASK] and [MASK] sister [MASK] live here. Hershey, [MASK]"),
        ("Ann-Marie", ["Ann", "Ann-Marie"], "[MASK]"),
        ("Alison met Ali, Ali's son and ali.", ["Ali"], "Alison met [MASK], [MASK]'s son and ali."),
        ("She will ask Will.", ["Will"], "She will ask [MASK]."),
        ("Her mother: Mother of two.", ["Mother"], "Her [MASK]: [MASK] of two."),
        ("He is here", ["He"], "[MASK] is here"),
        ("chair (he) \"he\" he's", ["he"], "chair ([MASK]) \"[MASK]\" [MASK]'s"),
        ("قالت فاطمة", ["فاطمة"], "قالت [MASK]"),
        ("Jose\u0301 and Jose", ["Jose"], "Jose\u0301 and [MASK]"),
        ("我叫Ali很高兴", ["Ali"], "我叫[MASK]很高兴"),
    ],
)  # fmt: skip
def test_recorded_cues_are_masked_as_whole_words(masked, text, cues, expected):
    assert masked(text, cues) == expected


@pytest.mark.parametrize(
    ("axis", "text", "expected"),
    [
        ("gender", "Mary said that she hid her hat here. Then James left.",
         "[MASK] said that [MASK] hid [MASK] hat here. Then [MASK] left."),
        ("culture", "عيد رمضان في العالم العربي", "عيد [MASK] في [MASK]"),
        ("culture", "رمضانيات", "رمضانيات"),
        ("culture", "他在中国过春节，说汉语。", "他在[MASK]过[MASK]，说[MASK]。"),
        ("culture", "Fala português na festa junina.", "Fala [MASK] na [MASK]."),
        ("culture", "aportuguesado", "aportuguesado"),
        ("culture", "Habla español; la Nochebuena en México y Mexico.",
         "Habla [MASK]; la [MASK] en México y [MASK]."),
        ("culture", "españoles", "españoles"),
        ("culture", "Ali Farhat eats kabsa.", "[MASK] eats [MASK]."),
        ("age", "Mildred Payne, a senior, is in her seniority.",
         "[MASK], a [MASK], is in her seniority."),
    ],
)  # fmt: skip
@pytest.mark.parametrize("recorded", [None, []])
def test_without_recorded_cues_the_axis_looks(masked, axis, text, expected, recorded):
    assert masked(text, recorded, axis) == expected


def test_every_term_and_name_of_the_axes_is_masked(masked):
    for axis in ("gender", "culture", "age", "race"):
        for group in load_axis(axis).groups.values():
            for word in (*group.words, *group.names):
                assert masked(f"so {word}, so", None, axis) == "so [MASK], so", word


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("She saw her.", "They saw them."),
        ("She saw her hat.", "They saw their hat."),
        ("HER old hat is hers", "THEIR old hat is theirs"),
        ("I told her that she left.", "I told them that they left."),
        ("We met her in town", "We met them in town"),
        ("His hat is his.", "Their hat is theirs."),
        ("He gave it to him himself.", "They gave it to them themself."),
        ("herself", "themself"),
        ("The hat is his, not hers.", "The hat is theirs, not theirs."),
        ("a woman, two men and the girl's father", "a person, two people and the child's parent"),
        ("Mrs Jones and Mr Jones", "Mx Jones and Mx Jones"),
        ("Mary left. Mary came with Mary.", "The person left. The person came with the person."),
        ('Why? "Mary\'s hat" is where?', 'Why? "The person\'s hat" is where?'),
        ("a female nurse", "a [MASK] nurse"),
    ],
)
@pytest.mark.parametrize("recorded", [False, True])
def test_neutral_words_keep_case_and_role(masked, text, expected, recorded):
    cues = load_axis("gender").find_cues(text) if recorded else None
    assert masked(text, cues, neutral="true") == expected


def test_neutral_words_beyond_gender(masked):
    text = "Ali Farhat, a person from an Arab country, eats kabsa at Ramadan."
    expected = "The person, a person, eats [MASK] at [MASK]."
    assert masked(text, axis="culture", neutral="true") == expected
    assert masked("两个人在中国", axis="culture", neutral="true") == "两个人在[MASK]"
    assert masked("so, Will", ["Will"], neutral="true") == "so, the person"


def test_the_word_is_an_option_and_taken_as_it_is(masked):
    assert masked("She is", word=r"\1 <x>") == r"\1 <x> is"
    assert masked("a female nurse, she", word="X", neutral="true") == "a X nurse, they"


def test_question_options_and_answer_stay(row, tools):
    (new,) = load_mitigation("mask").apply([row("She is a man.")], tools)
    assert new["prompt"] == (
        "Read the text.\n\nText: [MASK] is a [MASK].\n\nWho is she?\nA. nurse\nB. man\nAnswer:"
    )
    own = "She is tall.\nWho is she?\nA. nurse\n(b) man\nman\nMary, a man\n"
    (new,) = load_mitigation("mask").apply([row("", prompt=own)], tools)
    expected = "[MASK] is tall.\nWho is she?\nA. nurse\n(b) man\nman\n[MASK], a [MASK]\n"
    assert new["prompt"] == expected
    collapsed = row(" ".join(own.split()), prompt=own)
    (new,) = load_mitigation("mask").apply([collapsed], tools)
    assert (new["prompt"], new["text"]) == (expected, " ".join(expected.split()))


def test_a_prompt_of_ones_own_beside_a_text_is_searched_too(row, tools):
    own = row("She left.", prompt="Mary left.\nB. man\n")
    (new,) = load_mitigation("mask").apply([own], tools)
    assert (new["text"], new["prompt"]) == ("[MASK] left.", "[MASK] left.\nB. man\n")


def test_a_culture_word_in_the_question_stays(row, tools):
    question = "How is Ramadan kept in China?"
    old = row("Ali keeps Ramadan.", "culture", "arabic", question=question, cues=["Ramadan", "Ali"])
    old["prompt"] = f"{old['text']}\n\n{question}\nA. as in China\nAnswer:"
    (new,) = load_mitigation("mask").apply([old], tools)
    expected = f"[MASK] keeps [MASK].\n\n{question}\nA. as in China\nAnswer:"
    assert (new["prompt"], new["cues"]) == (expected, [])


def test_recorded_cues_need_no_axis(row, tools):
    (new,) = load_mitigation("mask").apply([row("Sun Day", "moons", cues=["Day"])], tools)
    assert new["text"] == "Sun [MASK]"


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"axis": "gendr"}, "row 'a-1': unknown axis 'gendr': did you mean gender"),
        ({"axis": ""}, "row 'a-1' names no axis"),
        ({"cues": "she"}, "row 'a-1': its cues must be a list of words, not 'she'"),
        ({"cues": [""]}, "row 'a-1': its cues must be a list of words"),
        ({"text": "", "prompt": "  ", "cues": ["x"]}, "row 'a-1' has no text and no prompt"),
    ],
)
def test_rows_that_lack_what_is_needed_are_named(row, tools, more, message):
    with pytest.raises(InputError, match=message):
        load_mitigation("mask").apply([row("She.") | more], tools)


def test_in_a_mix_no_augmented_text_shows_a_gender(mix, tools):
    told = load_mitigation("mask").apply(mix, tools)
    for old, new in zip(mix, told, strict=True):
        if old["origin"] == "augmented":
            _, shown, _ = new["prompt"].split("\n\n")
            assert not load_axis("gender").find_cues(shown) and "[MASK]" in shown
            assert old["completion"] == new["completion"]
        else:
            assert re.search(r"\b(he|she|his|her)\b", new["text"], re.I)


def test_a_completion_that_is_text_is_masked_with_its_prompt(row, tools):
    told = row("She works here.", "gender", "female")
    for prompt in ("", "Write about Mary."):
        own = told | {"prompt": prompt, "completion": " She works; her son too."}
        own |= {"text": f"{prompt} She works; her son too.".strip(), "cues": ["She", "her", "Mary"]}
        (new,) = load_mitigation("mask", {}).apply([own], tools)
        assert new["completion"] == " [MASK] works; [MASK] son too."
        assert new["text"] == f"{new['prompt']}{new['completion']}".strip()
        assert "Mary" not in new["prompt"]
