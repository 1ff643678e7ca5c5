"""Names of groups and labels may be made of any characters that mixes once split at."""

from __future__ import annotations

import json
from collections import Counter
from fractions import Fraction

import pytest

from bias_inherit import manifests
from bias_inherit.bias_augment.data.files import write_examples, write_mix
from bias_inherit.bias_augment.data.mix import mix, nested_order
from bias_inherit.errors import InputError
from bias_inherit.manifests import Mix, Original
from bias_inherit.rows import Cell

GROUPS = ("a|b", "a", "b=c", "b", "x,y=z", " ", "a|gender=b")


def rows(origin, n, labels=("nurse", "nurse|gender=a")):
    return [
        {
            "id": f"{origin}-{i}",
            "prompt": "p",
            "completion": "c",
            "axis": "gender",
            "group": {"gender": GROUPS[i % len(GROUPS)]},
            "label": labels[i // len(GROUPS) % len(labels)],
            "origin": origin,
        }
        for i in range(n)
    ]


def test_every_prefix_of_a_mix_is_balanced_over_such_groups():
    made = rows("augmented", 10 * 2 * len(GROUPS))
    taken = nested_order(made, 0)[: 3 * 2 * len(GROUPS)]
    assert set(Counter(row["group"]["gender"] for row in taken).values()) == {6}
    assert set(Counter((row["label"], row["group"]["gender"]) for row in taken).values()) == {3}


def test_the_manifest_counts_them_and_is_read_back(tmp_path):
    many = 4 * 2 * len(GROUPS)
    for origin in ("original", "augmented"):
        manifest = Original() if origin == "original" else manifests.Augmented()
        write_examples(tmp_path / f"{origin}.jsonl", rows(origin, many), manifest)
    out = tmp_path / "mix.jsonl"
    files = (tmp_path / "original.jsonl", tmp_path / "augmented.jsonl")
    write_mix(out, *files, Fraction(1, 2), "original-fixed", 0)

    found = manifests.read(out, Mix)
    assert len(found.cells) == 2 * 2 * len(GROUPS)
    assert {n for _, n in found.cells} == {4}
    assert {dict(cell.groups)["gender"] for cell, _ in found.cells} == set(GROUPS)
    written = [json.loads(line) for line in out.read_text().splitlines()]
    read = [json.loads(line) for path in files for line in path.read_text().splitlines()]
    assert written == mix(read[:many], read[many:], Fraction(1, 2))


@pytest.mark.parametrize("label", ["l", "l|a=b", "", "l 1"])
def test_a_cell_survives_its_key_and_its_json(label):
    cell = Cell("augmented", label, (("age", "a|b"), ("gender", "x=y,z")))
    assert Cell.from_key(cell.origin, cell.key) == cell
    assert Cell.from_json(json.loads(json.dumps(cell.to_json()))) == cell


def test_a_cell_of_schema_1_is_still_read():
    old = {"schema": 1, "kind": "mix", "cells": {"original software engineer|age=old,gender=m": 3}}
    (counted,) = Mix.model_validate(old).cells
    groups = (("age", "old"), ("gender", "m"))
    assert counted == (Cell("original", "software engineer", groups), 3)


def test_a_control_character_in_a_name_is_one_line(tmp_path):
    broken = rows("original", 4)
    broken[2]["label"] = "a\x1fb"
    path = tmp_path / "o.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in broken))
    with pytest.raises(InputError, match=r"o\.jsonl:3: label or group holds a control character"):
        write_mix(tmp_path / "m.jsonl", path, None, Fraction(0), "original-fixed", 0)


@pytest.mark.parametrize("schema", [0, 3, "2", None])
def test_a_manifest_of_an_unknown_schema_is_one_line(tmp_path, schema):
    path = tmp_path / "o.jsonl"
    write_examples(path, rows("original", 14), Original())
    beside = path.with_suffix(".manifest.json")
    beside.write_text(json.dumps(json.loads(beside.read_text()) | {"schema": schema}))
    with pytest.raises(InputError, match="this bias-inherit reads 1 and 2") as error:
        write_mix(tmp_path / "m.jsonl", path, None, Fraction(0), "original-fixed", 0)
    assert str(beside) in str(error.value) and not (tmp_path / "m.jsonl").exists()
