from __future__ import annotations

import logging

import pytest

from bias_inherit.bias_augment.axes.axis import load_axis
from bias_inherit.errors import InputError
from bias_inherit.mitigations import load_mitigation


def pair(rows, tools, **options):
    return load_mitigation("counterfactual", options).apply(rows, tools)


def test_a_twin_is_told_of_the_other_gender(row, tools):
    old = row("Mary lost her hat.", cues=["Mary", "her"])
    first, other = pair([old], tools)
    assert first == old | {"weight": 0.5}
    james = load_axis("gender").groups["male"].names[0]
    assert other["text"] == f"{james} lost his hat."
    assert other["prompt"] == old["prompt"].replace(old["text"], other["text"])
    assert (other["id"], other["group"], other["weight"]) == ("a-1.twin", {"gender": "male"}, 0.5)
    assert other["cues"] == [james, "his"]
    assert (other["completion"], other["label"]) == (old["completion"], old["label"])


@pytest.mark.parametrize(
    ("axis", "group", "text"),
    [
        ("culture", "arabic", "A person from an Arab country keeps Ramadan."),
        ("culture", "chinese", "他在中国过春节。"),
        ("age", "senior", "Mildred Payne looks forward to retirement."),
    ],
)
def test_of_several_groups_one_is_chosen_by_the_id(row, tools, axis, group, text):
    rows = [row(text, axis, group, id=f"a-{i}") for i in range(40)]
    twins = pair(rows, tools)[1::2]
    others = {twin["group"][axis] for twin in twins}
    assert others == set(load_axis(axis).groups) - {group}
    for old, twin in zip(rows, twins, strict=True):
        assert twin["text"] == load_axis(axis).swap(text, group, twin["group"][axis]) != text
        assert "cues" not in old and "cues" not in twin
    assert pair(rows[::-1], tools)[1::2] == twins[::-1]


def test_other_identities_of_a_row_stay(row, tools):
    old = row("She left.", group="female") | {"group": {"gender": "female", "age": "senior"}}
    assert pair([old], tools)[1]["group"] == {"gender": "male", "age": "senior"}


def test_question_and_options_of_a_prompt_of_ones_own_stay(row, tools):
    own = row("", prompt="She left.\nWho is she?\nB. man\n")
    assert pair([own], tools)[1]["prompt"] == "He left.\nWho is she?\nB. man\n"


def test_a_text_without_a_group_has_no_twin_and_is_counted(row, tools, caplog):
    alone, told = row("Nobody."), row("She left.", id="a-2")
    with caplog.at_level(logging.INFO, "bias_inherit.mitigations.counterfactual"):
        assert pair([alone, told], tools)[0] == alone
    assert "1 augmented rows show no group" in caplog.text


def test_the_share_of_the_loss_stays_unless_told_otherwise(mix, tools):
    def share(rows):
        of = {"original": 0.0, "augmented": 0.0}
        for each in rows:
            of[each["origin"]] += each.get("weight", 1.0)
        return of["augmented"] / sum(of.values())

    assert share(pair(mix, tools)) == pytest.approx(share(mix))
    whole = pair(mix, tools, halve="false")
    assert share(whole) > share(mix) and not any("weight" in each for each in whole)
    weighted = [each | {"weight": 0.2} for each in mix if each["origin"] == "augmented"]
    assert {each["weight"] for each in pair(weighted, tools)} <= {0.1, 0.2}


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"axis": None}, "row 'a-1' names no axis"),
        ({"axis": "moons"}, "row 'a-1': unknown axis 'moons'"),
        ({"group": {}}, "row 'a-1' names no group on its axis 'gender'"),
        ({"group": "female"}, "row 'a-1' names no group on its axis 'gender'"),
        ({"group": {"gender": "femal"}}, "row 'a-1': unknown group .* did you mean female"),
        ({"text": "", "prompt": ""}, "row 'a-1' has no text and no prompt"),
    ],
)
def test_rows_that_lack_what_is_needed_are_named(row, tools, more, message):
    with pytest.raises(InputError, match=message):
        pair([row("She.") | more], tools)


def test_an_id_that_is_taken_is_an_error(row, tools):
    with pytest.raises(InputError, match=r"the id 'a-1\.twin' occurs twice"):
        pair([row("She."), row("He.", group="male", id="a-1.twin")], tools)
