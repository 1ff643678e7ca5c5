"""Arms are named by what they are, each once, and what does not exist is said at once."""

from __future__ import annotations

import json
from fractions import Fraction

import pytest

from bias_inherit.arms import Arm
from bias_inherit.errors import InputError
from bias_inherit.runs.grid import parse_grid, presets, read_grid
from bias_inherit.runs.plan import make_plan, plan_arms

TYPE = "contextual-single-explicit"
CROP = """
from bias_inherit.mitigations import Mitigation, Recipe


def crop(rows, tools):
    return [row if row["origin"] == "original" else row | {"text": row["text"]} for row in rows]


RECIPE = Recipe("crop", "Nothing much.", lambda options: Mitigation("crop", "", transform=crop))
"""


def arm(**changes):
    usual = {"axis": "gender", "bias_type": TYPE, "ratio": Fraction(1, 5), "seed": 0}
    return Arm(**(usual | changes))


def grid(*blocks, **more):
    usual = {"axes": "gender", "bias_types": TYPE, "ratios": "20%"}
    return parse_grid({"grid": [usual | block for block in blocks], **more}, "grid")


def names(*blocks, **more):
    return [each.name for each in plan_arms(grid(*blocks, **more))]


def test_an_arm_is_named_by_its_parts_and_read_back_from_json():
    one = arm(mitigation="loss", options="lambda=0.5", seed=3)
    assert one.name == f"gender.{TYPE}.r20.loss:lambda=0.5.s3"
    assert Arm.model_validate(json.loads(json.dumps(one.to_json()))) == one
    third = arm(ratio=Fraction(1, 3))
    assert Arm.model_validate(json.loads(json.dumps(third.to_json()))).ratio == Fraction(1, 3)
    assert arm(ratio=Fraction(0), mitigation="mask").name == "gender.original.r0.none.s0"


def test_the_baseline_is_ratio_0_of_the_same_axis_and_seed():
    zero = arm(ratio=Fraction(0))
    assert zero.is_baseline_of(arm(mitigation="mask"))
    assert not zero.is_baseline_of(arm(seed=1)) and not zero.is_baseline_of(arm(axis="age"))
    assert not arm().is_baseline_of(arm())
    assert not arm(ratio=None).is_baseline_of(arm())


def test_a_block_is_a_product_and_ratio_0_is_one_arm_an_axis_and_seed():
    found = names(
        {
            "axes": ["gender", "culture"],
            "bias_types": [TYPE, "neutral"],
            "ratios": [0, 0.05, "1/2"],
            "mitigations": ["none", "loss:lambda=1"],
            "seeds": [0, 1],
        }
    )
    assert len(found) == len(set(found)) == 2 * 2 * (1 + 2 * 2 * 2)
    assert sum(".r0." in name for name in found) == 4
    assert f"culture.{TYPE}.r5.loss:lambda=1.s1" in found


def test_an_arm_of_two_blocks_is_one():
    both = {"mitigations": ["none", "mask"]}
    assert names(both, both) == names(both)


def test_a_set_of_bias_types_is_its_members():
    assert len(names({"bias_types": "six"})) == 6


def test_settings_are_the_bases_then_the_grids_then_the_blocks():
    found = plan_arms(
        grid({"seeds": 3}, {"axes": "age", "training": {"preset": "paper-gender", "rank": 4}})
    )
    assert found[0].settings.learning_rate == 3e-3 and found[0].settings.seed == 3
    assert (found[1].settings.learning_rate, found[1].settings.rank) == (1e-5, 4)


def test_rounds_are_a_chain_behind_one_first_arm():
    found = plan_arms(
        grid({"bias_types": ["neutral", TYPE], "rounds": {"after": 2, "original": "fresh"}})
    )
    first = "gender.original.r0.none.s0.round0"
    assert [(each.name, each.after) for each in found] == [
        (first, None),
        ("gender.neutral.r20.none.s0.round1", first),
        ("gender.neutral.r20.none.s0.round2", "gender.neutral.r20.none.s0.round1"),
        (f"gender.{TYPE}.r20.none.s0.round1", first),
        (f"gender.{TYPE}.r20.none.s0.round2", f"gender.{TYPE}.r20.none.s0.round1"),
    ]
    assert [each.draw_seed for each in found[:3]] == [0, 1000, 2000]


def test_a_mitigations_name_comes_from_the_mitigation_not_from_its_path(tmp_path):
    (tmp_path / "my").mkdir()
    (tmp_path / "my" / "file.py").write_text(CROP)
    (planned,) = plan_arms(grid({"mitigations": str(tmp_path / "my" / "file.py")}))
    assert planned.arm.name == f"gender.{TYPE}.r20.crop.s0"
    assert planned.mitigation.transform is not None


def test_two_different_arms_of_one_name_are_told(tmp_path):
    paths = [tmp_path / "a.py", tmp_path / "b.py"]
    for path in paths:
        path.write_text(CROP + f"# {path.name}\n")
    with pytest.raises(InputError, match="two different arms are called"):
        names({"mitigations": [str(path) for path in paths]})
    with pytest.raises(InputError, match="two different arms are called"):
        names({}, {"training": {"rank": 4}})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"axes": "gendre"}, "unknown axis 'gendre'"),
        ({"bias_types": "contextual"}, "bias type"),
        ({"mitigations": "maks"}, "unknown mitigation 'maks'"),
        ({"mitigations": "loss:lamda=1"}, "lamda"),
        ({"training": {"precision": "fp8"}}, "unknown precision 'fp8'"),
        ({"training": {"epochs": "three"}}, "'three' is no number"),
        ({"training": {"rank": "four"}}, "wrong type"),
        ({"training": {"preset": "papers"}}, "unknown preset 'papers'"),
    ],
)
def test_what_does_not_exist_is_said(changes, message):
    with pytest.raises(InputError, match=message):
        names(changes)


def test_files_of_ones_own_that_are_not_there_are_said(tmp_path):
    with pytest.raises(InputError, match=r"data\.augmented: .*gone\.jsonl: no such file"):
        make_plan(grid({}, data={"augmented": {TYPE: str(tmp_path / "gone.jsonl")}}))
    with pytest.raises(InputError, match="leave `label: chosen` out"):
        shares = {"male": {"nurse": 1}, "female": {"dentist": 1}}
        make_plan(grid({}, writing={"label": "chosen", "label_share": shares}))


def test_the_presets_are_what_they_say():
    counts = {name: len(plan_arms(read_grid(name))) for name in presets()}
    assert counts == {"lab": 194, "paper": 194, "quick": 5, "real": 4}
    paper = plan_arms(read_grid("paper"))
    assert {e.settings.learning_rate for e in paper if e.axis.axis == "culture"} == {1e-6}
    assert {e.settings.learning_rate for e in paper if e.axis.axis == "gender"} == {1e-5}


def test_rows_per_cell_may_be_said_by_axis():
    two = grid({"axes": ["gender", "culture"]}, data={"per_cell": {"culture": 6}})
    assert [two.data.rows_per_cell(axis) for axis in ("gender", "culture")] == [None, 6]
    assert len(make_plan(two).arms) == 2
    with pytest.raises(InputError, match=r"axis of data\.per_cell 'genders': did you mean gender"):
        make_plan(grid({}, data={"per_cell": {"genders": 6}}))
