"""Arms are named by what they are, and each is trained on its own axis's data."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import pytest

from bias_inherit.arms import Arm
from bias_inherit.bias_augment.writing.generators.contract import Reply
from bias_inherit.bias_augment.writing.generators.template import TemplateGenerator
from bias_inherit.errors import InputError
from bias_inherit.runs.experiment import Experiment, plan_arms, write_data

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


def test_a_mitigations_name_comes_from_the_mitigation_not_from_its_path(tmp_path):
    (tmp_path / "my").mkdir()
    (tmp_path / "my" / "file.py").write_text(CROP)
    (planned,) = plan_arms([arm(mitigation=str(tmp_path / "my" / "file.py"))])
    assert planned.arm.name == f"gender.{TYPE}.r20.crop.s0"
    assert planned.mitigation.transform is not None


def test_two_files_of_one_mitigations_name_are_told(tmp_path):
    paths = [tmp_path / "a.py", tmp_path / "b.py"]
    for path in paths:
        path.write_text(CROP + f"# {path.name}\n")
    with pytest.raises(InputError, match="two different arms are called"):
        plan_arms([arm(mitigation=str(path)) for path in paths])


def test_the_ratio_0_arm_is_one_for_all_mitigations():
    zeros = [arm(ratio=Fraction(0), mitigation=name) for name in ("none", "mask")]
    assert len(plan_arms(zeros)) == 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"axis": "gendre"}, "unknown axis 'gendre'"),
        ({"bias_type": "contextual"}, "bias type"),
        ({"mitigation": "maks"}, "unknown mitigation 'maks'"),
        ({"mitigation": "loss", "options": "lamda=1"}, "lamda"),
    ],
)
def test_what_does_not_exist_is_said_before_anything_is_written(changes, message):
    with pytest.raises(InputError, match=message):
        plan_arms([arm(**changes)])


def test_each_axis_has_its_own_data(tmp_path):
    arms = [arm(), arm(axis="age"), arm(axis="age", ratio=Fraction(0))]
    planned = plan_arms(arms)
    experiment = Experiment("lab", arms, per_cell=3)
    data = write_data(experiment, planned, TemplateGenerator(), tmp_path, lambda line: None)
    assert set(data.original) == {"gender", "age"}
    assert set(data.augmented) == {("gender", TYPE), ("age", TYPE)}
    for axis, path in data.original.items():
        assert path == tmp_path / "data" / axis / "original.jsonl"
        assert {row["axis"] for row in _rows(path)} == {axis}
    for (axis, _), path in data.augmented.items():
        assert {row["axis"] for row in _rows(path)} == {axis}


def _rows(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_the_students_own_text_is_the_bases_and_labels_may_be_planted(tmp_path, lab_base):
    from bias_inherit.bias_augment.writing.labels import Labels
    from bias_inherit.manifests import Augmented, read

    arms = [arm(bias_type="self"), arm()]
    shares = {"male": {"dentist": 1.0}, "female": {"nurse": 1.0}}
    experiment = Experiment(lab_base, arms, per_cell=2, labels=Labels("given", shares))
    planned, told = plan_arms(experiment.arms), []
    data = write_data(experiment, planned, TemplateGenerator(), tmp_path, told.append)

    own = read(data.augmented["gender", "self"], Augmented)
    planted = read(data.augmented["gender", TYPE], Augmented)
    assert own.generator == "lab" and own.sampling["model"] and set(own.ways) == {"given"}
    assert planted.generator == "template"
    assert [o.follows_label.share for o in planted.outcomes] == [1.0, 1.0]
    assert all(o.follows_label.share < 1 for o in own.outcomes), "a control has its sources' labels"


class SometimesRefusing(TemplateGenerator):
    """Refuses, whatever it is asked again, about each seventh row."""

    def write(self, requests, emit):
        def take(i, reply):
            refuses = int(requests[i].id.rpartition("-")[2]) % 7 == 0
            emit(i, Reply("I cannot help with that.") if refuses else reply)

        super().write(requests, take)


def test_rows_that_a_writer_refuses_are_made_up_for(tmp_path):
    arms = [arm(ratio=Fraction(1, 2))]
    experiment = Experiment("lab", arms, per_cell=2)
    told = []
    data = write_data(experiment, plan_arms(arms), SometimesRefusing(), tmp_path, told.append)
    rows = _rows(data.augmented["gender", TYPE])
    assert len(rows) == len(_rows(data.original["gender"])) == len({row["id"] for row in rows})
