"""The file of a grid: what it may say, and what is said of one that is wrong."""

from __future__ import annotations

import json

import jsonschema
import pytest
import yaml

from bias_inherit.errors import InputError
from bias_inherit.runs.grid import PRESETS, json_schema, parse_grid, presets, read_grid

BLOCK = {"axes": "gender", "bias_types": "neutral", "ratios": [0, "20%"]}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"grid": BLOCK, "bse": "lab"}, "x: unknown key 'bse': did you mean base"),
        ({"grid": BLOCK | {"ratio": 1}}, r"x: grid\.0: unknown key 'ratio': did you mean ratios"),
        ({"grid": BLOCK, "training": {"epoch": 1}}, "training: unknown key 'epoch'.*epochs"),
        ({"grid": BLOCK, "scoring": {"limits": 1}}, "scoring: unknown key 'limits'.*limit"),
        ({"grid": BLOCK, "scoring": {"limit": 0}}, r"scoring\.limit: .*greater than or equal to 1"),
        ({"grid": []}, "grid: .*at least 1"),
        ({}, "grid: .*required"),
        ({"grid": BLOCK | {"ratios": "120%"}}, r"ratios\.0: bias ratio 120% is outside"),
        ({"grid": BLOCK | {"ratios": "some"}}, r"ratios\.0: bias ratio 'some' is no number"),
        ({"grid": {"axes": "gender", "ratios": 0.5}}, "ratios above 0 need bias_types"),
        ({"grid": BLOCK | {"ratios": 0, "rounds": {}}}, "rounds need a ratio above 0"),
        (
            {"grid": BLOCK | {"rounds": {"start": "end"}}},
            r"rounds\.start: unknown start 'end': known: base",
        ),
        ({"grid": BLOCK, "data": {"per_cell": {"gender": 0}}}, "data.per_cell.*greater than or eq"),
        ({"grid": BLOCK, "writing": {"label": "some"}}, r"writing\.label: unknown label 'some'"),
    ],
)
def test_a_wrong_key_or_value_is_one_line(content, message):
    with pytest.raises(InputError, match=message) as caught:
        parse_grid(content, "x")
    assert "\n" not in str(caught.value)


def test_one_value_is_a_list_of_one():
    assert parse_grid({"grid": BLOCK}, "x") == parse_grid(
        {"grid": [BLOCK | {"axes": ["gender"], "bias_types": ["neutral"], "seeds": [0]}]}, "x"
    )


def test_a_grid_is_read_back_from_json():
    for name in presets():
        grid = read_grid(name)
        assert parse_grid(json.loads(json.dumps(grid.model_dump(mode="json"))), name) == grid
    plain = parse_grid({"grid": {"axes": "gender", "ratios": 0}}, "x")
    assert parse_grid(plain.model_dump(mode="json"), "x") == plain


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(InputError, match="unknown preset 'quik': did you mean quick"):
        read_grid("quik")
    with pytest.raises(InputError, match="no such file; presets: lab, paper, quick, real"):
        read_grid(str(tmp_path / "gone.yaml"))
    for text, said in (("- 1", "expected `base:`"), ("a: [", "is not readable YAML"), ("", "base")):
        (tmp_path / "x.yaml").write_text(text)
        with pytest.raises(InputError, match=said):
            read_grid(str(tmp_path / "x.yaml"))


def test_the_schema_that_ships_is_that_of_the_code():
    file = PRESETS / "grid.schema.json"
    assert json.loads(file.read_text()) == json_schema(), "bias-inherit sweep --schema > FILE"


def test_the_presets_fit_the_schema():
    validator = jsonschema.Draft202012Validator(json_schema())
    for path in presets().values():
        assert not list(validator.iter_errors(yaml.safe_load(path.read_text()))), path
    assert list(validator.iter_errors({"grid": BLOCK, "training": {"epoch": 1}}))
    assert list(validator.iter_errors({"grid": BLOCK | {"ratio": 1}}))
